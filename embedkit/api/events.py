"""Events covered by editorial pictures: by ID, and by search.

Getty's OpenAPI document declares the response of an event search, but not that of a request for IDs. So both a
single event and a list like that of pictures are accepted.
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

FIELDS = ("id", "name", "start_date", "location", "image_count", "hero_image")  # requested by a search

_ID = re.compile("[0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class EventLocation(ApiObject):
    """The place of an event."""

    city: str = ""
    country: str = ""
    state_province: str = ""
    venue: str = ""


@dataclass(frozen=True, slots=True)
class HeroImage(Asset):
    """The picture that represents an event."""

    display_sizes: tuple[DisplaySize, ...] = ()


@dataclass(frozen=True, slots=True)
class Event(ApiObject):
    """An event covered by editorial pictures. The parameter ``fields`` decides which fields are present.

    :param id: event ID, which searches accept in ``event_ids``.
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
    """Events requested by ID.

    :param events: the events, in the order of the requested IDs.
    :param missing: the IDs that were not found.
    """

    events: tuple[Event, ...]
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class EventPage(Paged):
    """One page of the results of an event search."""

    ITEMS = "events"

    events: tuple[Event, ...]


# -- requests -----------------------------------------------------------------------------------------------


def event_id(id: object) -> int:
    """Return an event ID as a number.

    :raises UnsupportedReference: if it is not an event ID.
    """
    text = id if isinstance(id, str) else "" if isinstance(id, bool) else short_repr(id)
    if _ID.fullmatch(text) and int(text):
        return int(text)
    raise UnsupportedReference(
        f"{short_repr(id)} is not the ID of an event.", hint="Use an ID from a picture's event_ids."
    )


def event_ids(ids: Sequence[int | str] | int | str) -> tuple[int, ...]:
    """Return distinct event IDs as numbers, in their order."""
    return tuple(dict.fromkeys(map(event_id, [ids] if isinstance(ids, str | int) else ids)))


def search_request(phrase: str, params: Mapping[str, Any], api: ApiSettings) -> Request:
    """Return the request for one page of events."""
    text, asked = phrase_of(phrase), given(params, fields=FIELDS)
    return query(api, "events", "/v3/search/events", asked, (("phrase", text),) if text else ())


# -- responses ----------------------------------------------------------------------------------------------


def parse_event(response: Response, api: ApiSettings, id: int | str) -> Event:
    """Return the event from a response.

    :raises NotFound: if there is no event with that ID.
    :raises ProviderError: for any other error status; InvalidResponse if the response is not JSON.
    """
    wanted, fields = event_id(id), read(response, "event", api)
    single = fields.build(Event)
    found = fields.parts("events", Event) if isinstance(fields.raw("events"), list) else (single,)
    return find_id((event for event in found if event), wanted, "event")


def parse_events(response: Response, api: ApiSettings, ids: Sequence[int]) -> FoundEvents:
    """Return the events from a response, in the order of ``ids``, and the IDs that were not found.

    :raises ProviderError: for an error status other than 404 and 410; InvalidResponse if the response contains no
        events.
    """
    if none_found(response, "event"):
        return FoundEvents((), tuple(ids))
    fields = read(response, "event", api)
    fields.require_list("events", "events_not_found")
    fields.numbers("events_not_found")  # marks it as read; missing IDs follow from the events
    return FoundEvents(*in_order(fields.parts("events", Event), ids), other=fields.other)
