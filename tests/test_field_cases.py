"""Texts that people wrote, pasted and saved, from public reports, each with the command that they would use.

``text`` is the original input; ``right`` is the expected output, or ``embeds`` the expected number of pictures. Two
cases are elsewhere: a token shared by several processes (api-12) in ``unit/api/test_tokens.py``, and Escape in the
picker (pick-02) in ``browser/picker/test_keyboard.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import html5lib
import pytest

from tests.support.cli import Run
from tests.support.client import Harness, answer_and_close, in_process_kit, token_body
from tests.support.faulty_upstream import Upstream
from tests.support.tools import FIXTURES
from tests.support.web import world

PASTED = (
    '<iframe src="//embed.gettyimages.com/embed/74917285?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="594" height="396"></iframe>'
)

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


# -- cases about files, oEmbed and the API, each with a test of its own ------------------------------------


def test_files_of_every_kind_are_checked(run: Run, tmp_path: Path) -> None:
    """ext-01, check-01"""
    gone = "[getty 500000404]\n"
    for name, text in {"a.md": "[getty 74917285]\n", "b.mdx": gone, "c.qmd": gone, "d.rst": gone}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "old.md").write_text(PASTED.replace("74917285", "500000404"))
    done = run("check", str(tmp_path))
    assert done.code == 1
    for name in ("b.mdx", "c.qmd", "d.rst", "old.md"):
        assert f"{name}:1:1: not-found: 500000404: withdrawn" in done.out


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("url=https://gty.im/74917285&maxwidth=100&maxheight=100", 200, "html"),  # oembed-01
        ("url=https://gty.im/74917285&maxwidth=not-a-number", 400, "maxwidth"),  # oembed-03
        ("url=https://gty.im/74917285&format=xml", 501, "format=json"),  # oembed-05
        ("url=https%253A%252F%252Fgty.im%252F74917285", 404, "https%3A"),  # oembed-07
        ("", 400, "url"),  # oembed-08
    ],
)
def test_oembed(query: str, status: int, says: str) -> None:
    answer = world().client.get(f"/oembed?{query}")
    assert answer.status_code == status
    assert says in answer.text
    assert "thumbnail_url" not in answer.json  # the only one has 113 x 170 px


@pytest.mark.parametrize("status", ["403 Forbidden", "400 Bad Request"])
def test_a_download_without_a_customer_names_the_settings(status: str) -> None:
    """api-01, api-02, api-03"""
    refusal = answer_and_close(b'{"ErrorCode": "UserTokenRequired", "ErrorMessage": "x"}', status)
    with Upstream(answer_and_close(token_body()), refusal) as upstream:
        settings = {"api_secret": "secret-1", "token_url": f"{upstream.origin}/oauth2/token"}
        with Harness(upstream.origin, **settings) as harness:
            message = str(harness.error(lambda: harness.api.downloads.save("74917285", "x.jpg")))
    assert "UserTokenRequired" in message
    assert "EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD" in message


def test_a_key_that_the_gateway_refuses_is_named() -> None:
    """api-04"""
    with (
        Upstream(answer_and_close(b'{"message": "Forbidden"}', "403 Forbidden")) as upstream,
        Harness(upstream.origin) as harness,
    ):
        assert "EMBEDKIT_API_KEY" in str(harness.error(lambda: harness.kit.search("harbour")))


@pytest.mark.parametrize(
    ("family", "params", "sent"),
    [
        ("creative", {"safe_search": True}, {"safe_search": "true"}),  # api-05
        ("all", {"page": 2, "page_size": 30}, {"page": "2", "page_size": "30"}),  # api-06
        ("editorial", {"date_from": "2020-01-01"}, {"date_from": "2020-01-01"}),  # api-08
        ("creative", {"exclude_keyword_ids": [1, 2]}, {"exclude_keyword_ids": "1,2"}),  # api-09
    ],
)
def test_the_params_that_are_sent(family: Any, params: dict[str, Any], sent: dict[str, str]) -> None:
    kit, sandbox = in_process_kit()
    kit.api.search.find("night", family=family, **params)
    assert sandbox.calls[-1].params.items() >= sent.items()


def test_the_url_of_a_download_is_requested() -> None:
    """api-10"""
    kit, sandbox = in_process_kit()
    assert kit.api.downloads.url("74917285", product_type="premiumaccess").startswith("https://")
    request = next(call for call in sandbox.calls if call.path.startswith("/v3/downloads/"))
    assert request.params["auto_download"] == "false"


def test_nulls_in_a_response() -> None:
    """api-14"""
    body = b'{"result_count": 1, "images": [{"id": 74917285, "title": "x", "date_created": null}]}'
    with Upstream(answer_and_close(body)) as upstream, Harness(upstream.origin) as harness:
        (image,) = harness.kit.search("harbour")
    assert image.id == "74917285"
