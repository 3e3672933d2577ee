"""What people wrote, pasted and saved, from public reports: each through the command that they would use.

``text`` was found in the field; ``right`` is what has to come out of it, or ``embeds`` how many pictures.
"""

from __future__ import annotations

import json

import html5lib
import pytest

from tests.support.cli import Run
from tests.support.tools import FIXTURES

CASES = [json.loads(line) for line in (FIXTURES / "field_cases.jsonl").read_text("utf-8").splitlines()]
BY_ID = {case["id"]: case for case in CASES}


def cases(*kinds: str) -> list[str]:
    return [case["id"] for case in CASES if case["do"] in kinds]


@pytest.mark.parametrize("name", cases("html", "markdown", "text"))
def test_render(name: str, run: Run) -> None:
    case = BY_ID[name]
    done = run("render", "--input", case["do"], "-", stdin=case["text"])
    assert done.code == 0, done.err
    frames = list(html5lib.parse(done.out, namespaceHTMLElements=False).iter("iframe"))
    assert len(frames) == case["embeds"]
    if not case["embeds"]:
        assert done.out == case["text"]
    assert "[getty" not in done.out or not case["embeds"]


@pytest.mark.parametrize("name", cases("convert"))
def test_convert(name: str, run: Run) -> None:
    case = BY_ID[name]
    done = run("convert", "-", stdin=case["text"])
    assert done.out == case["right"]
    assert case.get("problem", "") in done.err
    if case["text"].startswith('{"'):
        json.loads(done.out)  # a quoted file still parses


@pytest.mark.parametrize("name", cases("resolve"))
def test_resolve(name: str, run: Run) -> None:
    case = BY_ID[name]
    done = run("resolve", case["text"], "--json")
    assert done.code == 0, done.err
    assert case["right"] in done.out
