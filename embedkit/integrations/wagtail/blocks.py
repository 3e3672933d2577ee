"""A block of a StreamField, with the picker as its widget."""

from __future__ import annotations

from typing import Any

from django.utils.safestring import SafeString, mark_safe
from wagtail.admin.telepath import register
from wagtail.admin.telepath.widgets import WidgetAdapter
from wagtail.blocks import FieldBlock

from embedkit.integrations.django import site
from embedkit.integrations.django.fields import GettyFormField, GettyWidget


class GettyChooserBlock(FieldBlock):  # type: ignore[misc]
    """A picture in a StreamField, chosen with the picker. Its value is the shortcode.

    :param required: True if it can't be empty.
    :param help_text: the help text for editors.
    """

    def __init__(self, required: bool = True, help_text: str | None = None, **kwargs: Any) -> None:
        self.field = GettyFormField(required=required, help_text=help_text)
        super().__init__(**kwargs)

    def render_basic(self, value: Any, context: Any = None) -> SafeString:
        """Render the embed, for a block without its own template."""
        return mark_safe(site().picture(value or "", {}, "StreamField"))  # noqa: S308  # nosec B308 B703

    class Meta:
        icon = "image"


class GettyWidgetAdapter(WidgetAdapter):  # type: ignore[misc]
    """The picker for blocks added in the browser."""

    js_constructor = "embedkit.GettyWidget"

    class Media:
        js = ("embedkit/wagtail.js",)


register(GettyWidgetAdapter(), GettyWidget)
