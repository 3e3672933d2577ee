"""A model field for one Getty picture, its form field, and the picker as its widget.

class Post(models.Model):
    picture = PictureField(blank=True)
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.widgets import Media, Script

from embedkit import EmbedKitError, NotEmbeddable, NotFound, UnsupportedReference
from slipway.embeds import kit, service


class PickerWidget(forms.Widget):
    """``<embedkit-picker>``: it is part of the form by itself, and sends its value under its name.

    In it is a plain field, for browsers without JavaScript and for the hour when the service is down: nobody
    loses a picture by saving.
    """

    template_name = "slipway/picker.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The grant is made anew for every form: it lasts a working day."""
        context = super().get_context(name, value, attrs)
        return {**context, "endpoint": service.url, "grant": service.grant()}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:  # noqa: ARG002
        """The element's value comes first; where it is not at work there is the field's alone."""
        return data.getlist(name)[0] if name in data else None

    @property
    def media(self) -> Media:
        return Media(
            css={"all": ["slipway/picker.css"]},
            js=[Script(f"{service.url}/static/embedkit-picker.js", type="module")],
        )


class PictureFormField(forms.CharField):
    """Takes whatever embedkit understands: a shortcode, an id, an address, pasted embed code."""

    def clean(self, value: Any) -> str:
        """:raises ValidationError: where it names no picture, or one that cannot be embedded.

        Getty being down keeps nobody from saving.
        """
        written = str(super().clean(value))
        try:
            if written:
                kit.resolve(written)
        except (UnsupportedReference, NotFound, NotEmbeddable) as error:
            raise ValidationError(error.message, code=error.code) from error
        except EmbedKitError:
            pass
        return written


class PictureField(models.CharField):
    """Keeps the shortcode, with all that was chosen: caption, width, side."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 2000, **kwargs})

    def formfield(self, **kwargs: Any) -> Any:
        """With our widget, which the admin would replace by its own for every CharField."""
        return super().formfield(**{**kwargs, "form_class": PictureFormField, "widget": PickerWidget})
