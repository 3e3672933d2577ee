"""Wagtail: ``WAGTAILEMBEDS_FINDERS = [{"class": "embedkit.integrations.wagtail.GettyEmbedFinder"}, …]``.

This embeds links in rich text and in EmbedBlock. For a picture of its own, use ``GettyChooserBlock()`` in a
StreamField or a ``GettyField`` with a FieldPanel; both require the app ``embedkit.integrations.django``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedkit.integrations.wagtail.blocks import GettyChooserBlock
    from embedkit.integrations.wagtail.finder import GettyEmbedFinder

__all__ = ["GettyChooserBlock", "GettyEmbedFinder"]


def __getattr__(name: str) -> Any:
    """Import lazily: Wagtail loads the finder before its admin, which the block needs, can be imported."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = "finder" if name == "GettyEmbedFinder" else "blocks"
    return getattr(import_module(f"{__name__}.{module}"), name)
