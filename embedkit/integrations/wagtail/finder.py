"""A Wagtail finder for links. Its options are the finder's own or, if there are none, EMBEDKIT.

A picture that can't be shown becomes a card, because Wagtail shows nothing if a finder raises an exception.
"""

from __future__ import annotations

import html
from datetime import timedelta
from typing import Any

from django.utils import timezone
from wagtail.embeds.finders.base import EmbedFinder

from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.integrations.django import site
from embedkit.integrations.site import Site
from embedkit.models import AGENCY, Embed, Options

KEPT_S = 300  # in Wagtail's database; embedkit's own cache has the copy and decides how long it is valid


class GettyEmbedFinder(EmbedFinder):  # type: ignore[misc]
    """Finds the embed of a Getty Images URL.

    :param options: as for :class:`embedkit.integrations.site.Site`; by default those of EMBEDKIT.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.site = Site(options, background=True) if options else site()
        self.kit = self.site.kit

    def accept(self, url: str) -> bool:
        """Return whether this is the URL of a picture."""
        try:
            self.kit.parse(html.unescape(url))
        except UnsupportedReference:
            return False
        return True

    def find_embed(self, url: str, max_width: int | None = None, max_height: int | None = None) -> dict[str, Any]:
        """Return the embed for Wagtail, with the target ``oembed``, which needs no stylesheet."""
        options = Options(max_width=max_width, max_height=max_height, target="oembed")
        url = html.unescape(url)
        try:
            embed = self.kit.resolve(url, options)
        except EmbedKitError as error:
            self.site.log.warning("%r: %s: %s", url, error.code, error)
            return _found(str(self.kit.fallback(url, error, Options(target="card"))), None)
        return _found(str(self.kit.show(embed, options)), embed)


def _found(html: str, embed: Embed | None) -> dict[str, Any]:
    return {
        "type": "rich",
        "html": html,
        "title": embed.title if embed else AGENCY,
        "author_name": embed.photographer if embed else "",
        "provider_name": AGENCY,
        **{name: getattr(embed, name, None) for name in ("width", "height", "thumbnail_url")},
        "cache_until": timezone.now() + timedelta(seconds=KEPT_S),
    }
