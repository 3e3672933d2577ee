"""A Django template filter: ``{{ body|getty }}``, which works like ``urlize``."""

from django import template  # type: ignore[import-untyped]

from embedkit import EmbedKit

register = template.Library()
kit = EmbedKit()


def getty(value: str, autoescape: bool = True) -> str:
    return kit.filter(value, autoescape=autoescape)


register.filter("getty", getty, is_safe=True, needs_autoescape=True)  # pyright: ignore[reportUnknownMemberType]
