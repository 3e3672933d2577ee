"""Fixtures of more than one file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.picker import Desk


@pytest.fixture(name="room", scope="module")
def fixture_room() -> Iterator[Desk]:
    """A browser, and a page with the picker for each test that asks for one."""
    from tests.support.picker import desks  # brings Playwright, which most tests have no use for

    with desks() as room:
        yield room


@pytest.fixture(name="desk")
def fixture_desk(room: Desk) -> Iterator[Desk]:
    """A page with the picker, closed behind the test."""
    yield room
    room.close()
