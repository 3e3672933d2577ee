"""The feed of asset changes: valid and invalid responses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedkit.api.changes import AssetChange, AssetChanges, ChangeSet, Channel
from embedkit.api.requests import ApiSettings
from embedkit.errors import InvalidResponse, NotFound, PermissionDenied, ProviderError, Unavailable
from embedkit.messages import Request, Response
from embedkit.settings import Settings


class Session:
    """Returns a given response, and records requests."""

    def __init__(self, body: bytes | Any, status: int = 200) -> None:
        self.answer = Response(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
        self.asked: list[Request] = []

    def call(self, request: Request, need: str) -> Response:
        assert need == "token"
        self.asked.append(request)
        return self.answer


def feed(body: Any, status: int = 200) -> AssetChanges:
    return AssetChanges(ApiSettings.of(Settings()), Session(body, status))  # type: ignore[arg-type]


def test_channels_and_how_much_waits_there() -> None:
    answered = [
        {"ChannelId": 7, "AssetFamily": "Editorial", "NotificationCount": 3, "AssetType": None},
        {"ChannelId": 8, "AssetFamily": None},
        {"ChannelId": "nine"},
        "ten",
    ]
    assert feed(answered).channels() == (Channel(7, "Editorial", 3), Channel(8, "", None))


CHANGE: dict[str, Any] = {"id": "1", "asset_lifecycle": "Delete", "asset_type": None, "uri": None}


def test_a_batch_keeps_all_readable_fields() -> None:
    hostile = [CHANGE, {"id": 5, "asset_lifecycle": ["Delete"]}, {"id": "a\r\nb"}, "x", None]
    taken = feed({"change_set_id": 12, "changed_assets": hostile}, 201).take(7)
    assert taken == ChangeSet(
        "12", (AssetChange("1", "Delete", ""), AssetChange("", "", ""), AssetChange("a b", "", ""))
    )


@pytest.mark.parametrize(
    "body", [b"", b"  \r\n", {}, {"change_set_id": None, "changed_assets": None}, []], ids=str
)
def test_nothing_waits(body: Any) -> None:
    assert feed(body).take(7) is None


@pytest.mark.parametrize("batch", ["1/../../boards/7", "../x", "", "1?x", -1, "9" * 30, {}, True])
def test_an_id_that_could_not_be_confirmed_is_refused(batch: Any) -> None:
    with pytest.raises(InvalidResponse):
        feed({"change_set_id": batch, "changed_assets": [CHANGE]}).take(7)


@pytest.mark.parametrize("body", [b"{", b"[" * 50_000, b'"' + b"x" * 2_100_000 + b'"', b"<html>"], ids=len)
def test_invalid_responses(body: bytes) -> None:
    for call in (lambda: feed(body).channels(), lambda: feed(body).take(7)):
        with pytest.raises(InvalidResponse):
            call()


@pytest.mark.parametrize(
    ("status", "error"), [(403, PermissionDenied), (404, NotFound), (503, Unavailable), (400, ProviderError)]
)
def test_refusals(status: int, error: type[Exception]) -> None:
    refused = feed({"ErrorCode": "X", "ErrorMessage": "x"}, status)
    for call in (refused.channels, lambda: refused.take(1), lambda: refused.confirm("1")):
        with pytest.raises(error):
            call()
