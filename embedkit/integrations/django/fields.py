"""A model field for a Getty Images picture, its form field, and the picker as its widget.

class Post(models.Model):
    picture = GettyField(blank=True)
"""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core import checks
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.widgets import Media, Script

from embedkit.errors import ConfigurationError, EmbedKitError, NotEmbeddable, NotFound, UnsupportedReference
from embedkit.integrations.django import kit
from embedkit.integrations.site import log
from embedkit.messages import Request

GRANT_TIMEOUT_S = 2.0  # while rendering a form
MAX_CHARS = 2000  # enough for a shortcode with a long caption


def grant() -> str:
    """Return a read-only grant for the picker, valid for eight hours. The token stays on the server.

    It is empty if the service is down: the form still opens, and the picker shows the error.
    """
    settings = kit().settings
    headers = {"Authorization": f"Bearer {settings.tokens[0].reveal()}", "Content-Type": "application/json"}
    request = Request(
        url=f"{settings.public_url}/v1/grants",
        endpoint="grants",
        method="POST",
        headers=headers,
        body=b"{}",
        timeout=GRANT_TIMEOUT_S,
    )
    try:
        response = kit().engine.transport().send(request)
        return str(json.loads(response.body)["grant"])
    except (EmbedKitError, ValueError, KeyError, TypeError) as error:
        log.warning("The service at %s issued no grant: %s", settings.public_url, type(error).__name__)
        return ""


def has_picker() -> bool:
    """Return whether the settings specify a service, and a token to request grants with."""
    return bool(kit().settings.public_url and kit().settings.tokens)


class GettyWidget(forms.Widget):
    """``<embedkit-picker>``, a form-associated element that submits its value under its name.

    It contains a plain field for browsers without JavaScript, and for when the service is down, so that saving
    the form never loses a picture.
    """

    template_name = "embedkit/picker.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Add a new grant for each form, which is valid for a working day."""
        context = super().get_context(name, value, attrs)
        if not has_picker():
            return {**context, "endpoint": ""}
        return {**context, "endpoint": kit().settings.public_url, "grant": grant()}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return the element's value, which is first, or the plain field's if the element isn't active."""
        values = data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []
        return values[0] if values else None

    def id_for_label(self, id_: str) -> str:
        """Return the ID of the element."""
        return id_

    @property
    def media(self) -> Media:
        """The element's script, served by the service, and its stylesheet."""
        if not has_picker():
            return Media()
        script = Script(f"{kit().settings.public_url}/static/embedkit-picker.js", type="module")
        return Media(css={"all": ["embedkit/picker.css"]}, js=[script])


class GettyFormField(forms.CharField):
    """Accepts any reference: a shortcode, an ID, a URL or pasted embed code."""

    widget = GettyWidget

    def clean(self, value: Any) -> str:
        """Return the reference without surrounding whitespace. An outage of Getty doesn't prevent saving.

        :raises ValidationError: if it is not a picture, or not embeddable.
        """
        reference = str(super().clean(value))
        try:
            if reference:
                kit().resolve(reference)
        except (UnsupportedReference, NotFound, NotEmbeddable) as error:
            raise ValidationError(error.message, code=error.code) from error
        except EmbedKitError:
            pass
        return reference


class GettyField(models.CharField):
    """Stores the shortcode with all options: caption, width and alignment.

    :param max_length: the maximum length of the shortcode in characters, by default 2000.
    """

    description = "A Getty Images picture"

    def __init__(self, *args: Any, max_length: int | None = MAX_CHARS, **kwargs: Any) -> None:
        super().__init__(*args, max_length=max_length, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field with our widget, which the admin would otherwise replace by its own."""
        return super().formfield(**{**kwargs, "form_class": GettyFormField, "widget": GettyWidget})

    def check(self, **kwargs: Any) -> list[Any]:
        """Check the field, for ``manage.py check``: without a service, the picker is a plain field."""
        found = super().check(**kwargs)
        try:
            if not has_picker():
                hint = "Set public_url and tokens in EMBEDKIT to those of your service."
                warning = "Without a service, the picker is a plain field."
                found.append(checks.Warning(warning, hint=hint, obj=self, id="embedkit.W001"))
        except ConfigurationError:
            pass  # reported as embedkit.E001
        return list(found)
