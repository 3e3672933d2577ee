"""Wagtail: ``WAGTAILEMBEDS_FINDERS = [{"class": "embedkit.integrations.wagtail.GettyEmbedFinder"}, …]``.

So links in rich text and in EmbedBlock are embeds. One of its own is ``GettyChooserBlock()`` in a StreamField,
or a ``GettyField`` with a FieldPanel; both need the app ``embedkit.integrations.django``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedkit.integrations.wagtail.blocks import GettyChooserBlock
    from embedkit.integrations.wagtail.finder import GettyEmbedFinder

__all__ = ["GettyChooserBlock", "GettyEmbedFinder"]


def __getattr__(name: str) -> Any:
    """The finder is loaded with Wagtail's apps, when its admin, which the block needs, can't be imported yet."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    room = "finder" if name == "GettyEmbedFinder" else "blocks"
    return getattr(import_module(f"{__name__}.{room}"), name)
