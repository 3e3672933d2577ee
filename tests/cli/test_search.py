"""``embedkit search``: the request, a table that fits the terminal, and the next page."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedkit.cli.output import Column, cells, cut, table
from embedkit.sandbox import SandboxServer
from embedkit.sandbox.services.http import Call
from embedkit.shortcodes import scan
from tests.support.cli import Run

KEYS = (
    *("id", "title", "caption", "photographer", "collection", "collection_code", "date_created", "family"),
    *("orientation", "width", "height", "thumb", "preview", "restrictions", "event_ids", "keywords"),
    *("page_url", "credit", "shortcode"),
)


def searched(sandbox: SandboxServer) -> Call:
    return [call for call in sandbox.calls if call.path.startswith("/v3/search/")][-1]


# -- the table -----------------------------------------------------------------------------------------


def test_the_table_fits_the_terminal_and_shows_shortcodes(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = run("search", "solar eclipse")
    head, *lines = done.out.splitlines()
    assert (done.code, len(lines)) == (0, 30)
    assert head.split() == ["SHORTCODE", "TITLE", "BY", "SIZE"]
    assert all(cells(line) <= 80 for line in (head, *lines))
    assert "…" in done.out
    assert "\x1b" not in done.out
    for line in lines:
        (found,) = scan.find(line)
        assert (found.start, found.problem) == (0, None)
        assert line.split()[-1].count("x") == 1


def test_nothing_is_cut_without_a_terminal(run: Run) -> None:
    head, *lines = run("search", "solar eclipse", "--page-size", "10").out.splitlines()
    images = json.loads(run("search", "solar eclipse", "--page-size", "10", "--json").out)["images"]
    assert head.split() == ["SHORTCODE", "TITLE", "CREDIT", "SIZE", "TAKEN", "RESTRICTIONS"]
    for line, image in zip(lines, images, strict=True):
        assert line.startswith(image["shortcode"])
        assert f"{image['title']}  " in line
        assert f"{image['photographer']} / {image['collection']}  " in line
        assert f"{image['width']}x{image['height']}" in line
        taken = f"{image['date_created'][:10]}  {'; '.join(image['restrictions'])}".strip()
        assert line.endswith(taken)


def test_the_summary_shows_the_total_and_the_next_command(run: Run) -> None:
    first = run("search", "solar", "eclipse", "--orientation", "horizontal", "--page-size", "6")
    total, related, following = first.err.splitlines()
    assert (found := re.fullmatch(r"[0-9,]+ pictures, page 1 of ([0-9]+)\.", total))
    assert related.startswith("Related: ")
    words = shlex.split(following.removeprefix("Next: "))
    assert words[:2] == ["embedkit", "search"]
    second = run(*words[1:])
    assert f", page 2 of {found[1]}." in second.err
    assert not set(first.out.splitlines()[1:]) & set(second.out.splitlines()[1:])
    assert "Next:" not in run(*words[1:], "--page", found[1]).err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("zzzqqq",), r"Nothing found for 'zzzqqq'\.\n"),
        (("solr eclipse", "--family", "creative"), r"Searched for: solar eclipse\n"),
    ],
)
def test_results_and_empty_results_are_summarized(run: Run, words: tuple[str, ...], says: str) -> None:
    done = run("search", *words)
    assert done.code == 0
    assert re.match(says, done.err)
    assert bool(done.out) == ("Searched" in says)


def test_a_page_beyond_the_last_names_the_last(run: Run) -> None:
    done = run("search", "mountain", "--page", "9999")
    assert done.code == 2
    assert re.search(r"There is no page 9999\. The last page is [0-9]+\.\n", done.err)


def test_a_size_of_a_page_that_is_not_listed_is_refused_with_the_nearest(run: Run) -> None:
    done = run("search", "mountain", "--page-size", "7")
    assert done.code == 2
    assert "--page-size can't be 7. Use 6 or 10: it must be one of 1, 2, 3," in done.err


def test_a_phrase_may_begin_with_a_dash(run: Run) -> None:
    done = run("search", "--page-size", "1", "--", "--eclipse")
    words = shlex.split(done.err.partition("Next: ")[2])
    assert words[-2:] == ["--", "--eclipse"]
    assert ", page 2 of" in run(*words[1:]).err


def test_pictures_that_may_not_be_embedded_get_no_shortcode(run: Run) -> None:
    words = ("search", "eclipse", "--all", "--page-size", "100")
    lines = run(*words).out.splitlines()[1:]
    images = json.loads(run(*words, "--json").out)["images"]
    assert {image["embeddable"] for image in images} == {True, False}
    for line, image in zip(lines, images, strict=True):
        shown = image["shortcode"] if image["embeddable"] else f"{image['id']} (no embed)"
        assert line.startswith(shown)


def test_json_equals_the_response_of_the_service(run: Run) -> None:
    done = run("search", "eclipse", "--page-size", "2", "--json")
    found = json.loads(done.out)
    assert list(found) == ["total", "page", "page_size", "images", "related"]
    assert (found["page"], found["page_size"], len(found["images"])) == (1, 2, 2)
    assert [tuple(image) for image in found["images"]] == [(*KEYS, "embeddable")] * 2
    assert found["related"]
    assert done.err == ""


# -- the request ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "path", "asked"),
    [
        ((), "/v3/search/images", {"embed_content_only": "true", "exclude_nudity": "true", "page": "1"}),
        (("--all", "--nudity"), "/v3/search/images", {"embed_content_only": "false", "exclude_nudity": "false"}),
        (
            ("--orientation", "square", "--orientation", "vertical", "--people", "none", "--color", "002244"),
            "/v3/search/images",
            {"orientations": "square,vertical", "number_of_people": "none", "color": "#002244"},
        ),
        (
            ("--family", "creative", "--style", "vector", "--composition", "close_up", "--sort", "newest"),
            "/v3/search/images/creative",
            {"graphical_styles": "vector", "compositions": "close_up", "sort_order": "newest"},
        ),
        (
            ("--family", "editorial", "--segment", "news", "--from", "2010-01-01", "--to", "2020-12-31"),
            "/v3/search/images/editorial",
            {"editorial_segments": "news", "date_from": "2010-01-01", "date_to": "2020-12-31"},
        ),
        (("--page", "2", "--page-size", "12"), "/v3/search/images", {"page": "2", "page_size": "12"}),
    ],
)
def test_options_become_parameters(
    run: Run, sandbox: SandboxServer, words: tuple[str, ...], path: str, asked: dict[str, str]
) -> None:
    assert run("search", "eclipse", *words).code == 0
    call = searched(sandbox)
    assert (call.path, call.params["phrase"]) == (path, "eclipse")
    assert {name: call.params.get(name) for name in asked} == asked
    assert ("exclude_nudity" in call.params) == (not path.endswith("editorial"))


def test_the_language_is_that_of_the_option_or_of_the_setting(
    run: Run, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("search", "eclipse", "--language", "ja")
    assert searched(sandbox).headers["accept-language"] == "ja"
    monkeypatch.setenv("EMBEDKIT_LOCALE", "fr")
    run("search", "eclipse")
    assert searched(sandbox).headers["accept-language"] == "fr"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("eclipse", "--segment", "news"), "--segment requires --family editorial."),
        (("eclipse", "--family", "creative", "--from", "2020-01-01"), "--from requires --family editorial."),
        (
            ("eclipse", "--family", "editorial", "--color", "002244"),
            "--color requires --family all or --family creative.",
        ),
        (("eclipse", "--family", "editorial", "--style", "fine_art"), "Use one of photography"),
        (("eclipse", "--sort", "oldest"), "best_match"),
        (("eclipse", "--orientation", "wide"), "panoramic_horizontal"),
        (("eclipse", "--page-size", "101"), "101"),
        (("eclipse", "--page", "0"), "--page"),
        (("eclipse", "--color", "reddish"), "--color can't be 'reddish'. Use red, orange,"),
        (("eclipse", "--family", "editorial", "--from", "yesterday"), "--from can't be 'yesterday'."),
        (("eclipse", "--language", "xx"), "pt-BR"),
        ((), "Missing argument"),
    ],
)
def test_usage_errors_help_and_cost_no_call(
    run: Run, sandbox: SandboxServer, words: tuple[str, ...], says: str
) -> None:
    done = run("search", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert len(sandbox.calls) == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("API_KEY", "", "Set EMBEDKIT_API_KEY. To try embedkit"),
        ("API_KEY", "canary", "Check EMBEDKIT_API_KEY"),
        ("API_SECRET", "canary", "API_SECRET"),
        ("PASSWORD", "canary", "Check EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD."),
    ],
)
def test_credentials_that_are_wrong_are_named_and_not_shown(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"EMBEDKIT_{name}", value)
    for verbose in ((), ("-v",)):
        done = run(*verbose, "search", "eclipse")
        assert (done.code, done.out) == (2, "")
        assert says in done.err
        assert "EMBEDKIT_" in done.err
        assert not any(secret in done.err for secret in ("canary", "sandbox-secret", "sandbox-password"))


@pytest.mark.parametrize(("fault", "code"), [("drop", 3), ("malformed", 3), ("throttle", 6), ("quota", 6)])
def test_search_in_trouble(run: Run, sandbox: SandboxServer, fault: str, code: int) -> None:
    sandbox.app.faults.add(fault, count=None, route="v3")
    done = run("search", "eclipse", "--json")
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")


# -- tables --------------------------------------------------------------------------------------------

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=60)


@given(WORDS, st.integers(1, 40))
def test_a_text_is_cut_to_its_cells(text: str, width: int) -> None:
    found = cut(text, width)
    assert cells(found) <= width
    assert found == text or (found.endswith("…") and text.startswith(found[:-1]))


@given(st.lists(st.tuples(WORDS, WORDS, st.just("4104x2736")), max_size=5), st.integers(40, 130))
def test_a_table_is_not_wider_than_allowed(rows: list[tuple[str, str, str]], width: int) -> None:
    columns = [Column("A", 3), Column("B", 2), Column("C")]
    lines = table(columns, rows, width)
    assert len(lines) == len(rows) + 1
    assert all(cells(line) <= width for line in lines)
    assert all(line.endswith("4104x2736") for line in lines[1:])
    assert len({cells(line) - cells("4104x2736") for line in lines[1:]}) <= 1  # they are aligned


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("Eclipse", 7),
        ("皆既日食", 8),
        ("ｶﾞ", 2),
        ("e\u0301", 1),
        ("日\u200b食", 4),
        ("🌑", 2),
        ("Ａ", 2),
        ("한", 2),
    ],
)
def test_the_width_of_characters(text: str, width: int) -> None:
    assert cells(text) == width


def test_wide_characters_are_aligned_and_cut() -> None:
    rows = [("皆既日食の黒い太陽", "4104x2736"), ("Eclipse", "240x160")]
    lines = table([Column("TITLE", 1), Column("SIZE")], rows, 24)
    assert lines == ["TITLE          SIZE", "皆既日食の黒…  4104x2736", "Eclipse        240x160"]


# -- events, restrictions ------------------------------------------------------------------------------

SEGMENTS = (("--segment", "sport"), ("--segment", "news"), ())


def test_an_event_leads_to_its_pictures_between_two_dates(run: Run) -> None:
    listed = run("events", "climate", "talks", "--from", "2025-01-01", "--to", "2025-12-31")
    head, *rows = listed.out.splitlines()
    assert head.split() == ["ID", "DATE", "PICTURES", "PLACE", "NAME"]
    assert all(row.split()[1].startswith("2025-") for row in rows)
    told = json.loads(run("events", "climate talks", "--page-size", "1", "--json").out)
    assert (told["page_size"], told["events"][0]["place"]) == (1, "Oslo, Norway")
    found = run("search", "--family", "editorial", "--event", rows[0].split()[0], "--json")
    images = json.loads(found.out)["images"]
    assert images
    assert {str(id) for image in images for id in image["event_ids"]} == {rows[0].split()[0]}
    assert "--from can't be 'soon'" in run("events", "--from", "soon").err
    assert "Missing argument 'PHRASE'" in run("search").err


def test_events_are_of_one_segment(run: Run) -> None:
    sport, news, all_ = (json.loads(run("events", *one, "--json").out)["total"] for one in SEGMENTS)
    assert 0 < sport < all_
    assert 0 < news < all_
    assert "'opera' is not one of 'archival'" in run("events", "--segment", "opera").err


def test_restrictions_are_seen_before_a_picture_is_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("search", "eclipse", "--family", "editorial", "--page-size", "5")
    assert run(*words).out.count("For editorial use only.") == 5
    monkeypatch.setenv("COLUMNS", "80")
    assert "5 pictures with restrictions" in run(*words).err
