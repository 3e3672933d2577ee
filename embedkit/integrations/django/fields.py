"""A model field for one Getty picture, its form field, and the picker as its widget.

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

GRANT_TIMEOUT_S = 2.0  # for which a form waits for the service
MAX_CHARS = 2000  # of a shortcode with a long caption


def grant() -> str:
    """What the picker shows to the service: it reads, and ends after eight hours. The token stays here.

    Empty while the service is down: the form opens all the same, and the picker says what is wrong.
    """
    settings = kit().settings
    headers = {"Authorization": f"Bearer {settings.tokens[0].reveal()}", "Content-Type": "application/json"}
    asked = Request(
        url=f"{settings.public_url}/v1/grants",
        endpoint="grants",
        method="POST",
        headers=headers,
        body=b"{}",
        timeout=GRANT_TIMEOUT_S,
    )
    try:
        answer = kit().engine.transport().send(asked)
        return str(json.loads(answer.body)["grant"])
    except (EmbedKitError, ValueError, KeyError, TypeError) as error:
        log.warning("The service at %s gives no grant: %s", settings.public_url, type(error).__name__)
        return ""


def has_picker() -> bool:
    """Whether the settings name a service, and a token that it gives grants for."""
    return bool(kit().settings.public_url and kit().settings.tokens)


class GettyWidget(forms.Widget):
    """``<embedkit-picker>``: it is part of the form by itself, and sends its value under its name.

    In it is a plain field, for browsers without JavaScript, and for the hour when the service is down: nobody
    loses a picture by saving.
    """

    template_name = "embedkit/picker.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """With a grant that is made anew for every form: it lasts a working day."""
        context = super().get_context(name, value, attrs)
        if not has_picker():
            return {**context, "endpoint": ""}
        return {**context, "endpoint": kit().settings.public_url, "grant": grant()}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The element's value comes first; where it is not at work there is the plain field's alone."""
        values = data.getlist(name) if hasattr(data, "getlist") else [data[name]] if name in data else []
        return values[0] if values else None

    def id_for_label(self, id_: str) -> str:
        """The element has the ID."""
        return id_

    @property
    def media(self) -> Media:
        """The element's script comes from the service."""
        if not has_picker():
            return Media()
        script = Script(f"{kit().settings.public_url}/static/embedkit-picker.js", type="module")
        return Media(css={"all": ["embedkit/picker.css"]}, js=[script])


class GettyFormField(forms.CharField):
    """Takes whatever embedkit understands: a shortcode, an ID, a URL, pasted embed code."""

    widget = GettyWidget

    def clean(self, value: Any) -> str:
        """What was written, without spaces around it. Getty being down keeps nobody from saving.

        :raises ValidationError: where it names no picture, or one that can't be embedded.
        """
        written = str(super().clean(value))
        try:
            if written:
                kit().resolve(written)
        except (UnsupportedReference, NotFound, NotEmbeddable) as error:
            raise ValidationError(error.message, code=error.code) from error
        except EmbedKitError:
            pass
        return written


class GettyField(models.CharField):
    """Keeps the shortcode, with all that was chosen: caption, width, side.

    :param max_length: of the shortcode, by default 2000 characters.
    """

    description = "A Getty Images picture"

    def __init__(self, *args: Any, max_length: int | None = MAX_CHARS, **kwargs: Any) -> None:
        super().__init__(*args, max_length=max_length, **kwargs)

    def formfield(self, **kwargs: Any) -> Any:
        """With our widget, which the admin would replace by its own for every CharField."""
        return super().formfield(**{**kwargs, "form_class": GettyFormField, "widget": GettyWidget})

    def check(self, **kwargs: Any) -> list[Any]:
        """What is wrong, for ``manage.py check``: without a service the picker is a plain field."""
        found = super().check(**kwargs)
        try:
            if not has_picker():
                hint = "Set public_url and tokens in EMBEDKIT, to those of your service."
                warning = "Without a service the picker is a plain field."
                found.append(checks.Warning(warning, hint=hint, obj=self, id="embedkit.W001"))
        except ConfigurationError:
            pass  # embedkit.E001 tells
        return list(found)
