"""``{% load embedkit %}``: a tag for one picture, a filter for texts, and the page's stylesheet."""

from __future__ import annotations

from typing import Any, cast

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from embedkit.integrations.django import kit
from embedkit.models import Options
from embedkit.targets import Target

register = template.Library()


@register.simple_tag
def getty(reference: Any, **words: Any) -> SafeString:
    """``{% getty "74917285" max_width=594 %}``: one picture; of what can't be shown, what ON_ERROR says."""
    options, problems = Options.from_words(words)
    if problems:
        raise template.TemplateSyntaxError("; ".join(one.detail for one in problems))
    return mark_safe(kit().html(reference, options) if reference else "")  # noqa: S308  # nosec B308 B703


@register.filter(name="getty", is_safe=True, needs_autoescape=True)
def getty_filter(value: Any, autoescape: bool = True) -> SafeString:
    """``{{ body|getty }}``: a text with its references rendered; escaped first, unless it is safe."""
    return mark_safe(kit().filter(value, autoescape=autoescape))  # noqa: S308  # nosec B308 B703


@register.simple_tag
def getty_assets(target: Any = None) -> SafeString:
    """``{% getty_assets %}`` for the head of a page: what a target needs, by default the setting's."""
    needed = kit().assets(target or cast(Target, kit().settings.target))
    styles = format_html_join("\n", '<link rel="stylesheet" href="{}">', ((url,) for url in needed["css"]))
    return styles + format_html_join("\n", '<script defer src="{}"></script>', ((url,) for url in needed["js"]))
