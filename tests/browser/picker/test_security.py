"""The picker with untrusted texts: texts stay texts, URLs stay URLs, and only the service gets the grant.

Every page here has the policy of issue 4, with Trusted Types; ``Desk.close`` fails if it was violated.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.embeds import HOSTILE, tree
from tests.support.picker import (
    Desk,
    ReceivedRequest,
    Reply,
    events,
    problem,
    search,
    settle,
    state,
    tiles,
    wait_until,
)
from tests.support.tools import reference_dir

GRANT = "grant-4f1c9a-of-somebody"
RAN = "window.ran = (window.ran ?? 0) + 1"
# Our own: each would set the flag, break out of its element, or fill in a placeholder.
OURS = (
    f"<script>{RAN}</script>",
    f'<img src="x" onerror="{RAN}">',
    f'"><svg onload="{RAN}">',
    f'</textarea></h3></div><iframe srcdoc="<script>parent.{RAN}</script>"></iframe>',
    f"<embedkit-picker></embedkit-picker><style>@import '//evil.example'</style><b onclick={RAN}>",
    "{who} {title} {n} {query} $& $1 $`",
    '" ] [getty 1] [/getty] \\" <!-- --> ]]> &lt;b&gt; &#60;b&#62;',
)
TEXTS = (*OURS, *(text for text in HOSTILE if text.strip()))
BAD: tuple[Any, ...] = (
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\n\tscript:alert(1)", "\x01javascript:alert(1)"),
    *(
        "data:text/html,<script>alert(1)</script>",
        "data:image/svg+xml,<svg onload=alert(1)/>",
        "vbscript:msgbox(1)",
    ),
    *(
        "file:///etc/passwd",
        "blob:https://evil.example/1",
        "about:blank",
        "view-source:x",
        "http://[",
        "",
        7,
        {},
        None,
    ),
)

# Elements and the names of their attributes, without what a loaded picture or the length of a text changes.
SKELETON = """
  const skeleton = ({localName, attributes, children}) => localName
    + '[' + [...attributes].map(one => one.name).filter(name => !/^(class|style|hidden)$/.test(name)).sort() + ']'
    + '(' + [...children].map(skeleton) + ')';
  const root = document.querySelector('embedkit-picker').shadowRoot;
"""


def opened(desk: Desk, attributes: str = "") -> tuple[Page, list[str]]:
    """A page with alarms, and the URLs that it requests."""
    page = desk.open(attributes)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        f"() => {{ for (const name of ['alert', 'confirm', 'prompt', 'print']) window[name] = () => {{ {RAN}; }} }}"
    )
    return page, asked


def assert_quiet(desk: Desk, page: Page, asked: Sequence[str]) -> None:
    """Nothing ran, the page is the same, and only the service and pictures were requested."""
    assert page.evaluate("window.ran ?? 0") == 0
    assert urlsplit(page.url)._replace(fragment="").geturl().rstrip("/") == desk.site.url
    ours = (f"{desk.site.url}/v1/", f"{desk.site.url}/embed/", f"{desk.site.url}/static/", f"{desk.pictures.url}/")
    assert asked
    assert [url for url in asked if not url.startswith(ours)] == []


def answer(desk: Desk, texts: Sequence[str]) -> None:
    """The search finds one picture for each text, which is in all of its fields."""

    def image(place: int, text: str) -> dict[str, Any]:
        credit = {"line": text, "photographer": text, "collection": text, "agency": text}
        words = dict.fromkeys(("title", "caption", "photographer", "collection", "family", "orientation"), text)
        leads = {"keywords": [text] * 3, "collection_code": text, "event_ids": [7]}
        return desk.service.image(place, **words, **leads, restrictions=[text], credit=credit)

    images = [image(place, text) for place, text in enumerate(texts)]
    body = {"total": len(images), "page": 1, "page_size": 100, "images": images, "related": list(texts[:8])}
    desk.service.search = lambda _: (200, {"Content-Language": "en-US"}, body)


def tree_of(page: Page) -> str:
    found: str = page.evaluate(f"() => {{ {SKELETON} return skeleton(root.querySelector('.picker')); }}")
    return found


def details_of(page: Page) -> list[list[str]]:
    """Return the skeleton of the details of every picture, and its texts."""
    found: list[list[str]] = page.evaluate(f"""() => {{ {SKELETON}
        const side = root.querySelector('.side');
        return [...root.querySelectorAll('.tile')].map(tile => {{
          tile.click();
          const [who, where] = [...side.querySelectorAll('dd')].map(one => one.textContent);
          return [skeleton(side), side.querySelector('h3').textContent, side.querySelector('.caption').textContent, who, where,
            side.querySelector('.stage img').alt, tile.querySelector('.by').textContent];
        }});
    }}""")
    return found


def assert_texts(desk: Desk, texts: Sequence[str]) -> None:
    answer(desk, ["plain"] * len(texts))
    page, asked = opened(desk)
    search(page)
    plain = tree_of(page)
    tiles(page).first.click()
    [(side, *_), *_] = details_of(page)
    answer(desk, texts)
    search(page, "others")
    expect(tiles(page)).to_have_count(len(texts))
    expect(page.locator(".side")).to_be_hidden()
    assert tree_of(page) == plain
    names = tiles(page).evaluate_all("all => all.map(tile => tile.getAttribute('aria-label'))")
    assert names == [f"{text}, photo by {text}" for text in texts]
    assert details_of(page) == [[side] + [text] * 6 for text in texts]
    assert_quiet(desk, page, asked)


# -- texts -------------------------------------------------------------------------------------------------


def test_our_hostile_texts_stay_texts(desk: Desk) -> None:
    assert_texts(desk, TEXTS)


def test_those_of_the_corpus_do_too(desk: Desk) -> None:
    with gzip.open(reference_dir() / "corpora" / "xss.jsonl.gz", "rt", encoding="utf-8") as lines:
        payloads = [text for text in (json.loads(line)["p"] for line in lines) if text.strip()][::60]
    assert len(payloads) > 200
    for start in range(0, len(payloads), 100):
        assert_texts(desk, payloads[start : start + 100])


def test_what_the_service_says_of_an_error_stays_text(desk: Desk) -> None:
    page, asked = opened(desk)
    says = "\n".join(TEXTS)
    desk.service.search = lambda _: problem(400, "invalid-request", detail="plain")
    search(page)
    plain = tree_of(page)
    desk.service.search = lambda _: problem(400, "invalid-request", detail=says)
    search(page, "others")
    expect(page.locator(".panel .detail")).to_have_text(f"The service says: {says}")
    assert tree_of(page) == plain
    assert_quiet(desk, page, asked)


def test_what_is_looked_for_stays_text(desk: Desk) -> None:
    desk.service.total = 0
    page, asked = opened(desk)
    search(page, "plain")
    plain = tree_of(page)
    for text in TEXTS:
        page.evaluate("text => { document.querySelector('embedkit-picker').search(text); }", text)
        settle(page)
        if state(page) == "none" and " " not in text.strip():
            expect(page.locator(".panel h3")).to_have_text(f"Nothing found for “{text}”")
            assert tree_of(page) == plain
        assert page.locator("script, iframe, style, svg [onload], [onerror]").count() == 2  # from the host's head
    assert_quiet(desk, page, asked)


# -- what is handed over -----------------------------------------------------------------------------------


def test_a_choice_holds_the_texts_as_they_came_and_its_shortcode_none_of_their_signs(desk: Desk) -> None:
    answer(desk, [f"{text} x" for text in TEXTS])
    page, asked = opened(desk, "multiple")
    search(page)
    tiles(page).first.focus()
    for key in ("Space", "Control+End", "Shift+Space"):
        page.keyboard.press(key)
    page.keyboard.press("Control+Enter")
    wait_until(page, "heard.some(([name]) => name === 'select')")
    [choice] = events(page, "select")
    assert [one["title"] for one in choice["items"]] == [f"{text} x" for text in TEXTS]
    assert choice["shortcode"].split("\n\n") == [f"[getty {900000 + place}]" for place in range(len(TEXTS))]
    assert_quiet(desk, page, asked)


def test_words_of_an_editor_leave_no_attribute_of_the_shortcode_and_reach_the_preview_encoded(desk: Desk) -> None:
    page, asked = opened(desk)
    search(page)
    tiles(page).first.click()
    page.get_by_role("radio", name="Preview").check()
    for text in OURS:
        page.get_by_label("Alternative text").fill(text)
        page.get_by_label("Caption", exact=True).select_option("own")
        page.get_by_label("Caption text").fill(text)
        written = page.locator(".code").inner_text()
        inside = written.removeprefix('[getty src="900000" caption="').removesuffix('"]')
        assert inside.count('" title="') == 1
        assert not set(inside.replace('" title="', "")) & set("[]<>\"'\\`")
    frame = page.locator("iframe.frame")
    caption = "new URL(root.querySelector('iframe').src).searchParams.get('caption')"
    wait_until(page, f"(() => {{ {SKELETON} return {caption} === {json.dumps(OURS[-1])}; }})()")
    address = urlsplit(frame.get_attribute("src") or "")
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{desk.site.url}/embed/900000"
    assert parse_qs(address.query)["caption"] == [OURS[-1]]
    assert_quiet(desk, page, asked)


def test_what_is_dragged_is_a_link_with_text(desk: Desk) -> None:
    answer(desk, TEXTS)
    page, asked = opened(desk)
    search(page)
    dragged = tiles(page).evaluate_all("""all => all.map(tile => {
        const dataTransfer = new DataTransfer();
        tile.dispatchEvent(new DragEvent('dragstart', { dataTransfer, bubbles: true, composed: true }));
        return ['text/html', 'text/plain', 'text/uri-list'].map(kind => dataTransfer.getData(kind));
    })""")
    for place, (html, plain, address) in enumerate(dragged):
        assert [(one.tag, list(one.attrib)) for one in tree(html).iter()][1:] == [("p", []), ("a", ["href"])]
        assert plain == f"[getty {900000 + place}]"
        assert address == f"https://www.gettyimages.com/detail/{900000 + place}"
    assert_quiet(desk, page, asked)


def test_markup_of_the_service_is_handed_over_and_never_parsed(desk: Desk) -> None:
    html = "".join(TEXTS)
    embedded = desk.service.embedded
    desk.service.embed = lambda ref, target: {**embedded(ref, target), "html": html, "title": html}
    page, asked = opened(desk, "output=html targets=card")
    search(page, "900007")
    expect(page.locator(".side h3")).to_have_text(html)
    page.get_by_label("Display as", exact=True).select_option("card")
    page.get_by_role("radio", name="Preview").check()
    expect(page.locator("pre.markup")).to_have_text(html)
    assert page.locator("pre.markup > *").count() == 0
    page.get_by_role("button", name="Insert", exact=True).click()
    wait_until(page, "heard.some(([name]) => name === 'select')")
    assert events(page, "select")[0]["html"] == html
    assert_quiet(desk, page, [*asked, desk.site.url + "/v1/"])


# -- addresses ---------------------------------------------------------------------------------------------


def addresses(page: Page) -> list[str]:
    """Return all URLs in the shadow tree."""
    found: list[str] = page.evaluate(f"""() => {{ {SKELETON}
        return [...root.querySelectorAll('[src], [href], [srcset], [action], [data], [formaction]')].flatMap(node =>
          ['src', 'href', 'srcset', 'action', 'data', 'formaction'].map(name => node.getAttribute(name)).filter(said => said !== null));
    }}""")
    return found


def test_addresses_that_are_none_are_dropped(desk: Desk) -> None:
    sizes = [{"url": bad, "width": 170, "height": 113} for bad in BAD]
    images = [
        desk.service.image(place, page_url=size["url"], thumb=size, preview=size)
        for place, size in enumerate(sizes)
    ]
    desk.service.search = lambda _: (200, {}, {"total": len(BAD), "page_size": 30, "images": images})
    page, asked = opened(desk, "multiple")
    search(page)
    expect(tiles(page)).to_have_count(len(BAD))
    for place in range(len(BAD)):
        tiles(page).nth(place).press("Enter")
        assert addresses(page) == []
    expect(page.locator(".side h3")).to_be_visible()
    expect(page.get_by_role("link")).to_have_count(0)
    for key in ("Escape", "Space", "Control+Home", "Shift+Space", "Control+Enter"):
        page.keyboard.press(key)
    wait_until(page, "heard.some(([name]) => name === 'select')")
    [choice] = events(page, "select")
    assert [(one["pageUrl"], one["thumb"]) for one in choice["items"]] == [("", None)] * len(BAD)
    assert_quiet(desk, page, asked)


def test_so_are_those_of_a_picture_that_was_pasted(desk: Desk) -> None:
    embedded = desk.service.embedded

    def embed(ref: str, target: str) -> dict[str, Any]:
        bad = BAD[int(ref) - 900000]
        return {**embedded(ref, target), "thumbnail_url": bad, "page_url": bad}

    def known(number: int) -> dict[str, Any]:
        size = {"url": BAD[number], "width": 1, "height": 1}
        return desk.service.image(number, page_url=BAD[number], thumb=size, preview=size)

    desk.service.embed, desk.service.known = embed, known
    page, asked = opened(desk)
    for place in range(len(BAD)):
        search(page, str(900000 + place))
        expect(page.locator(".side h3")).to_have_text(f"Resolved {900000 + place}")
        expect(page.locator(".side dl")).to_contain_text("2018")  # with all fields
        assert addresses(page) == []
    assert_quiet(desk, page, asked)


def test_so_is_that_of_the_documentation(desk: Desk) -> None:
    status, headers, body = problem(401, "unauthorized")
    desk.service.search = lambda asked: (status, headers, {**body, "type": BAD[int(asked["q"].split()[1])]})
    page, asked = opened(desk)
    for place in range(len(BAD)):
        search(page, f"harbour {place}")
        assert state(page) == "key"
        assert addresses(page) == []
    assert_quiet(desk, page, asked)


def test_a_picture_names_one_address_and_no_second(desk: Desk) -> None:
    url = f"{desk.pictures.url}/a.jpg 1w, https://evil.example/b.jpg 4000w, //evil.example/c.jpg"
    size = {"url": url, "width": 170, "height": 113}
    image = desk.service.image(0, thumb=size, preview={**size, "width": 500})
    desk.service.search = lambda _: (200, {}, {"total": 1, "page_size": 30, "images": [image]})
    page, asked = opened(desk)
    search(page)
    page.locator(".tile img.there").wait_for()
    tiles(page).first.click()
    expect(page.locator(".stage img")).to_be_visible()
    assert_quiet(desk, page, asked)


def test_an_id_that_is_none_is_no_picture(desk: Desk) -> None:
    ids: list[Any] = [
        "../../admin",
        "1?x=",
        "1#",
        "<b>",
        "1/2",
        "",
        " 1",
        "1\n",
        "a" * 25,
        "1,2,3,4,5,6",
        None,
        {},
        7,
    ]
    images: list[Any] = [desk.service.image(0, id=one) for one in ids]
    images += [None, desk.service.image(1)]
    desk.service.search = lambda _: (200, {}, {"total": len(images), "page_size": 30, "images": images})
    page, asked = opened(desk)
    search(page)
    expect(tiles(page)).to_have_count(1)
    assert_quiet(desk, page, asked)


# -- who is asked, and who is told -------------------------------------------------------------------------


def who_was_told(asked: Sequence[ReceivedRequest]) -> list[str]:
    """Return the paths of requests that contain the grant anywhere."""
    return [urlsplit(one.path).path for one in asked if GRANT in f"{one.path} {one.headers} {one.body}"]


def test_the_grant_goes_to_what_needs_one_alone_and_as_a_header(desk: Desk) -> None:
    desk.pictures.requests.clear()
    page, asked = opened(desk, f'grant="{GRANT}" multiple')
    search(page)
    page.get_by_role("button", name="Load more").click()
    expect(tiles(page)).to_have_count(60)
    tiles(page).first.click()
    page.get_by_role("radio", name="Preview").check()
    page.get_by_role("button", name="Insert", exact=True).click()
    wait_until(page, "heard.some(([name]) => name === 'select')")
    search(page, "900001")
    found = desk.requests("/v1/search")
    assert len(found) == 2
    assert {one.headers["Authorization"] for one in found} == {f"Bearer {GRANT}"}
    expect(page.locator(".side dl")).to_contain_text("2018")
    told = ["/v1/boards", "/v1/images/900001", *["/v1/search"] * 3]  # one search is for the newest pictures
    assert sorted(who_was_told(desk.site.requests)) == told
    assert desk.pictures.requests
    assert who_was_told(desk.pictures.requests) == []
    assert [
        one for one in desk.pictures.requests if "Authorization" in one.headers or "Cookie" in one.headers
    ] == []
    kept = page.evaluate(
        "JSON.stringify([heard, {...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert "harbour" in kept
    assert GRANT not in kept
    assert_quiet(desk, page, asked)


@pytest.mark.parametrize("status", [302, 307])
def test_a_grant_follows_nobody_elsewhere(desk: Desk, status: int) -> None:
    def elsewhere(_: Any) -> Reply:
        return status, {"Location": f"{desk.pictures.url}/v1/search"}, ""

    desk.service.search = elsewhere
    page, asked = opened(desk, f'grant="{GRANT}"')
    search(page)
    assert state(page) == "server"
    assert [one.path for one in desk.pictures.requests if one.path.startswith("/v1/")] == []
    assert_quiet(desk, page, asked)


def test_a_message_of_a_stranger_changes_nothing(desk: Desk) -> None:
    page, asked = opened(desk)
    search(page)
    tiles(page).first.click()
    page.get_by_role("radio", name="Preview").check()
    frame = page.locator("iframe.frame")
    before = frame.evaluate("frame => frame.style.blockSize")
    page.evaluate(f"""() => {{ {SKELETON}
        const [, secret] = root.querySelector('iframe').src.split('secret=');
        for (const said of [null, 'x', {{ message: 'height', secret, value: 1999 }}]) postMessage(said, '*');
    }}""")
    page.wait_for_timeout(50)
    assert frame.evaluate("frame => frame.style.blockSize") == before
    assert_quiet(desk, page, asked)
