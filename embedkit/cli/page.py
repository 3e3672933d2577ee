"""``embedkit doctor --page URL``: check whether a web page can show embeds, and print the lines to change.

It fetches the page and those of our files that it links, with limits on size and time. No scripts are run, so what
they would add to the page is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from embedkit.api.requests import origin_of
from embedkit.errors import ConfigurationError, EmbedKitError, InvalidResponse, Unavailable
from embedkit.messages import Request, Response
from embedkit.settings import Settings
from embedkit.targets import FACADE_SCRIPT, STYLES

if TYPE_CHECKING:
    from embedkit.transport.client import Transport

MAX_PAGE_BYTES = 2 * 1024 * 1024
MAX_FILE_BYTES = 256 * 1024
MAX_REDIRECTS = 5
MAX_FILES = 8  # our files to check on a page, which needs three
REDIRECTS = frozenset({301, 302, 303, 307, 308})
PORTS = {"http": 80, "https": 443}
CSP = "Content-Security-Policy"
COEP = "Cross-Origin-Embedder-Policy"
TYPES = {".css": "text/css", ".js": "javascript"}
LOST = {  # the effect of a missing sandbox permission, worst first
    "allow-scripts": "frames show no picture, and the façade remains a link",
    "allow-popups": "links in the viewer don't open",
    "allow-same-origin": "the choice to always load pictures is not saved",
}

# The directives that a browser checks in this order (CSP Level 3, section 6.8.3), and the one to add.
FRAMES = ("frame-src", "child-src", "default-src")
STYLESHEETS = ("style-src-elem", "style-src", "default-src")
SCRIPTS = ("script-src-elem", "script-src", "default-src")
WRITTEN: dict[tuple[str, ...], str] = {FRAMES: "frame-src", STYLESHEETS: "style-src", SCRIPTS: "script-src"}
_SOURCE = re.compile(
    r"(?:(?P<scheme>[a-z][a-z0-9+.-]*)://)?(?P<host>\*|(?:\*\.)?[^/:*]+)(?::(?P<port>[0-9]+|\*))?(?P<path>/.*)?"
)


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one of doctor's checks.

    :param ok: None if the check was skipped.
    :param line: a header or tag that fixes the problem, ready to be copied.
    """

    check: str
    ok: bool | None
    detail: str
    line: str = ""


@dataclass(frozen=True)
class ContentSecurityPolicy:
    """One Content-Security-Policy of a page. ``meta`` is true for a policy in a meta tag."""

    directives: Mapping[str, tuple[str, ...]]
    meta: bool = False

    def deciding(self, chain: tuple[str, ...]) -> str:
        """Return the directive that decides; empty if there is none, so that everything is allowed."""
        return next((name for name in chain if name in self.directives), "")

    def line(self) -> str:
        """Return the policy as a header or meta tag."""
        text = "; ".join(" ".join((name, *sources)) for name, sources in self.directives.items())
        return f'<meta http-equiv="{CSP}" content="{text}">' if self.meta else f"{CSP}: {text}"

    def with_source(self, chain: tuple[str, ...], source: str) -> ContentSecurityPolicy:
        """Return this policy with an additional source in the directive that decides."""
        name = self.deciding(chain)
        kept = tuple(known for known in self.directives[name] if known.lower() != "'none'")
        name = WRITTEN[chain] if name == "default-src" else name
        return self.with_directive(name, dict.fromkeys((*kept, source)))

    def with_directive(self, name: str, sources: Iterable[str]) -> ContentSecurityPolicy:
        """Return this policy with a directive added or replaced."""
        return ContentSecurityPolicy({**self.directives, name: tuple(sources)}, self.meta)


def parse_policies(text: str, *, meta: bool = False) -> list[ContentSecurityPolicy]:
    """Parse the policies of a header, which are separated by commas. The first of repeated directives counts."""
    return [policy for part in text.split(",") if (policy := _parse(part, meta)).directives]


def _parse(text: str, meta: bool) -> ContentSecurityPolicy:
    directives: dict[str, tuple[str, ...]] = {}
    for directive in text.split(";"):
        name, *sources = directive.split() or [""]
        if name and not (meta and name.lower() in ("sandbox", "frame-ancestors", "report-uri")):
            directives.setdefault(name.lower(), tuple(sources))
    return ContentSecurityPolicy(directives, meta)


class Script(NamedTuple):
    """A script of a page."""

    url: str
    nonce: str


class ParsedPage(HTMLParser):
    """The parts of a page that matter for embeds, with absolute URLs."""

    def __init__(self, url: str, response: Response) -> None:
        super().__init__()
        self.url = self._base = url
        self.headers = response.headers
        self.policies = parse_policies(response.headers.get(CSP.lower(), ""))
        self.styles: list[str] = []
        self.scripts: list[Script] = []
        self.frames: list[dict[str, str]] = []
        self.classes: set[str] = set()
        self.feed(response.body.decode("utf-8", "replace"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record an element. The first of repeated attributes and of several base elements counts."""
        values = {name: value or "" for name, value in reversed(attrs)}
        self.classes.update(values.get("class", "").split())
        if tag == "meta" and values.get("http-equiv", "").lower() == CSP.lower():
            self.policies += parse_policies(values.get("content", ""), meta=True)
        elif tag == "link" and "stylesheet" in values.get("rel", "").lower().split():
            self.styles.append(urljoin(self._base, values.get("href", "")))
        elif tag == "script" and "src" in values:
            self.scripts.append(Script(urljoin(self._base, values["src"]), values.get("nonce", "")))
        elif tag == "iframe":
            self.frames.append(values)
        elif tag == "base" and self._base == self.url:
            self._base = urljoin(self.url, values.get("href", ""))


def check_page(url: str, settings: Settings, transport: Transport) -> Iterator[Check]:
    """Check a page, and yield the results.

    :param url: http or https URL of the page.
    :raises ConfigurationError: for any other URL.
    :raises Unavailable: if the page can't be fetched.
    """
    page = _open(url, transport)
    yield Check("page", True, page.url)
    yield _embeds(page)
    yield from _missing(page, settings)
    yield from _policies(page, [*_loads(page, settings)])
    yield from _files(page, transport)
    yield _isolation(page, settings)


def _open(url: str, transport: Transport) -> ParsedPage:
    for _ in range(MAX_REDIRECTS + 1):
        response = _fetch(url, transport, MAX_PAGE_BYTES)
        if response.status not in REDIRECTS:
            break
        url = urljoin(url, response.headers.get("location", ""))
    if response.status != 200:
        raise Unavailable(f"{url} returned status {response.status}.", hint="Pass the URL of an existing page.")
    return ParsedPage(url, response)


def _fetch(url: str, transport: Transport, max_bytes: int) -> Response:
    if urlsplit(url).scheme not in PORTS or not urlsplit(url).hostname:
        raise ConfigurationError(f"{url} is not the URL of a page.", hint="Pass one that begins with https://.")
    headers = {"Accept": "text/html,*/*"}
    endpoint = f"page {urlsplit(url).netloc}"
    request = Request(url, endpoint, headers=headers, max_bytes=max_bytes, follow_redirects=False, batch=True)
    try:
        return transport.send(request)
    except InvalidResponse:
        raise Unavailable(
            f"The response of {url} is too large (over {max_bytes} bytes), incomplete or malformed.",
            hint=f"Try: curl -v {url}",
        ) from None
    except EmbedKitError:
        raise Unavailable(f"{url} can't be reached from here.", hint=f"Try: curl -v {url}") from None


def _embeds(page: ParsedPage) -> Check:
    kinds = sorted(name.removeprefix("ek--") for name in page.classes if name in ("ek--web", "ek--facade"))
    if "ek" not in page.classes:
        return Check("embeds", None, "none in the page's source; checking its policy for future ones")
    return Check("embeds", True, ", ".join(kinds) or "cards")


# -- Content-Security-Policy -------------------------------------------------------------------------------


class _Load(NamedTuple):
    """A resource that a page loads for an embed, and the directives that decide about it."""

    check: str
    what: str
    chain: tuple[str, ...]
    url: str
    nonce: str = ""


def _loads(page: ParsedPage, settings: Settings) -> Iterator[_Load]:
    yield _Load("frames", "the frames of Getty Images", FRAMES, f"{settings.frame_origin}/embed/1")
    sheets = [url for url in page.styles if _name(url) == STYLES]
    yield _Load("stylesheet", STYLES, STYLESHEETS, (sheets or [_planned(page, settings, STYLES)])[0])
    for script in page.scripts:
        if _is_ours(script.url) or script.url == settings.widget_script:
            yield _Load("scripts", _name(script.url), SCRIPTS, script.url, script.nonce)


def _missing(page: ParsedPage, settings: Settings) -> Iterator[Check]:
    """Check that a page with embeds links the files they need."""
    if "ek" in page.classes and STYLES not in map(_name, page.styles):
        tag = f'<link rel="stylesheet" href="{_planned(page, settings, STYLES)}">'
        yield Check("stylesheet", False, f"The page has embeds, but no link to {STYLES}. Add:", tag)
    if "ek--facade" in page.classes and FACADE_SCRIPT not in [_name(script.url) for script in page.scripts]:
        tag = f'<script defer src="{_planned(page, settings, FACADE_SCRIPT)}"></script>'
        yield Check("scripts", False, f"The page has click-to-load embeds, but no {FACADE_SCRIPT}. Add:", tag)


def _planned(page: ParsedPage, settings: Settings, name: str) -> str:
    return urljoin(page.url, f"{settings.static_url}/{name}")


def _policies(page: ParsedPage, loads: list[_Load]) -> Iterator[Check]:
    """List what each policy blocks, with a whole policy that fixes it, and then what no policy blocks."""
    passing = loads
    for policy in page.policies:
        blocked = [load for load in loads if not is_allowed(policy, load.chain, load.url, page.url, load.nonce)]
        passing = [load for load in passing if load not in blocked]
        lost = _lost(policy)
        line = _fixed(policy, blocked, page).line()
        yield from (_blocked(policy, load, page, line) for load in blocked)
        if lost:
            yield Check(
                "sandbox", False, f"The page is sandboxed without {' '.join(lost)}: {LOST[lost[0]]}. Use:", line
            )
    yield from (Check(load.check, True, f"{load.what} may load") for load in passing)


def _blocked(policy: ContentSecurityPolicy, load: _Load, page: ParsedPage, line: str) -> Check:
    name = policy.deciding(load.chain)
    if _needs_nonce(policy, load):
        detail = f"{name} with 'strict-dynamic' blocks {load.what}: add the page's nonce to its tag."
        return Check(load.check, False, detail)
    return Check(load.check, False, f"{name} blocks {load.what}. Add {_source(load, page)}:", line)


def _fixed(policy: ContentSecurityPolicy, blocked: list[_Load], page: ParsedPage) -> ContentSecurityPolicy:
    for load in blocked:
        if not _needs_nonce(policy, load):
            policy = policy.with_source(load.chain, _source(load, page))
    lost = _lost(policy)
    return policy.with_directive("sandbox", (*policy.directives["sandbox"], *lost)) if lost else policy


def _needs_nonce(policy: ContentSecurityPolicy, load: _Load) -> bool:
    return "'strict-dynamic'" in policy.directives[policy.deciding(load.chain)]


def _lost(policy: ContentSecurityPolicy) -> list[str]:
    """Return the permissions that embeds need and a sandbox lacks, the most important first."""
    tokens = policy.directives.get("sandbox")
    return [] if tokens is None else [token for token in LOST if token not in tokens]


def _source(load: _Load, page: ParsedPage) -> str:
    origin = origin_of(load.url)
    return "'self'" if origin == origin_of(page.url) else origin


def is_allowed(
    policy: ContentSecurityPolicy, chain: tuple[str, ...], url: str, page_url: str, nonce: str = ""
) -> bool:
    """Return whether a policy allows a page to load a URL (CSP Level 3, section 6.7.2)."""
    name = policy.deciding(chain)
    if not name:
        return True
    sources = policy.directives[name]
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    if chain is SCRIPTS and "'strict-dynamic'" in sources:
        return False
    return any(_matches(source.lower(), source, urlsplit(url), urlsplit(page_url)) for source in sources)


def _matches(source: str, written: str, url: SplitResult, page: SplitResult) -> bool:
    if source == "*":
        return url.scheme in PORTS
    if source == "'self'":
        return url.hostname == page.hostname and _port(url) == _port(page)
    if re.fullmatch(r"[a-z][a-z0-9+.-]*:", source):
        return _upgrades(source[:-1], url.scheme)
    match = _SOURCE.fullmatch(source)
    if source.startswith("'") or not match or not _upgrades(match["scheme"] or page.scheme, url.scheme):
        return False
    path = written[match.start("path") :] if match["path"] else ""
    return _is_host(match["host"], url) and _is_port(match["port"], url) and _is_path(path, url)


def _upgrades(scheme: str, actual: str) -> bool:
    return actual == scheme or (scheme, actual) == ("http", "https")


def _is_host(host: str, url: SplitResult) -> bool:
    actual = url.hostname or ""
    return host in ("*", actual) or (host.startswith("*.") and actual.endswith(host[1:]))


def _is_port(port: str | None, url: SplitResult) -> bool:
    return port == "*" or int(port or PORTS.get(url.scheme, 0)) == _port(url)


def _is_path(path: str, url: SplitResult) -> bool:
    return path in ("", "/") or (url.path.startswith(path) if path.endswith("/") else url.path == path)


def _port(url: SplitResult) -> int:
    return url.port or PORTS.get(url.scheme, 0)


def _name(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _is_ours(url: str) -> bool:
    return _name(url) == FACADE_SCRIPT or "/consent/" in urlsplit(url).path


# -- files and isolation -----------------------------------------------------------------------------


def _files(page: ParsedPage, transport: Transport) -> Iterator[Check]:
    """Check that our files linked by the page exist and have the right media type."""
    styles = [url for url in page.styles if _name(url) == STYLES]
    scripts = [script.url for script in page.scripts if _is_ours(script.url)]
    for url in [*dict.fromkeys(styles + scripts)][:MAX_FILES]:
        try:
            response = _fetch(url, transport, MAX_FILE_BYTES)
        except EmbedKitError as error:
            yield Check("files", False, str(error))
            continue
        kind = response.headers.get("content-type", "")
        wanted = next(kind for ending, kind in TYPES.items() if _name(url).endswith(ending))
        if response.status != 200:
            yield Check(
                "files", False, f"{url} returned status {response.status}. Copy it with: embedkit assets DIR"
            )
        elif wanted not in kind:
            yield Check("files", False, f"{url} is served as {kind or 'no type'}, but must be {wanted}.")
        else:
            yield Check("files", True, url)


def _isolation(page: ParsedPage, settings: Settings) -> Check:
    value = page.headers.get(COEP.lower(), "").split(";")[0].strip().lower()
    if value not in ("require-corp", "credentialless"):
        return Check("isolation", True, f"no {COEP} that blocks frames")
    ours = [frame for frame in page.frames if frame.get("src", "").startswith(f"{settings.frame_origin}/")]
    if settings.credentialless and all("credentialless" in frame for frame in ours):
        return Check("isolation", True, f"{COEP} {value}, and frames without credentials")
    fix = "Set EMBEDKIT_CREDENTIALLESS=true and render the page again (Chromium only), or send:"
    return Check("isolation", False, f"{COEP} {value} blocks the frames. {fix}", f"{COEP}: unsafe-none")
