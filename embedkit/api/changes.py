"""The feed of asset changes: a pull loop in which a batch is redelivered until it is confirmed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from embedkit.api.decoding import JSONReader, invalid, read_any
from embedkit.api.errors import check
from embedkit.api.models import ApiObject, ReadAs
from embedkit.api.requests import ApiSettings, get, write
from embedkit.api.session import ApiSession
from embedkit.messages import Request, Response

CHANGE_SETS = "/v3/asset-changes/change-sets"
BATCH = re.compile("[0-9]{1,19}")  # an int64


@dataclass(frozen=True, slots=True)
class Channel(ApiObject):
    """A queue of changes.

    :param waiting: number of pending changes; None if Getty does not report it.
    """

    id: Annotated[int, ReadAs("number", name="ChannelId")]
    family: Annotated[str, ReadAs("text", name="AssetFamily")]
    waiting: Annotated[int | None, ReadAs("number", name="NotificationCount")] = None


@dataclass(frozen=True, slots=True)
class AssetChange(ApiObject):
    """A new, changed or deleted asset.

    :param lifecycle: New, Update or Delete.
    :param asset_type: Image, Film, or empty.
    """

    id: str
    lifecycle: Annotated[str, ReadAs("text", name="asset_lifecycle")]
    asset_type: str


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A batch of changes, redelivered until it is confirmed."""

    id: str
    changes: tuple[AssetChange, ...]


class AssetChanges:
    """The feed of asset changes that belongs to the API key.

    Every method raises ConfigurationError without key and secret, PermissionDenied if the key has no feed, and
    ProviderError if the call fails.

    >>> channel = kit.api.changes.channels()[0]
    >>> channel.family, channel.waiting
    ('Editorial', 0)
    >>> if batch := kit.api.changes.take(channel.id):
    ...     kit.api.changes.confirm(batch.id)
    """

    def __init__(self, api: ApiSettings, session: ApiSession) -> None:
        self._api = api
        self._session = session

    def channels(self) -> tuple[Channel, ...]:
        """Return all channels of the key."""
        answer = self._ask(get(self._api, "/v3/asset-changes/channels"))
        found = read_any(answer)
        if not isinstance(found, list):
            raise invalid("The response has no channels.", answer)
        return JSONReader({"channels": found}, None, answer).parts("channels", Channel)

    def take(self, channel: int) -> ChangeSet | None:
        """Return the oldest batch of a channel, at most 2,200 changes; None if nothing is pending.

        :param channel: ID of one of the :meth:`channels`.
        """
        answer = self._ask(write(self._api, "PUT", CHANGE_SETS, (("channel_id", str(channel)),)))
        found = read_any(answer)
        batch = found.get("change_set_id") if isinstance(found, dict) else None
        if batch is None:
            return None
        if not BATCH.fullmatch(str(batch)):
            raise invalid("The response has no batch that can be confirmed.", answer)
        fields = JSONReader(found, None, answer)
        return ChangeSet(str(batch), fields.parts("changed_assets", AssetChange))

    def confirm(self, batch: str) -> None:
        """Confirm a batch, so that it is not delivered again.

        :param batch: ID of a batch returned by :meth:`take`.
        :raises NotFound: if there is no such batch, for example because it has been confirmed.
        """
        self._ask(write(self._api, "DELETE", f"{CHANGE_SETS}/{batch}"))

    def _ask(self, request: Request) -> Response:
        response = self._session.call(request, "token")
        check(response, "changes")
        return response
