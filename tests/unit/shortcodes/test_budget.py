"""The limits for a text: counted while it is parsed; the same in the library, the commands and the service."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from embedkit.cli.main import cli
from embedkit.getty import embed_code
from embedkit.models import Shortcode
from embedkit.shortcodes.budget import DOCUMENT, REQUEST, Budget
from embedkit.shortcodes.scan import find
from embedkit.web import openapi_document
from embedkit.web.schemas import MAX_REFERENCES
from tests.support.tools import ROOT
from tests.support.web import world

README = (ROOT / "README.md").read_text("utf-8")
SMALL = Budget(references=3, pictures=3, chars=400, steps=30, nesting=5)
FRAME = '<iframe src="//embed.gettyimages.com/embed/5?et=a&sig=b"></iframe>'


def last(text: str, input: str = "html") -> Shortcode:
    return find(text, input, SMALL)[-1]


@pytest.mark.parametrize(
    ("text", "input", "says", "where"),
    [
        ("[getty 1]\n" * 4, "html", "3 references", (4, 1)),
        ("[getty]\n[[getty 1]]\n\nhttps://gty.im/1\n\n [getty 2]", "text", "3 references", (6, 2)),
        ("[getty 1]" + "x" * 400 + "[getty 2]", "text", "400 characters", (1, 401)),
        ("<code>" * 7 + "</code>" * 7 + "[getty 1]", "html", "nested at most 5 levels", (1, 92)),
        ("- " * 8 + "a\n\n    [getty 1]", "markdown", "nested at most 5 levels", (3, 5)),
        ("<svg/>" * 60 + "[getty 1]", "html", "30 steps", (1, 361)),
        ("````a```` " * 36 + "[getty 1]", "markdown", "30 steps", (1, 361)),
        ("> a\n" * 66 + "\n    [getty 1]", "markdown", "30 steps", (68, 5)),
        ("`[getty 1]`" * 36, "markdown", "30 steps", (1, 310)),
        ("<i a=b>" * 40 + "<b c='[getty 1]", "markdown", "30 steps", (1, 287)),
    ],
)
def test_the_rest_is_unchanged_and_reported(text: str, input: str, says: str, where: tuple[int, int]) -> None:
    problem = last(text, input).problem
    assert problem is not None
    assert (problem.code, (problem.line, problem.column)) == ("too-large", where)
    assert says in problem.detail
    assert all(one.problem is None or one.problem.code != "too-large" for one in find(text, input, SMALL)[:-1])


def test_texts_within_the_budget_are_not_reported() -> None:
    assert [one.problem for one in find("[getty 1]\n" * 3, "html", SMALL)] == [None] * 3
    text = "[getty 1]\n" * 3 + "<code>[getty 1]</code> [gettysburg]" + "x" * 500
    assert [one.problem for one in find(text, "html", SMALL)] == [None] * 3


def test_the_library_renders_a_thousand_references() -> None:
    with world().kit as kit:
        document = kit.document("[getty 74917285]\n" * 1_003, input="text", target="text")
    assert len(document.embeds) == 1_000
    assert document.content.endswith("[getty 74917285]\n" * 3)
    (problem,) = document.problems
    assert (problem.line, problem.column, problem.code) == (1_001, 1, "too-large")
    assert "at most 1,000 references" in problem.detail


def test_convert_has_the_same_limits() -> None:
    done = embed_code.convert(f"{FRAME}\n" * 4, "html", SMALL._replace(chars=4_000))
    assert done.text == "[getty 5]\n" * 3 + f"{FRAME}\n"
    assert [(one.line, one.column, one.code) for one in done.problems] == [(4, 1, "too-large")]
    cut = embed_code.convert(f"{FRAME}\n" * 8, "html", SMALL)
    assert cut.converted == 3
    assert [one.code for one in cut.problems] == ["too-large"]


def test_the_command_reports_the_position(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f"{FRAME}\n" * 1_001, "utf-8")
    done = CliRunner().invoke(cli, ["convert", "--check", "--json", str(tmp_path)], catch_exceptions=False)
    (text,) = json.loads(done.stdout)["texts"]
    assert text["converted"] == 1_000
    assert [(one["line"], one["code"]) for one in text["problems"]] == [(1_001, "too-large")]


@pytest.mark.parametrize(
    ("content", "input"),
    [
        ("[getty 1] " * 1_001, "html"),
        ("`[getty 1]` ``x` " * 60_000, "markdown"),
        ("`[getty 1]" * 150_000, "markdown"),
        ("> a\n" * 400_000 + "\n    [getty 1]", "markdown"),
        ("<code>" * 600 + "</code>" * 600 + "[getty 1]", "html"),
        ("<code><b></code>" * 100_000 + "[getty 1]", "html"),
    ],
    ids=["references", "spans", "backticks", "lines", "nesting", "tags"],
)
def test_a_request_that_exceeds_the_budget_is_too_large(content: str, input: str) -> None:
    web = world()
    answer = web.client.post("/v1/render", json={"content": content, "input": input})
    assert (answer.status_code, answer.json["code"]) == (413, "too-large")
    assert "reached in line" in answer.json["detail"]
    assert web.sandbox.count() == 0


def test_the_documented_limits_are_those_of_the_code() -> None:
    assert (DOCUMENT.references, REQUEST.references, REQUEST.pictures, MAX_REFERENCES) == (1_000, 1_000, 100, 100)
    assert "1,000 references" in README
    assert "100 distinct pictures, in up to 1,000 references" in README
    schemas = openapi_document()["components"]["schemas"]
    assert schemas["BatchRequest"]["properties"]["refs"]["maxItems"] == MAX_REFERENCES
    assert f"{MAX_REFERENCES} pictures in 1,000 references" in schemas["RenderRequest"]["description"]
