"""``{% load embedkit %}``: a tag for one picture, a filter for texts, and the page's stylesheet."""

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
    """One picture; of what can't be shown, what ON_ERROR says, and a warning with template and line."""

    def __init__(self, reference: FilterExpression, words: Mapping[str, FilterExpression], name: str) -> None:
        self.reference, self.words, self.name = reference, words, name

    def render(self, context: Any) -> str:
        """The picture, or nothing where a variable takes it."""
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
    """``{% getty "74917285" max_width=594 %}``, and ``… as name`` for a variable instead."""
    tag, *parts = token.split_contents()
    name = parts.pop() if parts[-2:-1] == ["as"] else ""
    parts = parts[:-1] if name else parts
    words = token_kwargs(rest := parts[1:], parser)
    if not parts or rest:
        raise template.TemplateSyntaxError(f"{tag} takes a reference, and options as name=value.")
    if wrong := unknown_words(words):
        raise template.TemplateSyntaxError(wrong)
    return GettyNode(parser.compile_filter(parts[0]), words, name)


@register.filter(name="getty", is_safe=True, needs_autoescape=True)
def getty_filter(value: Any, autoescape: bool = True) -> SafeString:
    """``{{ body|getty }}``: a text with its references rendered; escaped first, unless it is safe."""
    return mark_safe(site().filter(value, "<text>", autoescape=autoescape))  # noqa: S308  # nosec B308 B703


@register.simple_tag
def getty_assets(target: Any = None) -> SafeString:
    """``{% getty_assets %}`` for the head of a page: what a target needs, by default the setting's."""
    return mark_safe(site().head(target))  # noqa: S308  # nosec B308 B703
