"""GET /v3/search/images, /v3/search/images/creative and /v3/search/images/editorial.

A phrase that consists of ids finds those pictures. Otherwise a creative search finds everything that has one of
the words, as the enhanced search of the real service does, and with ``enhanced_search=false`` what has them all;
the other two find what has them all, and only if there is nothing, what has some.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from embedkit.models import JSON
from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset, catalogue
from embedkit.sandbox.content.rng import Dice
from embedkit.sandbox.services import fields, parameters
from embedkit.sandbox.services.caller import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.facets import facets, related, related_searches
from embedkit.sandbox.services.fields import Fields, wanted
from embedkit.sandbox.services.filters import passes
from embedkit.sandbox.services.http import Call, Reply, json_reply
from embedkit.sandbox.services.items import Asking, item
from embedkit.sandbox.services.languages import content_language, language_of
from embedkit.sandbox.services.parameters import Asked, Kind, read
from embedkit.sandbox.services.ranking import index
from embedkit.sandbox.services.signatures import new_token
from embedkit.sandbox.services.words import phrase_of

Find = Callable[[str], Asset | None]


@dataclass(frozen=True, slots=True)
class Search:
    """The three searches. ``find`` knows the assets, takedowns included."""

    config: SandboxConfig
    find: Find

    def blended(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.BLENDED, fields.BLENDED)

    def creative(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.CREATIVE, fields.CREATIVE)

    def editorial(self, call: Call, caller: Caller) -> Reply:
        return self._answer(call, caller, parameters.EDITORIAL, fields.EDITORIAL)

    def _answer(self, call: Call, caller: Caller, kind: Kind, known: Fields) -> Reply:
        asked = read(call, kind, self.config)
        chosen = wanted(asked.fields, known, caller, undeclared=self.config.undeclared_fields)
        correction = index().corrected(asked.phrase) if kind is parameters.CREATIVE else None
        if correction:
            asked = replace(asked, phrase=correction)
        found = self._sorted(self._found(asked, kind), asked)
        asking = Asking(call, caller, chosen, language_of(call, kind.family))
        body = page_of(found, asked.page, asked.page_size, asking)
        if correction:
            body["auto_corrections"] = {"phrase": correction}
        return json_reply(body | self._aside(found, asked, kind, call), headers=content_language(asking.language))

    def _aside(self, found: list[Asset], asked: Asked, kind: Kind, call: Call) -> JSON:
        """What comes with the pictures, where it is asked for."""
        body: JSON = {}
        if asked.filters.get("include_related_searches"):
            body["related_searches"] = related_searches(related(found, asked.phrase), f"{call.origin}{call.path}")
        if asked.filters.get("include_facets") and self.config.facets:
            names = asked.filters.get("facet_fields", kind.facets)
            body["facets"] = facets(found, names, asked.filters.get("facet_max_count", 300))
        return body

    def _found(self, asked: Asked, kind: Kind) -> list[Asset]:
        if not asked.phrase.strip():
            return [asset for asset_id in catalogue() if (asset := self._passing(asset_id, asked, kind))]
        if named := self._named(asked.phrase):
            return [asset for asset_id in named if (asset := self._passing(asset_id, asked, kind))]
        phrase = phrase_of(asked.phrase)
        hits = index().search(phrase, asked.country)
        passing = [(hit, asset) for hit in hits if (asset := self._passing(hit.id, asked, kind))]
        most = len(phrase.words)
        whole = [asset for hit, asset in passing if hit.words == most]
        return whole if _strict(asked, kind, whole) else [asset for _, asset in passing]

    def _passing(self, asset_id: str, asked: Asked, kind: Kind) -> Asset | None:
        asset = self.find(asset_id)
        if asset is None or asset.withdrawn or kind.family not in (None, asset.family):
            return None
        return asset if passes(asset, asked.filters) else None

    def _named(self, phrase: str) -> list[str]:
        """The ids that a phrase consists of; none where anything else is in it."""
        words = [word for word in re.split(r"[\s,]+", phrase.lower()) if word]
        return list(dict.fromkeys(words)) if words and all(self.find(word) for word in words) else []

    def _sorted(self, found: list[Asset], asked: Asked) -> list[Asset]:
        match asked.sort_order:
            case "newest":
                return sorted(found, key=lambda asset: asset.date_created, reverse=True)
            case "oldest":
                return sorted(found, key=lambda asset: asset.date_created)
            case "most_popular":
                return sorted(found, key=traits.popularity, reverse=True)
            case "random":
                dice = Dice(f"random {asked.phrase}" if self.config.deterministic else new_token())
                return dice.some(found, len(found))
        return found


def page_of(found: Sequence[Asset], page: int, page_size: int, asking: Asking) -> JSON:
    """One page of a result."""
    shown = found[(page - 1) * page_size : page * page_size]
    return {"result_count": len(found), "images": [item(asset, asking) for asset in shown]}


def _strict(asked: Asked, kind: Kind, whole: list[Asset]) -> bool:
    """Whether only pictures with all the words are answered."""
    enhanced = asked.filters.get("enhanced_search", True)
    if kind is parameters.CREATIVE and (not enhanced or asked.sort_order == "best_match"):
        return not enhanced
    return bool(whole)
