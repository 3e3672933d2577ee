"""Everything that can be forgotten when adding a target. The README's row: tests/test_readme.py."""

from __future__ import annotations

import json
import re
from typing import Any, get_args, get_type_hints

import pytest

from embedkit.files.installed import static_dir, templates_dir
from embedkit.targets import INPUTS, ROWS, TARGETS, Target
from embedkit.web.schemas import FrameQuery

PICKER = static_dir() / "picker"


def test_every_target_has_a_row() -> None:
    assert set(get_args(Target)) == set(ROWS), "a name in Target and a row in ROWS belong together"


@pytest.mark.parametrize("target", TARGETS)
def test_a_row_is_complete(target: Target) -> None:
    row = ROWS[target]
    assert (templates_dir() / "embedkit" / row.template).is_file(), f"write templates/embedkit/{row.template}"
    assert tuple(row.escape) == INPUTS, "an escape for each input"
    assert row.use.endswith("."), "use is a sentence"
    assert (row.fallback == "card") == ("embedkit.css" in row.assets), "a card needs the stylesheet"
    for name in row.assets:
        assert (static_dir() / name).is_file(), f"write embedkit/static/{name}"


def test_the_picker_can_offer_every_target_but_jsonld() -> None:
    words: dict[str, Any] = json.loads((static_dir() / "locales" / "en.json").read_text("utf-8"))
    named = {f"target_{target}" for target in TARGETS if target != "jsonld"}
    assert named <= words.keys(), "the picker's languages, static/locales, need a word for it"


def test_frame_pages_show_targets_that_need_none_of_gettys_scripts() -> None:
    shown = {target for target, row in ROWS.items() if row.on_page and row.cleaned}
    hint = get_type_hints(FrameQuery)["target"]
    assert set(get_args(get_args(hint)[0])) == shown, "see the target of FrameQuery in web/schemas.py"
    framed = re.search(r"const FRAMED_TARGETS = (\[[^]]*\]);", (PICKER / "details.js").read_text("utf-8"))
    assert framed is not None
    assert set(json.loads(framed[1])) == {"", *shown}, "see FRAMED_TARGETS in static/picker/details.js"
