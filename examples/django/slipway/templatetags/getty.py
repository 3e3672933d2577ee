from django import template

from slipway.embeds import kit

register = template.Library()


@register.simple_tag
def getty(reference: str) -> str:
    """One picture; of what cannot be shown, a link with credit."""
    return kit.html(reference) if reference else ""
