"""The sandbox against Getty's documentation of 2014 to 2018: its curl commands, sent to the sandbox, and its
responses.

Each command, printed response and row of a table is a test. Mistakes in the documents are listed in SLIPS. Counts
and the texts of pictures are not compared.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from embedkit.sandbox import SandboxConfig, SandboxServer
from embedkit.sandbox.services.config import EraName
from tests.support.tools import reference_dir

ERAS: dict[str, EraName] = {"001": "2014", "003": "2014", "004": "2018"}  # 000 and 002 have no commands
KEY, SECRET = "j878g39yx378pa77djthzzpn", "hZJS5A3GJpJvcGhaXwev3kwmq3DgtfcQmEuGbGruQBfsz"
TOKENS = re.compile(r"\{access_token\}|<access_token>|\b123456\b")  # placeholders for the token
UNLIKE = {"date", "content-length", "x-mashery-responder"}  # headers whose values differ with each response
# contradictions in the documents, and the sandbox's behavior
SLIPS = {
    ("001", "/v3/countrie"): (403, "the path lacks its last letter, and the command its key"),
    ("001", "/v3/images/452224426?fields=download_sizes"): (401, "asks without the token that its table asks for"),
    ("003", "/v3/images/83454800?fields=download_sizes"): (401, "asks without the token that its table asks for"),
}
# others have no effect: unclosed quotation marks (001 and 003, three each), an ampersand outside quotation marks (004,
# two), largestDownloads, product-type and /Public/3.0 in an example of 001, //localhost:3000 and a test host in the
# oEmbed example, whose thumbnail sizes are strings although declared as int
EXTRA = {"refresh_token"}  # of the password grant; documented on another page


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None


@dataclass(frozen=True)
class Curl:
    """A command, and the response printed below it, if any."""

    document: str
    method: str
    url: str
    headers: dict[str, str]
    data: str | None
    follow: bool
    printed: Answer | None

    @property
    def target(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}".rstrip("?")


def documents() -> dict[str, str]:
    try:
        folder = reference_dir() / "seeds"
    except pytest.skip.Exception:
        return {}
    return {path.name[:3]: path.read_text("utf-8") for path in sorted(folder.glob("*.txt"))}


def read_curl(document: str, line: str, below: str) -> Curl:
    words = iter(shlex.split(line + '"' * (line.count('"') % 2))[1:])
    method, url, headers, data, follow = "", "", {}, None, False
    for word in words:
        match word:
            case "-H":
                name, _, text = next(words).partition(":")
                headers[name.strip()] = text.strip()
            case "-d":
                data = next(words)
            case "-X":
                method = next(words)
            case "-L":
                follow = True
            case "-o":
                next(words)
            case "-i":
                pass
            case _:
                url = word.strip()
    method = method or ("GET" if data is None else "POST")
    return Curl(document, method, url, headers, data, follow, printed_below(below))


def printed_below(text: str) -> Answer | None:
    """Return the response that a document prints directly after a command."""
    text = re.sub(r"\A[\s`]*(?:Response\s*)?", "", text)
    if text.startswith("HTTP/1.1"):
        return printed(text)
    return Answer(200, body=first_json(text)) if text.startswith("{") else None


def printed(text: str) -> Answer:
    """Parse a status line, headers and body as printed in a document."""
    status, _, rest = text.partition("\n")
    headers: dict[str, str] = {}
    while pair := re.match(r"[ \t]*([A-Z][A-Za-z-]+):[ \t]*([^\n]*)\n", rest):
        headers[pair[1].lower()], rest = pair[2].strip(), rest[pair.end() :]
    body = first_json(rest.lstrip()) if rest.lstrip().startswith("{") else None
    return Answer(int(status.split()[1]), headers, body)


def first_json(text: str) -> Any:
    return json.JSONDecoder().raw_decode(text.replace("[ /* snipped */ ]", "[]"))[0]


def curls() -> Iterator[Curl]:
    for document, text in documents().items():
        for command in re.finditer(r"(?m)^[ \t]*(curl .*)$", text):
            yield read_curl(document, command[1], text[command.end() :])


def blocks(document: str) -> list[Answer]:
    """Return the responses that a document prints without a command."""
    text = documents()[document]
    every = [match.start() for match in re.finditer(r"HTTP/1\.1", text)]
    under = re.compile(r"curl [^\n]*\n\s*\Z")
    return [printed(text[at:]) for at in every if not under.search(text[:at])]


class Reader:
    """Sends a document's commands to a sandbox."""

    def __init__(self, era: EraName, **switches: Any) -> None:
        self.server = SandboxServer(SandboxConfig(era=era, **switches)).start()

    def ask(self, method: str, target: str, headers: dict[str, str] | None = None, data: str | None = None) -> Any:
        parts = urlsplit(self.server.url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            implied = {"Content-Type": "application/x-www-form-urlencoded"} if data is not None else {}
            connection.request(method, target, data, implied | (headers or {}))
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        found = {name.lower(): text for name, text in response.getheaders()}
        is_json = "json" in found.get("content-type", "")
        return Answer(response.status, found, json.loads(body) if is_json else body)

    def token(self, document: str) -> str:
        """Return a token from the token command of a document."""
        reference_dir()  # skips the test if the documents are missing
        command = next(one for one in curls() if one.document == document and "oauth2" in one.url)
        return str(self.ask(command.method, command.target, command.headers, command.data).body["access_token"])

    def type(self, command: Curl) -> Answer:
        needs = TOKENS.search(command.headers.get("Authorization", ""))
        token = self.token(command.document) if needs else ""
        headers = {name: TOKENS.sub(token, text) for name, text in command.headers.items()}
        answer: Answer = self.ask(command.method, command.target, headers, command.data)
        while command.follow and "location" in answer.headers:
            assert answer.status == 302
            parts = urlsplit(answer.headers["location"])
            answer = self.ask("GET", f"{parts.path}?{parts.query}")
        return answer


READERS: dict[tuple[EraName, Any], Reader] = {}


@pytest.fixture(scope="module")
def reader() -> Iterator[Callable[..., Reader]]:
    def make(era: EraName, **switches: Any) -> Reader:
        if switches:
            READERS[era, len(READERS)] = fresh = Reader(era, **switches)
            return fresh
        return READERS.setdefault((era, "plain"), READERS.get((era, "plain")) or Reader(era))

    yield make
    for one in READERS.values():
        one.server.stop()
    READERS.clear()


def assert_shape(documented: Any, answered: Any, where: str = "body") -> None:
    """Assert the same keys and types, recursively; all items of a list must be like the first documented one."""
    assert type(documented) is type(answered), where
    if isinstance(documented, dict):
        assert documented.keys() == answered.keys() - (EXTRA - documented.keys()), where
        for name in documented:
            assert_shape(documented[name], answered[name], f"{where}.{name}")
    if isinstance(documented, list) and documented:
        assert answered, where
        for one in answered:
            assert_shape(documented[0], one, f"{where}[]")


def assert_answer(documented: Answer, answer: Answer) -> None:
    assert answer.status == documented.status
    for name, text in documented.headers.items():
        assert name in answer.headers, name
        assert name in UNLIKE or answer.headers[name] == text, name
    if documented.body is not None:
        assert_shape(documented.body, answer.body)


COMMANDS = [pytest.param(one, id=f"{one.document}-{at}{one.target}") for at, one in enumerate(curls())]


def test_every_command_is_found() -> None:
    reference_dir()
    assert sum(text.count("curl ") for text in documents().values()) == len(COMMANDS) == 33


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command(reader: Callable[..., Reader], command: Curl) -> None:
    answer = reader(ERAS[command.document]).type(command)
    if slip := SLIPS.get((command.document, command.target)):
        assert answer.status == slip[0]
        return
    assert_answer(command.printed or Answer(200), answer)
    if command.follow:
        assert answer.body.startswith(b"\xff\xd8\xff")
    asked = parse_qs(urlsplit(command.url).query)
    if asked.get("fields") == ["id,title"]:
        assert [list(image) for image in answer.body["images"]] == [["id", "title"]]
    if "page_size" in asked:
        assert len(answer.body["images"]) == min(int(asked["page_size"][0]), answer.body["result_count"])
    if "phrase" in asked:
        assert answer.body["images"]
    if command.document == "004" and "Kitties" in command.url:
        assert {"83454804", "103131833"} <= {image["id"] for image in answer.body["images"]}


# -- responses printed without a command ----------------------------------------------------------------


def with_key(**more: str) -> dict[str, str]:
    return {"Api-Key": KEY, **more}


def no_token(reader: Callable[..., Reader], era: EraName) -> Answer:
    return reader(era).ask("POST", "/v3/downloads/83454811", with_key(), "'")


def per_second(reader: Callable[..., Reader], era: EraName) -> Answer:
    fast = reader(era, calls_per_second=1)
    for _ in range(20):
        answer = fast.ask("GET", "/v3/countries", with_key())
        if answer.status != 200:
            break
    return answer


def per_day(reader: Callable[..., Reader], era: EraName) -> Answer:
    spent = reader(era, calls_per_day=1)
    return [spent.ask("GET", "/v3/countries", with_key()) for _ in range(2)][-1]


def misspelled(reader: Callable[..., Reader], era: EraName) -> Answer:
    return reader(era).ask("GET", "/v3/search/images?phrse=books", with_key())


def wrong_key(reader: Callable[..., Reader], era: EraName) -> Answer:
    return reader(era).ask("GET", "/v3/countries", {"Api-Key": "wrong"})


def unknown(reader: Callable[..., Reader], era: EraName) -> Answer:
    return reader(era).ask("GET", "/v3/images/452O76944", with_key())


BLOCKS = [no_token, per_second, per_day, misspelled, wrong_key, unknown, per_second, per_day]


@pytest.mark.parametrize("document", ["001", "003"])
@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_a_documented_error(reader: Callable[..., Reader], document: str, number: int) -> None:
    reference_dir()
    documented = blocks(document)
    assert len(documented) == len(BLOCKS)
    answer = BLOCKS[number](reader, "2014")
    assert_answer(documented[number], answer)
    if documented[number].body:
        assert answer.body == documented[number].body


def test_download_links_in_search_results(reader: Callable[..., Reader]) -> None:
    text = documents()["003"] if reference_dir() else ""
    documented = first_json(text[text.index('[\n    {\n      "id": "3231670"') :])
    one = reader("2014")
    headers = with_key(Authorization=f"Bearer {one.token('003')}")
    answer = one.ask("GET", "/v3/search/images?phrase=3231670&fields=largest_downloads", headers)
    assert_shape(documented, answer.body["images"])
    link = answer.body["images"][0]["largest_downloads"][0]["downloads"][0]["uri"]
    assert urlsplit(link).path == "/v3/downloads/3231670"
    assert one.ask("POST", urlsplit(link).path, headers, "").status == 302  # "A POST to the provided URI …"


def test_a_test_key_downloads_the_static_image(reader: Callable[..., Reader]) -> None:
    one = reader("2018")
    headers = with_key(Authorization=f"Bearer {one.token('003')}")
    found = [
        one.ask("POST", f"/v3/downloads/images/{id}", headers, "").body["uri"] for id in ("83454811", "3231670")
    ]
    assert len({urlsplit(uri).path for uri in found}) == 1
    assert not [uri for uri in found if "83454811" in uri or "3231670" in uri]


SEARCHES = ("/v3/search/images", "/v3/search/images/creative", "/v3/search/images/editorial")
TABLE = [
    (place, name, name == "largest_downloads" or place == "/v3/images")
    for place in (*SEARCHES, "/v3/images")
    for name in ("download_sizes", "downloads", "largest_downloads")
]


@pytest.mark.parametrize(("place", "name", "allowed"), TABLE)
def test_which_sizes_can_be_requested_where(
    reader: Callable[..., Reader], place: str, name: str, allowed: bool
) -> None:
    reference_dir()
    one = reader("2014")
    query = "ids=83454800" if place == "/v3/images" else "phrase=dogs"
    headers = with_key(Authorization=f"Bearer {one.token('001')}")
    answer = one.ask("GET", f"{place}?{query}&fields={name}", headers)
    assert answer.status == (200 if allowed else 400)
    if allowed:
        assert one.ask("GET", f"{place}?{query}&fields={name}", with_key()).status == 401  # "must also provide …"


def test_display_sizes(reader: Callable[..., Reader]) -> None:
    one = reader("2018")
    customer = one.token("004") if reference_dir() else ""
    headers = {"Api-Key": "exampleApiKey", "Authorization": f"Bearer {customer}"}
    areas = []
    for name in ("high_res_comp", "comp", "preview", "thumb"):  # "largest" to "smallest display size"
        answer = one.ask("GET", f"/v3/images/83454800?fields={name}", headers)
        (shown,) = answer.body["images"][0]["display_sizes"]
        assert shown["name"] == name
        drawn = one.ask("GET", "?".join(urlsplit(shown["uri"])[2:4])).body.decode()
        size = re.search(r'width="([0-9]+)" height="([0-9]+)"', drawn)
        assert size
        areas.append(int(size[1]) * int(size[2]))
    assert all(one > other for one, other in pairwise(areas))
    every = one.ask("GET", "/v3/images/83454800?fields=display_set", headers).body["images"][0]["display_sizes"]
    assert {"comp", "preview", "thumb"} == {shown["name"] for shown in every}


def test_default_page_sizes(reader: Callable[..., Reader]) -> None:
    one = reader("2014")
    first, same = (
        one.ask("GET", f"/v3/search/images?phrase={more}", with_key()).body["images"]
        for more in ("", "&page=1&page_size=30")
    )
    assert len(first) == 30
    assert first == same
    for size in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 25, 30, 50, 60, 75, 100, 7, 101):
        answer = one.ask("GET", f"/v3/search/images?phrase=&page_size={size}", with_key())
        assert answer.status == (400 if size in (7, 101) else 200), size


@pytest.mark.parametrize(
    ("path", "documented"), [("/v3/countries", "*"), ("/oauth2/token", None), ("/oauth2/auth", None)]
)
def test_cors_headers(reader: Callable[..., Reader], path: str, documented: str | None) -> None:
    answer = reader("2014").ask("GET", path, with_key())
    assert answer.headers.get("access-control-allow-origin") == documented


# -- oEmbed ----------------------------------------------------------------------------------------------


def test_the_oembed_example(reader: Callable[..., Reader]) -> None:
    text = documents()["003"] if reference_dir() else ""
    asked = re.search(r"http://embed\.gettyimages\.com(/oembed\?url=\S+)", text)
    documented = first_json(text[text.index('{\n        "type": "rich"') :])
    assert asked
    answer = reader("2014").ask("GET", asked[1]).body
    assert list(answer) == list(documented)
    sizes = ("height", "width", "thumbnail_height", "thumbnail_width", "terms_of_use_url", "type", "version")
    assert {name: answer[name] for name in sizes} == {name: documented[name] for name in sizes}
    assert markup(answer["html"]) == markup(documented["html"])


def markup(html: str) -> str:
    """Return markup without the frame's host, token and signature."""
    return re.sub(r'src="//[^/]+/embed/(\d+)\?et=[^&]+&sig=[^"]+"', r'src="\1"', html)


def test_other_formats_are_not_implemented(reader: Callable[..., Reader]) -> None:
    url = quote("http://gty.im/74917285", safe="")
    assert reader("2014").ask("GET", f"/oembed?url={url}&format=xml").status == 501
    assert reader("2014").ask("GET", f"/oembed?url={url}&format=json").status == 200
