"""``{% load embedkit %}``: a tag for a picture, a filter for texts, and a tag for the stylesheet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.template.base import FilterExpression, Parser, Token, token_kwargs
from django.utils.safestring import SafeString, mark_safe

from embedkit.integrations.django import site
from embedkit.integrations.options import unknown_words

register = template.Library()


class GettyNode(template.Node):
    """A picture. If it can't be shown, ON_ERROR applies, and a warning with template and line is logged."""

    def __init__(self, reference: FilterExpression, words: Mapping[str, FilterExpression], name: str) -> None:
        self.reference, self.words, self.name = reference, words, name

    def render(self, context: Any) -> str:
        """Return the picture, or nothing if it is assigned to a variable."""
        words = {name: value.resolve(context) for name, value in self.words.items()}
        shown = site().picture(
            self.reference.resolve(context, ignore_failures=True), words, str(self.origin), self.token.lineno
        )
        html: str = mark_safe(shown)  # noqa: S308  # nosec B308 B703
        if not self.name:
            return html
        context[self.name] = html
        return ""


@register.tag
def getty(parser: Parser, token: Token) -> GettyNode:
    """Parse ``{% getty "74917285" max_width=594 %}``; ``… as name`` assigns the picture to a variable."""
    tag, *parts = token.split_contents()
    name = parts.pop() if parts[-2:-1] == ["as"] else ""
    parts = parts[:-1] if name else parts
    words = token_kwargs(rest := parts[1:], parser)
    if not parts or rest:
        raise template.TemplateSyntaxError(f"{tag} takes a reference and options as name=value.")
    if wrong := unknown_words(words):
        raise template.TemplateSyntaxError(wrong)
    return GettyNode(parser.compile_filter(parts[0]), words, name)


@register.filter(name="getty", is_safe=True, needs_autoescape=True)
def getty_filter(value: Any, autoescape: bool = True) -> SafeString:
    """Render the references in a text: ``{{ body|getty }}``. It is escaped first, unless it is safe."""
    return mark_safe(site().filter(value, "<text>", autoescape=autoescape))  # noqa: S308  # nosec B308 B703


@register.simple_tag
def getty_assets(target: Any = None) -> SafeString:
    """Return the tags that a target needs in the head of a page: ``{% getty_assets %}``."""
    return mark_safe(site().head(target))  # noqa: S308  # nosec B308 B703
