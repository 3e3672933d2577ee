"""The effect of a page's policy on our embeds, as ``embedkit doctor --page`` reports it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from embedkit.cli.page import FRAMES, SCRIPTS, STYLESHEETS, Check, check_page, is_allowed, parse_policies
from embedkit.errors import ConfigurationError, InvalidResponse, Unavailable
from embedkit.messages import Request, Response
from embedkit.settings import Settings

PAGE = "https://site.example/post"
SETTINGS = Settings(assets_url="https://cdn.example/getty")
CSS, FACADE = "https://cdn.example/getty/embedkit.css", "https://cdn.example/getty/embedkit-facade.js"
POST = (
    f'<!doctype html><link rel=stylesheet href="{CSS}?v=1"><script defer src="{FACADE}?v=1"></script>'
    '<figure class="ek ek--web"><iframe src="https://embed.gettyimages.com/embed/1?x"></iframe></figure>'
    '<figure class="ek ek--facade"></figure>'
)
FILES = {
    f"{CSS}?v=1": Response(200, {"content-type": "text/css; charset=utf-8"}),
    f"{FACADE}?v=1": Response(200, {"content-type": "text/javascript"}),
}


class Site:
    """Responses for a page and its files."""

    def __init__(self, answers: Mapping[str, Response]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def send(self, request: Request, /) -> Response:
        self.asked.append(request.url)
        answer = self.answers.get(request.url, Response(404))
        if len(answer.body) > request.max_bytes:
            raise InvalidResponse("too large")
        return answer


def check(
    html: str = POST, settings: Settings = SETTINGS, files: Mapping[str, Response] = FILES, **headers: str
) -> list[Check]:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return list(check_page(PAGE, settings, Site({PAGE: Response(200, named, html.encode()), **files})))


def wrong(findings: list[Check]) -> list[tuple[str, str]]:
    return [(one.check, one.line) for one in findings if one.ok is False]


def test_a_page_without_a_policy_has_no_problems() -> None:
    findings = check()
    assert wrong(findings) == []
    assert [one.check for one in findings] == [
        *("page", "embeds", "frames", "stylesheet", "scripts", "files", "files", "isolation")
    ]
    assert findings[1].detail == "facade, web"


CSP = "Content-Security-Policy: "
GETTY = "https://embed.gettyimages.com"
WHOLE = (
    f"{CSP}default-src 'self'; frame-src 'self' {GETTY}; style-src 'self' https://cdn.example;"
    " script-src 'self' https://cdn.example"
)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (f"frame-src {GETTY}; style-src https://cdn.example; script-src https://cdn.example", []),
        ("default-src * 'unsafe-inline'", []),
        ("frame-src 'self'", [("frames", f"{CSP}frame-src 'self' {GETTY}")]),
        ("child-src 'none'", [("frames", f"{CSP}child-src {GETTY}")]),
        ("frame-src https:; child-src 'none'", []),
        ("style-src 'self'; style-src-elem *", []),
        ("style-src 'self'", [("stylesheet", f"{CSP}style-src 'self' https://cdn.example")]),
        ("script-src 'self' 'nonce-x'", [("scripts", f"{CSP}script-src 'self' 'nonce-x' https://cdn.example")]),
        ("script-src 'nonce-x' 'strict-dynamic' https:", [("scripts", "")]),
        ("object-src 'none'; base-uri 'self'; upgrade-insecure-requests; img-src 'none'", []),
        (
            "default-src 'self'",
            [
                ("frames", WHOLE),
                ("stylesheet", WHOLE),
                ("scripts", WHOLE),
            ],
        ),
        ("frame-src *, frame-src 'none'", [("frames", f"{CSP}frame-src {GETTY}")]),
        ("frame-src *; frame-src 'none'", []),
        ("sandbox allow-scripts allow-popups allow-same-origin", []),
        ("sandbox allow-scripts allow-popups", [("sandbox", f"{CSP}sandbox allow-scripts allow-popups allow-same-origin")]),
        ("sandbox", [("sandbox", f"{CSP}sandbox allow-scripts allow-popups allow-same-origin")]),
    ],
)  # fmt: skip
def test_a_policy_is_reported_with_the_line_that_fixes_it(policy: str, expected: list[tuple[str, str]]) -> None:
    assert wrong(check(content_security_policy=policy)) == expected
    for line in {line for _, line in expected if line and ", " not in policy}:
        assert wrong(check(content_security_policy=line.removeprefix(CSP))) == []


def test_a_policy_in_the_page_counts_too() -> None:
    meta = '<meta http-equiv="content-security-policy" content="frame-src {}; sandbox">'
    assert wrong(check(meta.format("'none'") + POST, content_security_policy="frame-src *")) == [
        ("frames", f'<meta http-equiv="Content-Security-Policy" content="frame-src {GETTY}">')
    ]
    assert wrong(check(meta.format(GETTY) + POST)) == []


def test_a_report_only_policy_blocks_nothing() -> None:
    assert wrong(check(content_security_policy_report_only="default-src 'none'")) == []


def test_a_nonce_allows_a_script() -> None:
    html = POST.replace("<script ", "<script nonce=x ")
    assert wrong(check(html, content_security_policy="script-src 'nonce-x' 'strict-dynamic'")) == []


@pytest.mark.parametrize("value", ["require-corp", 'require-corp; report-to="x"', "credentialless"])
def test_isolation_requires_credentialless_frames(value: str) -> None:
    found = check(cross_origin_embedder_policy=value)
    assert wrong(found) == [("isolation", "Cross-Origin-Embedder-Policy: unsafe-none")]
    assert "EMBEDKIT_CREDENTIALLESS=true" in next(one.detail for one in found if one.check == "isolation")
    settings = Settings(assets_url=SETTINGS.assets_url, credentialless=True)
    assert wrong(check(settings=settings, cross_origin_embedder_policy=value)) != [], "rendered before it was set"
    html = POST.replace("<iframe ", '<iframe credentialless="" ')
    assert wrong(check(html, settings, cross_origin_embedder_policy=value)) == []


def test_harmless_findings_are_not_reported() -> None:
    assert wrong(
        check(
            permissions_policy="fullscreen=(), camera=()",
            referrer_policy="no-referrer",
            x_frame_options="DENY",
            cross_origin_opener_policy="same-origin",
            cross_origin_embedder_policy="unsafe-none",
        )
    ) == []  # fmt: skip


def test_missing_and_misplaced_files_are_reported() -> None:
    bare = POST[POST.index("<figure") :]
    assert wrong(check(bare)) == [
        ("stylesheet", f'<link rel="stylesheet" href="{CSS}">'),
        ("scripts", f'<script defer src="{FACADE}"></script>'),
    ]
    found = check(files={f"{FACADE}?v=1": Response(200, {"content-type": "text/html"})})
    assert [one.detail for one in found if one.check == "files"] == [
        f"{CSS}?v=1 returned status 404. Copy it with: embedkit assets DIR",
        f"{FACADE}?v=1 is served as text/html, but must be javascript.",
    ]
    unnamed = {f"{CSS}?v=1": Response(200, {}), f"{FACADE}?v=1": Response(200, {}, b"x" * 300_000)}
    assert [name for name, _ in wrong(check(files=unnamed))] == ["files", "files"]


def test_the_base_url_of_the_page_is_used() -> None:
    html = '<base href="https://cdn.example/getty/"><base href="/x/"><link rel="Stylesheet" href="embedkit.css?v=1"><p class="ek">'
    assert wrong(check(html)) == []


def test_a_page_without_embeds_is_checked_for_future_ones() -> None:
    found = check("<p>Hello", content_security_policy="frame-src 'none'")
    assert found[1] == Check("embeds", None, "none in the page's source; checking its policy for future ones")
    assert wrong(found) == [("frames", f"{CSP}frame-src {GETTY}")]
    assert check('<p class="ek ek--card">')[1].detail == "cards"


def test_redirects_are_followed_up_to_a_limit() -> None:
    there = Response(200, {}, b"<p>Hello")
    site = Site({PAGE: Response(301, {"location": "/there"}), "https://site.example/there": there})
    assert next(check_page(PAGE, SETTINGS, site)).detail == "https://site.example/there"
    for location in ("/post", "ftp://site.example/", "file:///etc/passwd", "https://"):
        with pytest.raises((ConfigurationError, Unavailable)):
            list(check_page(PAGE, SETTINGS, Site({PAGE: Response(302, {"location": location})})))


def test_a_missing_page_is_an_error() -> None:
    for url in (
        "site.example",
        "ftp://site.example/",
        "file:///etc/passwd",
        "",
        "https:///x",
        "javascript:alert(1)",
    ):
        with pytest.raises(ConfigurationError, match="is not the URL of a page"):
            list(check_page(url, SETTINGS, Site({})))
    with pytest.raises(Unavailable, match="status 404"):
        list(check_page(PAGE, SETTINGS, Site({})))
    with pytest.raises(Unavailable, match="too large"):
        list(check_page(PAGE, SETTINGS, Site({PAGE: Response(200, {}, b"x" * 3_000_000)})))

    class Down:
        def send(self, request: Request, /) -> Response:
            raise Unavailable(f"Getty Images is down: {request.endpoint}")

    with pytest.raises(Unavailable, match=r"https://site\.example/post can't be reached from here"):
        list(check_page(PAGE, SETTINGS, Down()))


@pytest.mark.parametrize(
    ("source", "url", "passes"),
    [
        ("*", "https://x.example/a", True),
        ("*", "data:text/css,", False),
        ("'self'", "https://site.example/a", True),
        ("'self'", "https://site.example:8443/a", False),
        ("https:", "https://x.example/a", True),
        ("http:", "https://x.example/a", True),
        ("data:", "https://x.example/a", False),
        ("x.example", "https://x.example/a", True),
        ("X.Example", "https://x.example/a", True),
        ("x.example", "http://x.example/a", False),
        ("http://x.example", "https://x.example/a", True),
        ("https://x.example", "http://x.example/a", False),
        ("*.example", "https://x.example/a", True),
        ("*.x.example", "https://x.example/a", False),
        ("x.example:*", "https://x.example:8443/a", True),
        ("x.example:8443", "https://x.example:8443/a", True),
        ("x.example", "https://x.example:8443/a", False),
        ("x.example/", "https://x.example/a", True),
        ("x.example/static/", "https://x.example/static/a", True),
        ("x.example/static/", "https://x.example/a", False),
        ("x.example/A", "https://x.example/A", True),
        ("x.example/A", "https://x.example/a", False),
        ("'unsafe-inline'", "https://x.example/a", False),
        ("'none'", "https://x.example/a", False),
    ],
)
def test_sources_match_as_in_a_browser(source: str, url: str, passes: bool) -> None:
    for chain, name in ((FRAMES, "frame-src"), (STYLESHEETS, "style-src-elem"), (SCRIPTS, "script-src")):
        (policy,) = parse_policies(f" {name}  {source} ;; ")
        assert is_allowed(policy, chain, url, PAGE) is passes
