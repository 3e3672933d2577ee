"""/v1/embeds (single embeds, batches, purging) and /v1/render."""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import msgspec
import pytest
from cachelib import SimpleCache

from embedkit import EmbedKit, create_app
from embedkit.cache.entry import Entry
from embedkit.sandbox import SandboxTransport
from embedkit.targets import TARGETS
from embedkit.web import schemas
from tests.support.web import (
    ADMIN,
    ANY,
    EXAMPLE,
    FORBIDDEN,
    WITHDRAWN,
    World,
    settings,
    world,
)

BEARER = {"Authorization": f"Bearer {ADMIN}"}


@pytest.fixture(name="web")
def fixture_web() -> World:
    return world(admin_token=ADMIN)


def strict(kind: type, data: bytes) -> object:
    """Decode a response by its schema; an unknown key fails."""
    found = msgspec.json.decode(data, type=kind)
    assert msgspec.json.decode(msgspec.json.encode(found)) == msgspec.json.decode(data)
    return found


def test_an_embed_is_the_record_with_html(web: World) -> None:
    answer = web.client.get(f"/v1/embeds/{EXAMPLE}")
    found = strict(schemas.EmbedAnswer, answer.data)
    assert (found.ref, found.target, found.stale) == (EXAMPLE, "web", False)
    assert f"/embed/{EXAMPLE}?" in found.html
    assert found.assets.css
    assert found.fetched_at.endswith("Z")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target(web: World, target: str) -> None:
    found = web.client.get(f"/v1/embeds/{EXAMPLE}?target={target}").json
    assert found["target"] == target
    assert isinstance(found["html"], str)
    assert sorted(found["assets"]) == ["css", "js"]


def test_a_list_is_one_embed(web: World) -> None:
    assert web.client.get("/v1/embeds/600000001,600000002").json["ref"] == "600000001,600000002"


def test_query_options_are_applied(web: World) -> None:
    found = web.client.get(f"/v1/embeds/{EXAMPLE}?maxwidth=200&caption=A+word&align=left&title=Seen&tld=de").json
    assert found["width"] == 200
    assert "A word" in found["html"]
    assert "Seen" in found["html"]
    assert dict(found["frame"]["query"])["tld"] == "de"


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("target=hologram", "Use one of web, facade"),
        ("align=up", "Use one of none, left"),
        ("maxwidth=1.5", "maxwidth: expected a whole number"),
        ("tld=zz", "com.au"),
        (f"title={'x' * 1001}", "title"),
    ],
)
def test_an_invalid_query_lists_the_allowed_values(web: World, query: str, message: str) -> None:
    answer = web.client.get(f"/v1/embeds/{ANY}?{query}")
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")
    assert message in answer.json["detail"]


@pytest.mark.parametrize(
    ("ref", "status", "code"),
    [("nonsense", 404, "unsupported"), (WITHDRAWN, 404, "not-found"), (FORBIDDEN, 403, "not-embeddable")],
)
def test_errors(web: World, ref: str, status: int, code: str) -> None:
    answer = web.client.get(f"/v1/embeds/{ref}")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.headers["Cache-Control"] == "no-store"


def test_conditional_requests(web: World) -> None:
    first = web.client.get(f"/v1/embeds/{ANY}")
    same = web.client.get(f"/v1/embeds/{ANY}", headers={"If-None-Match": first.headers["ETag"]})
    other = web.client.get(f"/v1/embeds/{ANY}?maxwidth=100", headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, other.status_code) == (304, 200)


def test_a_stale_copy_is_not_cacheable(web: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = web.kit.resolve(ANY)
    stale = Entry(replace(fresh, stale=True, fresh_until=1.0))
    monkeypatch.setattr(web.kit.engine, "resolve", lambda *_, **__: stale)
    answer = web.client.get(f"/v1/embeds/{ANY}")
    assert answer.json["stale"] is True
    assert answer.json["cache_age"] == 0
    assert answer.headers["Cache-Control"] == "public, max-age=0, stale-if-error=2592000"


def test_a_batch_keeps_the_order_with_an_error_per_item(web: World) -> None:
    answer = web.client.post(
        "/v1/embeds",
        json={
            "refs": [
                f"https://gty.im/{EXAMPLE}",
                {"ref": ANY, "maxwidth": 120, "caption": False, "align": "right"},
                "https://evil.example/1",
                WITHDRAWN,
                {"ref": ANY, "tld": "nowhere"},
                f"[getty {EXAMPLE} width=99]",
            ],
            "target": "feed",
        },
    )
    assert answer.status_code == 200
    embeds = answer.json["embeds"]
    assert [item["ref"] for item in embeds] == [EXAMPLE, ANY, "https://evil.example/1", WITHDRAWN, ANY, EXAMPLE]
    assert [item.get("error", {}).get("code") for item in embeds] == [
        *(None, None, "unsupported", "not-found", "invalid-request", None)
    ]
    assert embeds[0]["target"] == embeds[1]["target"] == "feed"
    assert (embeds[1]["width"], embeds[5]["width"]) == (120, 99)
    for item in embeds:
        strict(schemas.FailedItem if "error" in item else schemas.EmbedAnswer, msgspec.json.encode(item))
        assert "error" not in item or item["error"]["detail"]


def test_a_batch_fetches_each_picture_once(web: World) -> None:
    answer = web.client.post("/v1/embeds", json={"refs": ["600000321", "https://gty.im/600000321"] * 25})
    assert [item["ref"] for item in answer.json["embeds"]] == ["600000321"] * 50
    assert web.sandbox.count("oembed") == 1


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "not valid JSON"),
        (b"{", 400, "not valid JSON"),
        (b'{"refs": [\n"1",\n]}', 400, "line 3"),
        (b'{"refs": ["\xff"]}', 400, "UTF-8"),
        (b"[]", 400, "an object"),
        (b"{}", 400, "refs"),
        (b'{"refs": "1"}', 400, "refs: expected a list"),
        (b'{"refs": [], "target": "hologram"}', 400, "Use one of web"),
        (b'{"refs": ' + b"[" * 30_000, 400, "nested too deeply"),
        (b'{"refs": [' + b'"1",' * 100 + b'"1"]}', 400, "100"),
    ],
)
def test_an_invalid_body_gets_advice_with_the_location(web: World, body: bytes, status: int, message: str) -> None:
    answer = web.client.post("/v1/embeds", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (status, "invalid-request")
    assert message in answer.json["detail"]


def test_a_body_of_another_type_is_rejected(web: World) -> None:
    answer = web.client.post("/v1/embeds", data={"refs": "1"})
    assert (answer.status_code, answer.json["code"]) == (415, "invalid-request")
    assert "application/json" in answer.json["detail"]


def test_a_compressed_body_is_rejected(web: World) -> None:
    def post(coding: str) -> tuple[int, str | None]:
        headers = {"Content-Encoding": coding}
        answer = web.client.post("/v1/embeds", json={"refs": [ANY]}, headers=headers)
        return answer.status_code, answer.headers.get("Accept-Encoding")

    assert [post(coding) for coding in ("gzip", "identity")] == [(415, "identity"), (200, None)]


def test_a_body_can_start_with_a_byte_order_mark(web: World) -> None:
    body = json.dumps({"refs": [ANY]}).encode("utf-8-sig")
    answer = web.client.post("/v1/embeds", data=body, content_type="application/json")
    assert [one["ref"] for one in answer.json["embeds"]] == [ANY]


class Chunks(BytesIO):
    """A body with an invalid chunk, as gunicorn passes it: reading it raises the server's own exception."""

    def read(self, *_: object) -> bytes:
        raise NotImplementedError("Invalid chunk size: b'zz'")


def test_an_incomplete_body_is_a_client_error(web: World) -> None:
    headers = {"Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    environ = {"wsgi.input_terminated": True}
    answer = web.client.post("/v1/render", input_stream=Chunks(), headers=headers, environ_overrides=environ)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")


def test_purging_requires_the_token_and_reports_if_there_was_a_copy(web: World) -> None:
    web.client.get(f"/v1/embeds/{ANY}")
    nobody = web.client.delete(f"/v1/embeds/{ANY}")
    assert (nobody.status_code, nobody.json["code"]) == (401, "token-required")
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")
    stranger = web.client.delete(f"/v1/embeds/{ANY}", headers={"Authorization": f"Bearer {ADMIN}x"})
    assert (stranger.status_code, stranger.json["code"]) == (403, "forbidden")
    assert web.client.delete(f"/v1/embeds/{ANY}", headers=BEARER).status_code == 204
    assert web.client.delete(f"/v1/embeds/{ANY}", headers=BEARER).status_code == 404


def test_a_purge_with_an_unreadable_cache_does_not_report_a_missing_copy() -> None:
    class Broken(SimpleCache):
        def get(self, key: str) -> Any:
            raise OSError("the disk")

    kit = EmbedKit(settings(admin_token=(ADMIN,)), cache=Broken(), transport=SandboxTransport())
    answer = create_app(kit=kit).test_client().delete(f"/v1/embeds/{ANY}", headers=BEARER)
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert "can't be read" in answer.json["detail"]


@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "Bearer  ", ADMIN, "bearer\x00x"])
def test_other_credentials_are_rejected(web: World, header: str) -> None:
    assert web.client.delete(f"/v1/embeds/{ANY}", headers={"Authorization": header}).status_code == 401


def test_purging_is_off_without_an_admin_token() -> None:
    answer = world().client.delete(f"/v1/embeds/{ANY}", headers=BEARER)
    assert (answer.status_code, answer.json["code"]) == (404, "no-route")


def test_the_hosts_login_replaces_the_admin_token() -> None:
    asked: list[str] = []
    web = world(authorize=lambda action: bool(asked.append(action)) or len(asked) > 1)
    web.client.get(f"/v1/embeds/{ANY}")
    assert web.client.delete(f"/v1/embeds/{ANY}").status_code == 403
    assert web.client.delete(f"/v1/embeds/{ANY}").status_code == 204
    assert asked == ["purge", "purge"]


def test_a_text_is_rendered_with_its_problems(web: World) -> None:
    text = f"First [getty {EXAMPLE}]\n\nthen [getty {WITHDRAWN}] and `[getty 1]`."
    answer = web.client.post("/v1/render", json={"content": text, "input": "markdown", "target": "feed"})
    found = strict(schemas.RenderAnswer, answer.data)
    assert [embed.ref for embed in found.embeds] == [EXAMPLE]
    assert [(one.line, one.column, one.code) for one in found.problems] == [(3, 6, "not-found")]
    assert "`[getty 1]`" in found.content
    assert f"[getty {EXAMPLE}]" not in found.content


def test_rendering_accepts_two_mebibytes_and_other_routes_64_kib(web: World) -> None:
    fits = {"content": "x" * 2_000_000}
    assert web.client.post("/v1/render", json=fits).json["content"] == fits["content"]
    large = web.client.post("/v1/render", json={"content": "x" * 2_100_000})
    assert (large.status_code, large.json["code"]) == (413, "too-large")
    assert "2048 KiB" in large.json["detail"]
    batch = web.client.post("/v1/embeds", json={"refs": ["x" * 70_000]})
    assert (batch.status_code, batch.json["code"]) == (413, "too-large")


def test_rendering_accepts_a_hundred_pictures(web: World) -> None:
    """Repeated pictures are free, up to a limit on all references."""

    def render(count: int, ids: int) -> Any:
        text = "\n\n".join(f"[getty {600_000_000 + number % ids}]" for number in range(count))
        return web.client.post("/v1/render", json={"content": f"{text} <code>[getty 1]</code>"})

    assert [len(render(100, 100).json["embeds"]), len(render(1000, 5).json["embeds"])] == [100, 1000]
    calls = web.sandbox.count()
    for refused, message in (
        (render(101, 101), "at most 100 pictures"),
        (render(1001, 5), "at most 1,000 references"),
    ):
        assert (refused.status_code, refused.json["code"]) == (413, "too-large")
        assert message in refused.json["detail"]
    assert "reached in line 2001, column 1" in refused.json["detail"]
    assert web.sandbox.count() == calls


def test_inputs_that_rendering_accepts(web: World) -> None:
    answer = web.client.post("/v1/render", json={"content": "x", "input": "rtf"})
    assert answer.status_code == 400
    assert "html" in answer.json["detail"]


def test_several_texts_are_rendered_in_order(web: World) -> None:
    first, second = (
        {"content": f"[getty {EXAMPLE}]"},
        {"content": f"`[getty 1]` [getty {WITHDRAWN}]", "input": "markdown"},
    )
    answer = web.client.post("/v1/render", json={"texts": [first, second, first], "target": "feed"})
    strict(schemas.RenderAnswer, answer.data)
    found = [msgspec.convert(one, schemas.RenderedText) for one in answer.json["texts"]]
    assert [[embed.ref for embed in one.embeds] for one in found] == [[EXAMPLE], [], [EXAMPLE]]
    assert "`[getty 1]`" in found[1].content
    assert [one.code for one in found[1].problems] == ["not-found"]
    assert found[0] == found[2]
    assert found[0].content == web.client.post("/v1/render", json={**first, "target": "feed"}).json["content"]
    assert web.client.post("/v1/render", json={"texts": []}).json == {"texts": []}


def test_several_texts_count_as_one_request(web: World) -> None:
    def render(*counts: int) -> Any:
        texts = [{"content": f"[getty {EXAMPLE}]\n" * count} for count in counts]
        return web.client.post("/v1/render", json={"texts": texts})

    def lengths(*counts: int) -> list[int | None]:
        return [len(one["embeds"]) if "embeds" in one else None for one in render(*counts).json["texts"]]

    assert lengths(500, 500) == [500, 500]
    assert lengths(500, 501, 400, 101, 100) == [500, None, 400, None, 100]
    assert lengths(*[1] * 100) == [1] * 100
    assert render(*[0] * 101).status_code == 400


def test_a_text_that_is_too_large_does_not_affect_others(web: World) -> None:
    """Distinct pictures are counted, however they are written; a rejected text uses none of the budget."""

    def text(*numbers: int) -> dict[str, str]:
        return {"content": " ".join(f"[getty {600_700_000 + number}] https://gty.im/6007" for number in numbers)}

    texts = [text(*range(60)), text(*range(40, 101)), text(*range(60, 99), 0), text(1, 99), text(*range(101))]
    calls = web.sandbox.count()
    answer = web.client.post("/v1/render", json={"texts": texts})
    strict(schemas.RenderAnswer, answer.data)
    found = answer.json["texts"]
    assert [len(one.get("embeds", ())) for one in found] == [60, 0, 40, 2, 0]
    assert web.sandbox.count() - calls == 100
    for index in (1, 4):
        error = msgspec.convert(found[index], schemas.FailedText, strict=True).error
        assert (error.code, error.retry_after) == ("too-large", None)
        assert "another request" in error.detail
    assert (
        "in parts" in web.client.post("/v1/render", json={"texts": texts[4:]}).json["texts"][0]["error"]["detail"]
    )


def test_the_texts_of_a_request_share_its_budget(web: World) -> None:
    heavy, light = {"content": "<code><b></code>" * 15_000 + "[getty 1]"}, {"content": f"[getty {EXAMPLE}]"}
    found = web.client.post("/v1/render", json={"texts": [heavy, light, heavy, light]}).json["texts"]
    assert ["error" in one for one in found] == [False, False, True, True]
    assert web.client.post("/v1/render", json={"texts": [heavy]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"input": "html"}, {"content": "x", "texts": []}, {"input": "html", "texts": []}, {"texts": ["x"]}],
)
def test_rendering_accepts_either_a_text_or_texts(web: World, body: Any) -> None:
    answer = web.client.post("/v1/render", json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid-request")


def test_an_embed_has_the_same_width_on_every_route(web: World) -> None:
    """Anything that changes a size belongs in ``Embed.scaled``, which all routes use."""
    kit, tag = web.kit, f"[getty {ANY} width=200]"
    expected = kit.resolve(ANY, max_width=200).width
    assert 0 < expected <= 200
    assert kit.document(tag).embeds[0].width == expected
    assert web.client.get(f"/v1/embeds/{ANY}?maxwidth=200").json["width"] == expected
    assert web.client.get(f"/oembed?url={ANY}&maxwidth=200").json["width"] == expected
    for html in (
        str(kit.html(ANY, max_width=200)),
        kit.render(tag),
        web.client.get(f"/embed/{ANY}?maxwidth=200").text,
    ):
        assert f' width="{expected}"' in html
