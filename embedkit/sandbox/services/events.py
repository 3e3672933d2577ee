"""Events: GET /v3/search/events, /v3/events and /v3/events/{id}.

The contract declares the response of the search only. It is assumed that the other two return events of the same
form: a single one, or a list together with the IDs that were not found, as for pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from embedkit.models import JSON
from embedkit.sandbox.content.catalogue import Asset, Find, catalogue
from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import SandboxConfig
from embedkit.sandbox.services.http import Call, Reply, choice, code_error, json_reply, parameter_error
from embedkit.sandbox.services.parameters import EDITORIAL_SEGMENTS, as_date, paginate, paging, query_params
from embedkit.sandbox.services.places import content_language, language_of
from embedkit.sandbox.services.ranking import tokens
from embedkit.sandbox.services.urls import site_urls

MAX_IDS = 100
SORTS = ("newest", "oldest")
DETAIL_FIELDS = (
    *("id", "child_event_count", "editorial_segments", "hero_image", "image_count", "location", "name"),
    *("start_date", "type"),
)
SEARCH_FIELDS = (*DETAIL_FIELDS, "keywords")
DEFAULT_FIELDS = ("id", "name", "start_date")  # of a search [doc]
MAX_PAGE = 50  # of a search [doc]


@dataclass(frozen=True, slots=True)
class Event:
    """An event and its pictures, of which there is at least one."""

    id: int
    assets: tuple[Asset, ...]

    @property
    def first(self) -> Asset:
        return self.assets[0]

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(min(asset.date_created for asset in self.assets))

    def has(self, words: set[str]) -> bool:
        """Return whether all of these words are in the event's name or place."""
        return words <= {*tokens(f"{self.first.event} {self.first.city} {self.first.country}")}


FIELDS: dict[str, Callable[[Event, Call], Any]] = {
    "child_event_count": lambda *_: 0,
    "editorial_segments": lambda event, _: [event.first.segment],
    "hero_image": lambda event, call: _hero(event.first, call),
    "id": lambda event, _: event.id,
    "image_count": lambda event, _: len(event.assets),
    "location": lambda event, _: _location(event.first),
    "name": lambda event, _: event.first.event,
    "start_date": lambda event, _: f"{event.start:%Y-%m-%dT%H:%M:%SZ}",
}


def _hero(asset: Asset, call: Call) -> JSON:
    thumb = {"name": "thumb", "is_watermarked": False, "uri": site_urls(call.origin).display(asset, "170x170")}
    return {"id": asset.id, "display_sizes": [thumb]}


def _location(asset: Asset) -> JSON:
    return {"city": asset.city, "country": asset.country, "state_province": "", "venue": ""}


@dataclass(frozen=True, slots=True)
class Events:
    """Handlers for events."""

    config: SandboxConfig
    find: Find

    def search(self, call: Call, _: Caller) -> Reply:
        """GET /v3/search/events: newest first by default."""
        params = query_params(call)
        page, size = paging(params, self.config)
        if self.config.strict and page > MAX_PAGE:
            raise code_error(400, "InvalidPage", f"page must be less than or equal to {MAX_PAGE}")
        order = choice(params, "sort_order", SORTS)
        found = sorted(
            self._matching(params), key=lambda event: (event.start, event.id), reverse=order != "oldest"
        )
        chosen = _fields(params, SEARCH_FIELDS, DEFAULT_FIELDS)
        shown = [_document(event, chosen, call) for event in paginate(found, page, size, self.config)]
        return self._reply({"events": shown, "result_count": len(found)}, call)

    def many(self, call: Call, _: Caller) -> Reply:
        """GET /v3/events."""
        params, events = query_params(call), self._events()
        ids = list(dict.fromkeys(part.strip() for part in params.get("ids", "").split(",") if part.strip()))
        if not 0 < len(ids) <= MAX_IDS:
            raise parameter_error("ids", f"1 to {MAX_IDS} values are required.")
        chosen = _fields(params, DETAIL_FIELDS, DETAIL_FIELDS)
        found = [_document(events[id], chosen, call) for id in ids if id in events]
        if not found and self.config.none_found_status == 404:
            raise code_error(404, "EventNotFound", f"Event not found: {', '.join(ids)}")
        return self._reply({"events": found, "events_not_found": [id for id in ids if id not in events]}, call)

    def one(self, call: Call, _: Caller) -> Reply:
        """GET /v3/events/{id}."""
        asked = call.path.rsplit("/", 1)[-1]
        chosen = _fields(query_params(call), DETAIL_FIELDS, DETAIL_FIELDS)
        event = self._events().get(asked)
        if event is None:
            raise code_error(404, "EventNotFound", f"Event not found: {asked}")
        return self._reply(_document(event, chosen, call), call)

    def _events(self) -> dict[str, Event]:
        """Return all events by ID, with their pictures that have not been withdrawn."""
        pictures: dict[int, list[Asset]] = {}
        for asset_id in catalogue():
            asset = self.find(asset_id)
            if asset and asset.event_id and not asset.withdrawn:
                pictures.setdefault(asset.event_id, []).append(asset)
        return {str(number): Event(number, tuple(assets)) for number, assets in pictures.items()}

    def _matching(self, params: Mapping[str, str]) -> Iterator[Event]:
        segment = choice(params, "editorial_segment", EDITORIAL_SEGMENTS)
        first, last = (as_date(params, name) if params.get(name) else None for name in ("date_from", "date_to"))
        words = {*tokens(params.get("phrase", ""))}
        for event in self._events().values():
            in_time = (not first or first <= event.start) and (not last or event.start <= last)
            if in_time and segment in ("", event.first.segment) and event.has(words):
                yield event

    @staticmethod
    def _reply(document: JSON, call: Call) -> Reply:
        return json_reply(document, headers=content_language(language_of(call)))


def _fields(params: Mapping[str, str], allowed: Sequence[str], default: Sequence[str]) -> list[str]:
    """Return the requested fields, or the default ones. The contract allows some that it does not declare."""
    named = [part for word in params.get("fields", "").split(",") if (part := word.strip().lower())]
    if unknown := {*named} - {*allowed}:
        raise parameter_error("fields", f"The value '{min(unknown)}' is not valid.")
    return [name for name in FIELDS if name in {"id", *(named or default)}]


def _document(event: Event, chosen: Sequence[str], call: Call) -> JSON:
    return {name: FIELDS[name](event, call) for name in chosen}
