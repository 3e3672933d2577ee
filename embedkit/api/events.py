"""Events that editorial pictures are of: by their IDs, and found by a phrase.

The contract declares what a search of events answers, and not what is answered to IDs: one event, or a list as
pictures have it, is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedkit.api.decoding import find_id, in_order, none_found, read
from embedkit.api.models import ApiObject, Asset, DisplaySize, Paged, Time, Title
from embedkit.api.requests import ApiSettings, given, phrase_of, query
from embedkit.errors import UnsupportedReference
from embedkit.messages import Request, Response
from embedkit.validation import short_repr

FIELDS = ("id", "name", "start_date", "location", "image_count", "hero_image")  # of a search

_ID = re.compile("[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class EventLocation(ApiObject):
    """Where an event took place."""

    city: str = ""
    country: str = ""
    state_province: str = ""
    venue: str = ""


@dataclass(frozen=True, slots=True)
class HeroImage(Asset):
    """The picture that stands for an event."""

    display_sizes: tuple[DisplaySize, ...] = ()


@dataclass(frozen=True, slots=True)
class Event(ApiObject):
    """Something that pictures are of. Which fields are filled depends on the parameter ``fields``.

    :param id: what searches take as ``event_ids``.
    :param start_date: ISO 8601.
    """

    id: int
    name: Title = ""
    start_date: Time = None
    image_count: int | None = None
    child_event_count: int | None = None
    editorial_segments: tuple[str, ...] = ()
    location: EventLocation = EventLocation()
    hero_image: HeroImage | None = None
    type: str = ""


@dataclass(frozen=True, slots=True)
class FoundEvents(ApiObject):
    """Events by their IDs.

    :param events: in the order of the IDs.
    :param missing: the IDs that there are no events for.
    """

    events: tuple[Event, ...]
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EventPage(Paged):
    """One page of the events that a search found."""

    ITEMS = "events"

    events: tuple[Event, ...]


# -- requests -----------------------------------------------------------------------------------------------


def event_id(id: object) -> int:
    """The number of an event.

    :raises UnsupportedReference: for anything else.
    """
    text = id if isinstance(id, str) else "" if isinstance(id, bool) else short_repr(id)
    if _ID.fullmatch(text) and int(text):
        return int(text)
    raise UnsupportedReference(
        f"{short_repr(id)} is not the ID of an event.", hint="Take it from event_ids of a picture."
    )


def event_ids(ids: Sequence[int | str] | int | str) -> tuple[int, ...]:
    """The numbers of events, each once, in order."""
    return tuple(dict.fromkeys(map(event_id, [ids] if isinstance(ids, str | int) else ids)))


def search_request(phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """The request for one page of events."""
    text, asked = phrase_of(phrase), given(params, fields=FIELDS)
    return query(api, "events", "/v3/search/events", asked, (("phrase", text),) if text else ())


# -- answers ------------------------------------------------------------------------------------------------


def parse_event(response: Response, api: ApiSettings, id: int | str) -> Event:
    """The event of an answer.

    :raises NotFound: where there is none of that ID.
    :raises ProviderError: for another status; InvalidResponse for an answer that is not JSON.
    """
    wanted, fields = event_id(id), read(response, "event", api)
    one = fields.build(Event)
    found = fields.parts("events", Event) if isinstance(fields.raw("events"), list) else (one,)
    return find_id((event for event in found if event), wanted, "event")


def parse_events(response: Response, api: ApiSettings, ids: Sequence[int]) -> FoundEvents:
    """The events of an answer, in the order of ``ids``, and which of these are not among them.

    :raises ProviderError: for every status but 200, 404 and 410; InvalidResponse for an answer without events.
    """
    if none_found(response, "event"):
        return FoundEvents((), tuple(ids))
    fields = read(response, "event", api)
    fields.require_list("events", "events_not_found")
    fields.numbers("events_not_found")  # what is missing is seen by what is there
    return FoundEvents(*in_order(fields.parts("events", Event), ids), other=fields.other)
