"""Attacks: malformed requests, tampered files and malicious texts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode

import platformdirs
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as limits
from hypothesis import strategies as st

from embedkit import EmbedKit, Settings
from embedkit.cache.envelope import signing_secrets
from embedkit.cache.stores.coordination import shared_versions
from embedkit.cache.stores.factory import open_store
from embedkit.engine import lockfile
from embedkit.errors import ConfigurationError
from embedkit.models import Embed, Frame, Options
from embedkit.rendering.escaping import escape_text
from embedkit.rendering.renderer import Renderer
from embedkit.rendering.sanitizer import sanitizer
from embedkit.shortcodes.scan import protected
from embedkit.targets import ROWS, TARGETS
from embedkit.web.response import ALWAYS
from tests.support.embeds import (
    HOSTILE,
    QUERY,
    hosts,
    record,
    skeleton,
)
from tests.support.web import (
    ADMIN,
    ANY,
    WITHDRAWN,
    World,
    world,
)

PLAIN_SAID = Options(caption="x", title="x")
RENDERER = Renderer(Settings().rendering)
ITEM = "74917285"


# -- requests ------------------------------------------------------------------------------------------


@pytest.fixture(name="web", scope="module")
def fixture_web() -> World:
    return world(admin_token=ADMIN, public_url="")


KNOWN = [
    *("/", "/docs", "/openapi.json", "/healthz", "/readyz", "/oembed", "/oembed/providers.json", "/v1/embeds"),
    *("/v1/render", f"/v1/embeds/{ANY}", f"/embed/{ANY}", f"/embed/{WITHDRAWN}", "/static/embedkit.css"),
]
NAMES = ["url", "maxwidth", "maxheight", "format", "caption", "align", "tld", "title", "target", "v", "ref", "x"]
SCRAPS = [
    *(
        "600000123",
        "https://gty.im/600000123",
        "-1",
        "1e9",
        "0",
        "true",
        "web",
        "..",
        "%",
        "%00",
        "%2f",
        "//evil.example",
    ),
    *(
        "\r\nX-Injected: 1",
        "\x00",
        "\u2028",
        "\ud7ff",
        "<script>",
        "'\"",
        "{{7*7}}",
        "[getty 600000123]",
        "\\",
        "@",
        ";",
    ),
]
text = st.one_of(st.sampled_from(SCRAPS), st.text(max_size=40))
paths = st.one_of(
    st.sampled_from(KNOWN),
    st.builds(str.__add__, st.sampled_from(["/embed/", "/v1/embeds/", "/static/", "/", "//"]), text.map(quote)),
    st.lists(text.map(lambda part: quote(part, safe="")), max_size=4).map(lambda parts: "/" + "/".join(parts)),
)
queries = st.one_of(
    st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), text), text), max_size=4).map(urlencode),
    st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["refs", "ref", "content", "input", *NAMES]), inner, max_size=4),
    ),
    max_leaves=8,
)
bodies = st.one_of(values.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60))
headers = st.dictionaries(
    st.sampled_from(
        [
            *("Host", "Origin", "Authorization", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix"),
            *(
                "If-None-Match",
                "If-Modified-Since",
                "Range",
                "Accept",
                "Content-Encoding",
                "X-HTTP-Method-Override",
            ),
        ]
    ),
    st.one_of(
        st.sampled_from(
            ["evil.example", "localhost", "null", "*", "Bearer", f"Bearer {ADMIN}", "bytes=5-1", 'W/"x"']
        ),
        st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20),
    ),
    max_size=3,
)


@limits(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "TRACE", "get", "X"]),
    path=paths,
    query=queries,
    body=bodies,
    kind=st.sampled_from(["application/json", "application/json; charset=utf-16", "text/plain", ""]),
    sent=headers,
)
@example(method="GET", path="/embed//1", query="", body=b"", kind="", sent={"Host": "evil.example"})
@example(
    method="POST", path="/v1/render", query="", body=b'{"content":"\\ud800"}', kind="application/json", sent={}
)
@example(method="POST", path="/v1/embeds", query="", body=b"[" * 60_000, kind="application/json", sent={})
def test_no_request_crashes_the_service(
    web: World, method: str, path: str, query: Any, body: bytes, kind: str, sent: dict[str, str]
) -> None:
    asked = {"query_string": query, "data": body, "content_type": kind, "headers": sent, "buffered": True}
    raw = unquote_to_bytes(path).decode(
        "latin-1"
    )  # as a server passes it; the test client would read "//x" as a host
    answer = web.client.open("/", method=method, environ_overrides={"PATH_INFO": raw}, **asked)
    own_address = (answer.status_code, path) == (500, "/oembed/providers.json")  # no PUBLIC_URL
    assert answer.status_code < 500 or answer.status_code == 501 or own_address, answer.data
    assert answer.status_code not in (301, 302, 307, 308)
    for name in ALWAYS:
        assert name in answer.headers
    assert not {"Location", "Set-Cookie", "X-Injected"} & set(answer.headers.keys())
    assert "Origin" in answer.headers["Vary"]
    if answer.status_code >= 400:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype in ("application/problem+json", "text/html")
        assert answer.mimetype != "text/html" or path.startswith("/embed/")


@pytest.mark.parametrize(
    "path", [f"/embed//{ANY}", f"/embed/%2f{ANY}", f"/v1//embeds/{ANY}", "/static//embedkit.css"]
)
def test_no_redirect_repeats_the_host_header(web: World, path: str) -> None:
    answer = web.client.get(path, headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "evil.example" not in str(answer.headers) + answer.text


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", f"/embed/{ANY}", f"/v1/embeds/{ANY}", "/nothing"])
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Original-URL", "Forwarded"])
def test_no_header_value_is_repeated_in_a_cacheable_response(web: World, path: str, name: str) -> None:
    plain = web.client.get(path, headers={"Host": "one.example"})
    poisoned = web.client.get(path, headers={"Host": "one.example", name: "/canary.example"})
    assert "canary" not in poisoned.text
    assert "canary" not in str(poisoned.headers)
    assert poisoned.status_code == plain.status_code


def test_unknown_parameters_have_no_effect(web: World) -> None:
    one, other = (web.client.get(f"/embed/{ANY}{query}") for query in ("", "?utm=%3Cscript%3E&maxwidth="))
    assert (one.data, one.headers["ETag"]) == (other.data, other.headers["ETag"])


def test_validators_differ_by_target(web: World) -> None:
    tag = web.client.get(f"/v1/embeds/{ANY}?target=web").headers["ETag"]
    for query, status in [("web", 304), ("facade", 200), ("oembed", 200), ("web&maxwidth=300", 200)]:
        answer = web.client.get(f"/v1/embeds/{ANY}?target={query}", headers={"If-None-Match": tag})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "given_",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Basic {ADMIN}",
        f"Bearer{ADMIN}",
        f"Bearer {ADMIN[:-1]}",
        f"Bearer {ADMIN},{ADMIN}",
        f"Bearer {ADMIN.upper()}",
        f"Token {ADMIN}",
        "Bearer \xff\xfe",
        f"Bearer x {ADMIN}",
        ADMIN,
    ],
)
def test_purging_requires_the_token(web: World, given_: str) -> None:
    web.client.get(f"/v1/embeds/{ANY}")
    answer = web.client.delete(f"/v1/embeds/{ANY}?token={ADMIN}", headers={"Authorization": given_})
    assert answer.status_code in (401, 403)


# -- a tampered lock file -------------------------------------------------------------------


def frozen(folder: Path, embed: Embed) -> EmbedKit:
    path = folder / "lock.json"
    lockfile.write_back(path, lockfile.read_bytes(path), {(embed.ref.items, "com"): embed})
    return EmbedKit(Settings(frozen=True, lockfile=str(path)))


EVIL = "https://evil.example/x"
FOREIGN = "evil|javascript:|\\.zip|alert|<s>|onload|[\x00\n\ud800\u202e]"
TAMPERED: list[dict[str, Any]] = [
    *(
        {"thumbnail_url": url}
        for url in (EVIL, "javascript:alert(1)", "https://media.gettyimages.com@evil.example/x")
    ),
    *({"page_url": url} for url in (EVIL, "https://www.gettyimages.zip/detail/1", "javascript:alert(1)")),
    *({"terms_of_use_url": url} for url in (EVIL, "https://www.gettyimages.com.evil.example/x", 'https://"><s>')),
    *(
        {name: "a\nb\x00\ud800\u202e</script><s>"}
        for name in ("title", "caption", "photographer", "collection", "type")
    ),
    {"width": 10**9},
    {"height": 10**9},
    {"thumbnail_width": -1},
    {"fetched_at": float("inf")},
    {"version": "</script>"},
]
SIGNED: dict[str, Any] = {"items": (ITEM,), "query": QUERY}
FRAMES: list[dict[str, Any]] = [
    {"items": (f'{ITEM}" onload="x',)},
    {"items": ("1",)},
    {"items": (ITEM, "../../x")},
    {"query": ()},
    {"query": QUERY[:2]},
    {"query": (QUERY[0], ("tld", "evil.example"), QUERY[2])},
    {"query": (("et", "e" * 21 + '"'), QUERY[2])},
    {"query": (*QUERY, ("x", "1"))},
    {"query": (*QUERY[:2], ("sig", "s" * 43 + "=\n"))},
    {"query": ((f"et={'e' * 22}&sig", "x"), QUERY[2])},
    {"query": (QUERY[0], ("x\n", "'});alert(1);//"), QUERY[2])},
    {"bar": 10**6},
    {"bar": -10},
]


@pytest.mark.parametrize("changes", [*TAMPERED, *({"frame": Frame(**(SIGNED | one))} for one in FRAMES)])
def test_a_tampered_lock_file_injects_no_values(tmp_path: Path, changes: dict[str, Any]) -> None:
    line = {"tld": "com", **replace(record(), **changes).as_record()}
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({"version": 1, "embeds": [line]}))
    kit = EmbedKit(Settings(frozen=True, lockfile=str(path)))
    for target in TARGETS:
        shown = str(kit.html(ITEM, target=target))
        is_plain = escape_text("<", ROWS[target].escape["text"]) == "<"  # if tags are plain text
        assert not re.search(FOREIGN, shown.replace("<s>", "") if is_plain else shown), target
    found = kit.resolve_many([ITEM])[0]
    if isinstance(found, Embed):
        assert not re.search("evil|javascript|zip", json.dumps(found.as_json(0.0)))
    else:
        assert found.code == "invalid-response"


def test_a_valid_lock_file_is_used_unchanged(tmp_path: Path) -> None:
    for embed in (record(), record(ITEM, "sb1-001"), record(caption="")):
        assert frozen(tmp_path, embed).resolve(embed.ref) == embed


# -- files ---------------------------------------------------------------------------------------------


@pytest.fixture(name="folder")
def fixture_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return Path(platformdirs.user_cache_dir("embedkit"))


def test_the_users_cache_folder_is_private(folder: Path) -> None:
    open_store("", limit=10, timeout=1).set("key", "value")
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.joinpath("cache.sqlite").unlink()


def test_the_folder_of_the_secret_is_private(folder: Path) -> None:
    signing_secrets((), "")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_secret_readable_by_others_is_rejected(folder: Path) -> None:
    signing_secrets((), "")
    folder.joinpath("secret").chmod(0o644)
    with pytest.raises(ConfigurationError, match="others can read it"):
        signing_secrets((), "")


def test_version_marks_are_not_written_through_a_link(tmp_path: Path) -> None:
    treasure = tmp_path / "treasure"
    treasure.write_text("kept as it is")
    (tmp_path / "marks").symlink_to(treasure)
    marks = shared_versions(str(tmp_path / "marks"))
    assert marks is not None
    assert not marks.bump("key")
    assert not marks.bump_all()
    assert marks.read("key") is None
    assert treasure.read_text() == "kept as it is"


# -- texts ---------------------------------------------------------------------------------------------


@limits(deadline=None, max_examples=150)
@given(st.text(max_size=60) | st.sampled_from(HOSTILE), st.text(max_size=60) | st.sampled_from(HOSTILE))
def test_no_text_can_add_elements_or_hosts(title: str, caption: str) -> None:
    embed = record(title=title or "x", photographer=title or "x", collection=caption or "x")
    said = Options(caption=f"{caption} x", title=f"{title} x")
    for target in (name for name, row in ROWS.items() if row.is_markup):
        shown = str(RENDERER.render(embed, said, target))
        assert skeleton(shown) == skeleton(str(RENDERER.render(record(), PLAIN_SAID, target)))
        assert hosts(shown) <= {"embed.gettyimages.com", "www.gettyimages.com", "embed-cdn.gettyimages.com"}


@pytest.mark.parametrize("name", ["pre", "code", "script", "style", "textarea"])
def test_an_unclosed_end_tag_is_scanned_once(name: str) -> None:
    text = f"<{name}>" + f"</{name} " * 100_000  # rescanned for each, this would take a minute
    assert protected(text).protected(len(text) - 1)


def test_class_matching_does_not_backtrack() -> None:
    hostile = "ek--a " * 40 + "!"  # 2**40 steps if two branches match the same word
    assert (
        sanitizer("nh3", frame_origin="https://x.example").clean(f'<div class="{hostile}"></div>') == "<div></div>"
    )
