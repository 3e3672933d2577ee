"""The editor examples in a real browser, from the picker's button to the published page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, ViewportSize, expect

from tests.support.examples import (
    RULES,
    PageLog,
    pick,
    pick_two,
    running_example,
)

CAPTION = 'Totality, "at last" <b>& [more]'


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


PASTE = """(element, [text, html]) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', text);
    if (html) clipboardData.setData('text/html', html);
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(name="sites", scope="module")
def fixture_sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URLs of the three examples that are small enough to run at the same time."""
    folder = tmp_path_factory.mktemp("examples")
    with ExitStack() as running:
        yield {
            name: running.enter_context(running_example(name, folder))
            for name in ("tinymce", "ckeditor5", "textarea")
        }


@pytest.fixture(name="seen")
def fixture_seen() -> PageLog:
    return PageLog()


@pytest.fixture(name="page")
def fixture_page(browser: Browser, seen: PageLog) -> Iterator[Page]:
    """A page; checks that there were no console errors and no requests to other machines."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield seen.of(context)
    assert seen.errors == []
    assert seen.foreign() == []


def published(page: Page) -> list[str]:
    """Publish the text, and return the IDs of the pictures that readers see."""
    page.get_by_role("button", name="Publish").click()
    page.wait_for_url("**/post")
    frames = page.locator("article figure iframe").all()
    for frame in frames:
        frame.scroll_into_view_if_needed()
        expect(frame.content_frame.locator("img").first).to_be_visible()
    return [re.findall(r"/embed/([\w,-]+)\?", frame.get_attribute("src") or "")[0] for frame in frames]


# -- TinyMCE and CKEditor 5: a picture is a single object, saved as a shortcode -------------------------


class Editor:
    """A common interface to both editors."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        tinymce = name == "tinymce"
        self._editor = (
            "tinymce.activeEditor"
            if tinymce
            else "document.querySelector('.ck-editor__editable').ckeditorInstance"
        )
        self._set, self._get = ("setContent", "getContent") if tinymce else ("setData", "getData")
        frame = page.frame_locator(".tox-edit-area iframe") if tinymce else page
        self.text = frame.locator("body" if tinymce else ".ck-editor__editable")
        self.pictures = self.text.locator("figure.getty:not(.mce-offscreen-selection *)")

    def wait(self) -> None:
        self.page.wait_for_function(
            "() => window.tinymce?.activeEditor?.initialized || document.querySelector('.ck-editor__editable')?.ckeditorInstance"
        )

    def write(self, html: str) -> None:
        self.page.evaluate(f"html => {self._editor}.{self._set}(html)", html)

    @property
    def saved(self) -> str:
        return str(self.page.evaluate(f"{self._editor}.{self._get}()")).replace("\n", "")

    def expect_saved(self, html: str) -> None:
        self.page.wait_for_function(
            f"html => {self._editor}.{self._get}().replaceAll('\\n', '') === html", arg=html, timeout=5000
        )

    def expect_saved_with(self, pattern: str) -> None:
        """Wait until the saved text matches a pattern; TinyMCE pastes asynchronously."""
        self.page.wait_for_function(
            f"pattern => new RegExp(pattern).test({self._editor}.{self._get}().replaceAll('\\n', ''))",
            arg=pattern,
            timeout=5000,
        )

    def forbid_writing(self) -> None:
        how = "mode.set('readonly')" if "tinymce" in self._editor else "enableReadOnlyMode('test')"
        self.page.evaluate(f"{self._editor}.{how}")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def paste(self, text: str, html: str = "") -> None:
        self.text.evaluate(PASTE, [text, html])

    def drag(self, picture: Locator, target: Locator) -> None:
        """Drag with mouse events, since editors rely on them or on the browser's own drag and drop."""
        source, goal = picture.bounding_box(), target.bounding_box()
        assert source
        assert goal
        mouse = self.page.mouse
        mouse.move(source["x"] + source["width"] / 2, source["y"] + 60)
        mouse.down()
        mouse.move(goal["x"] + 30, goal["y"] + goal["height"] / 2, steps=8)
        mouse.move(goal["x"] + 2, goal["y"] + goal["height"] / 2, steps=3)
        mouse.up()


@pytest.fixture(name="editor", params=["tinymce", "ckeditor5"])
def fixture_editor(request: pytest.FixtureRequest, page: Page, sites: dict[str, str]) -> Editor:
    page.goto(sites[request.param])
    editor = Editor(page, request.param)
    editor.wait()
    return editor


ECLIPSE = "[getty 74917285]"
HOSTILE = "&lt;img src=x onerror=alert(1)&gt;"

# Texts that are saved unchanged after loading, with the number of pictures in each.
TEXTS = {
    f"<p>One.</p><p>{ECLIPSE}</p><p>Two.</p>": 1,
    f"<p>{ECLIPSE}</p><p>{ECLIPSE}</p>": 2,
    '<p>[getty src="74917285" width="300" caption="A &amp;#34;b&amp;#34; [c&amp;#93;" align="left"]</p>': 1,
    f'<p>[getty src="74917285" title="{HOSTILE}" caption="{HOSTILE}"]</p>': 1,
    "<p>[getty]74917285[/getty]</p>": 1,
    "<p>[getty 1,2]</p>": 1,
    f"<blockquote><p>{ECLIPSE}</p></blockquote>": 1,
    f"<p>In a sentence {ECLIPSE}.</p>": 0,
    f"<p>{ECLIPSE}<strong>Words</strong></p>": 0,
    f"<p>[{ECLIPSE}]</p>": 0,
    "<p>[getty]</p>": 0,
    f"<p><code>{ECLIPSE}</code></p>": 0,
}


def test_a_loaded_text_is_saved_unchanged(editor: Editor) -> None:
    for html, pictures in TEXTS.items():
        editor.write(html)
        expect(editor.pictures).to_have_count(pictures)
        assert editor.saved == html
    editor.write(f"<pre><code>{ECLIPSE}</code></pre>")
    expect(editor.pictures).to_have_count(0)
    assert re.fullmatch(rf"<pre><code[^>]*>{re.escape(ECLIPSE)}</code></pre>", editor.saved)


def test_a_picture_is_shown_with_its_caption_and_size(editor: Editor) -> None:
    editor.write(f'<p>[getty src="74917285" width="300" caption="{HOSTILE}" align="left"]</p>')
    expect(editor.pictures.locator("img")).to_have_js_property("complete", True)
    expect(editor.pictures.locator("img")).not_to_have_js_property("naturalWidth", 0)
    for text in ("<img src=x onerror=alert(1)>", "/ Getty Images", "300 px wide, left"):
        expect(editor.pictures).to_contain_text(text)
    assert editor.pictures.get_attribute("contenteditable") == "false"
    assert editor.pictures.locator("img").count() == 1


def test_a_withdrawn_picture_is_reported_and_its_shortcode_kept(editor: Editor, seen: PageLog) -> None:
    gone = '<p>[getty src="999999999" caption="Kept"]</p>'
    editor.write(gone)
    expect(editor.pictures.get_by_role("note")).to_contain_text("picture")
    assert editor.saved == gone
    editor.page.route("**/v1/embeds", lambda route: route.abort())
    down = "<p>[getty 600940200]</p>"
    editor.write(down)
    expect(editor.pictures).to_contain_text("can’t be shown at the moment")
    assert editor.saved == down
    editor.page.unroute("**/v1/embeds")
    editor.write(f"<p>One.</p>{down}")
    expect(editor.pictures.locator("img")).to_be_visible()
    assert all("ERR_FAILED" in text for text in seen.errors)
    seen.errors.clear()


def test_a_picture_withdrawn_while_its_document_is_open_is_reported(editor: Editor, seen: PageLog) -> None:
    page, ref = editor.page, "600940001"
    text = f'<p>One.</p><p>[getty src="{ref}" width="300" caption="Ours"]</p><p>Two.</p>'
    page.clock.install()
    page.reload()
    editor.wait()
    editor.write(text)
    expect(editor.pictures.locator("img")).to_be_visible()
    editor.text.locator("p", has_text="One.").click()
    editor.press("End", "x", "Control+z")  # undo reloads the previews
    editor.expect_saved(text)
    source = editor.pictures.locator("img").get_attribute("src") or ""
    sandbox = source.partition("/id/")[0].partition("/xa/")[0]
    assert page.request.delete(f"{sandbox}/_sandbox/assets/{ref}").ok
    service = page.locator("[data-service]").get_attribute("data-service")
    wait_for(lambda: page.request.get(f"{service}/v1/embeds/{ref}").status != 200)
    for _ in ("while it is open", "opened again"):
        page.clock.fast_forward(60_000)
        expect(editor.pictures.get_by_role("note")).to_have_text("This picture is no longer available.")
        expect(editor.pictures.locator("img")).to_have_count(0)
        assert editor.saved == text
        page.reload()
        editor.wait()
        editor.write(text)
    assert seen.errors == []


def test_a_chosen_picture_is_undone_edited_and_published(editor: Editor) -> None:
    page = editor.page
    editor.write("<p>One.</p><p>Two.</p>")
    editor.text.locator("p").first.click()
    editor.press("End")
    page.get_by_role("button", name="Insert a Getty picture").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(editor.pictures).to_contain_text(CAPTION)
    with_picture = editor.saved
    assert re.fullmatch(rf'<p>One\.</p><p>\[getty src="{ref}" [^<]*\]</p><p>Two\.</p>', with_picture)
    page.get_by_role("button", name="Undo").click()
    editor.expect_saved("<p>One.</p><p>Two.</p>")
    page.get_by_role("button", name="Redo").click()
    editor.expect_saved(with_picture)
    expect(editor.pictures).to_contain_text(CAPTION)
    for start in (editor.pictures.dblclick, lambda: (editor.pictures.click(), editor.press("Enter"))):
        start()
        expect(page.get_by_role("textbox", name="Caption text")).to_have_value(CAPTION)
        page.get_by_role("textbox", name="Caption text").fill("Changed")
        page.get_by_role("button", name="Insert", exact=True).click()
        expect(editor.pictures).to_contain_text("Changed")
        editor.press("Delete")  # it is still selected
        expect(editor.pictures).to_have_count(0)
        editor.press("Control+z")
        expect(editor.pictures).to_contain_text("Changed")
        editor.press("Control+z")
        editor.expect_saved(with_picture)
        expect(editor.pictures).to_contain_text(CAPTION)
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)


def test_several_pictures_are_inserted_at_once(editor: Editor) -> None:
    page = editor.page
    editor.write("<p>One.</p>")
    page.get_by_role("button", name="Insert a Getty picture").click()
    pick_two(page, "eclipse")
    expect(editor.pictures).to_have_count(2)
    assert len(set(re.findall(r"<p>\[getty (\w+)", editor.saved))) == 2


def test_read_only_documents_are_not_edited(editor: Editor) -> None:
    text = f"<p>One.</p><p>{ECLIPSE}</p>"
    editor.write(text)
    editor.forbid_writing()
    editor.pictures.dblclick()
    editor.pictures.click()
    editor.press("Enter")
    expect(editor.page.locator("embedkit-picker")).to_have_count(0)
    assert editor.saved == text


# Texts that users paste, all for the same picture.
PASTED = [
    ECLIPSE,
    "https://gty.im/74917285",
    "https://www.gettyimages.com/detail/news-photo/one-on-one-news-photo/74917285",
    "https://www.gettyimages.de/detail/74917285?adppopup=true",
    "<a id='x' class='gie-single' href='http://www.gettyimages.com/detail/74917285'>Embed from Getty Images</a>"
    "<script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};gie(function(){gie.widgets.load("
    "{id:'x',sig:'s=',w:'594px',h:'396px',items:'74917285',caption:false,tld:'com'})});</script>",
]


def test_pasted_references_become_pictures(editor: Editor) -> None:
    for pasted in PASTED:
        editor.write("")
        editor.text.click()
        editor.paste(pasted)
        expect(editor.pictures).to_have_count(1)
        assert re.sub(r"<p>(?:&nbsp;|<br>)?</p>", "", editor.saved) == f"<p>{ECLIPSE}</p>"


def test_pasted_code_and_text_pasted_into_code_stay_unchanged(editor: Editor) -> None:
    editor.write("")
    editor.text.click()
    editor.paste(ECLIPSE, f"<pre><code>{ECLIPSE}</code></pre>")
    editor.expect_saved_with(rf"<code[^>]*>{re.escape(ECLIPSE)}</code>")
    for text in (ECLIPSE, "https://gty.im/74917285"):
        for before, after in (("<pre>", "</pre>"), ("<p>", "</p>")):
            editor.write(f"{before}<code>Code</code>{after}")
            editor.text.locator("code").click()
            editor.press("ArrowLeft")
            editor.paste(text)
            editor.expect_saved_with(rf"{before}<code[^>]*>\w+{re.escape(text)}\w+</code>{after}")
    expect(editor.pictures).to_have_count(0)


def test_all_pictures_of_a_document_are_requested_once_and_together(editor: Editor) -> None:
    asked: list[int] = []

    def answer(route: Route) -> None:
        asked.append(len(route.request.post_data_json["refs"]))
        route.continue_()

    editor.page.route("**/v1/embeds", answer)
    pictures = [f"<p>[getty {600_940_100 + number}]</p>" for number in range(104)]
    for texts, requests in (([*pictures[:3], *pictures[:3]], [3]), (pictures, [3, 100, 1])):
        editor.write("".join(texts))
        expect(editor.pictures.locator("img")).to_have_count(len(texts))
        assert asked == requests


def test_a_picture_is_cut_copied_pasted_deleted_and_dragged(editor: Editor) -> None:
    before = f"<p>One.</p><p>{ECLIPSE}</p><p>Two.</p>"
    editor.write(before)
    expect(editor.pictures.locator("img")).to_be_visible()
    editor.pictures.click()
    editor.press("Control+c")
    editor.text.locator("p", has_text="Two.").click()
    editor.press("End", "Control+v")
    expect(editor.pictures).to_have_count(2)
    assert editor.saved.startswith(before + f"<p>{ECLIPSE}</p>")
    editor.write(before)
    editor.pictures.click()
    editor.press("Delete")
    expect(editor.pictures).to_have_count(0)
    assert ECLIPSE not in editor.saved
    editor.press("Control+z")
    editor.expect_saved(before)
    expect(editor.pictures.locator("img")).to_be_visible()
    editor.drag(editor.pictures, editor.text.locator("p", has_text="One."))
    editor.expect_saved(f"<p>{ECLIPSE}</p><p>One.</p><p>Two.</p>")


def test_pictures_can_be_copied_between_editors(editor: Editor, page: Page, sites: dict[str, str]) -> None:
    text = f"<p><strong>One.</strong></p><p>{ECLIPSE}</p><p><strong>{ECLIPSE}</strong></p><p>Two.</p>"
    editor.write(text)
    editor.text.locator("p", has_text="One.").click()
    editor.press("Control+a", "Control+c")
    other = "ckeditor5" if sites["tinymce"] in page.url else "tinymce"
    page.goto(sites[other])
    target = Editor(page, other)
    target.wait()
    target.write("")
    target.text.click()
    target.press("Control+v")
    expect(target.pictures).to_have_count(1)
    assert text in target.saved


def test_a_styled_paragraph_stays_unchanged_in_tinymce(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["tinymce"])
    editor = Editor(page, "tinymce")
    editor.wait()
    text = f'<p class="intro">{ECLIPSE}</p>'
    editor.write(text)
    assert editor.saved == text


def test_links_that_ckeditor5_saved_before_become_pictures(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["ckeditor5"])
    editor = Editor(page, "ckeditor5")
    editor.wait()
    editor.write('<figure class="media"><oembed url="https://gty.im/74917285"></oembed></figure>')
    assert editor.saved == f"<p>{ECLIPSE}</p>"


# -- a textarea, a contenteditable ---------------------------------------------------------------------


def test_textarea(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["textarea"])
    intro = page.get_by_label("Introduction")
    intro.fill("One.\n\nTwo.")
    intro.evaluate("field => field.setSelectionRange(4, 4)")
    page.get_by_role("button", name="Picture into the introduction").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(intro).to_have_value(re.compile(rf'^One\.\n\n\[getty src="{ref}" [^\n]*\]\n\nTwo\.$'))
    expect(intro).to_be_focused()
    page.keyboard.press("Control+z")
    expect(intro).to_have_value("One.\n\nTwo.")
    page.keyboard.press("Control+Shift+z")
    page.locator("#story").evaluate("story => story.textContent = 'Three.'")
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)
    expect(page.locator("article p")).to_have_text(["One.", "Two."])


def test_contenteditable(page: Page, sites: dict[str, str]) -> None:
    page.goto(sites["textarea"])
    page.get_by_label("Introduction").fill("")
    story = page.get_by_role("textbox", name="Story")
    story.evaluate("story => story.innerHTML = '<p>One.</p><p>Two.</p>'")
    story.locator("p").first.click()
    page.get_by_role("button", name="Picture into the story").click()
    ref = pick(page, "eclipse", caption=CAPTION)
    expect(story.locator("p")).to_have_text(["One.", re.compile(rf'^\[getty src="{ref}" .*\]$'), "Two."])
    expect(story).to_be_focused()
    page.keyboard.press("Control+z")
    expect(story.locator("p")).to_have_text(["One.", "Two."])
    page.keyboard.press("Control+Shift+z")
    assert published(page) == [ref]
    expect(page.locator("article figcaption")).to_contain_text(CAPTION)


@pytest.mark.parametrize("field", ["introduction", "story"])
def test_nothing_is_inserted_if_nothing_was_chosen(page: Page, sites: dict[str, str], field: str) -> None:
    page.goto(sites["textarea"])
    page.get_by_label("Introduction").fill("One.")
    page.locator("#story").evaluate("story => story.innerHTML = '<p>Two.</p>'")
    page.get_by_role("button", name=f"Picture into the {field}").click()
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("searchbox")).to_have_count(0)
    expect(page.get_by_label("Introduction")).to_have_value("One.")
    expect(page.locator("#story")).to_have_text("Two.")


# -- all editors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tinymce", "ckeditor5", "textarea"])
def test_the_browser_gets_a_grant_and_only_the_own_origin_can_save(
    page: Page, sites: dict[str, str], name: str
) -> None:
    page.goto(sites[name])
    grant = page.locator("[data-grant]").get_attribute("data-grant") or ""
    service = page.locator("[data-service]").get_attribute("data-service") or ""
    asked = {"headers": {"Authorization": f"Bearer {grant}"}}
    assert page.request.get(f"{service}/v1/search?q=eclipse", **asked).status == 200
    assert page.request.post(f"{service}/v1/grants", **asked).status == 403
    foreign = {"Origin": "https://evil.example"}
    assert (
        page.request.post(f"{sites[name]}/save", headers=foreign, form={"title": "x", "body": "x"}).status == 403
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_editors_pages_are_accessible_and_fit_the_screen(
    browser: Browser, sites: dict[str, str], scheme: Literal["light", "dark"]
) -> None:
    narrow: ViewportSize = {"width": 320, "height": 700}
    with browser.new_context(viewport=narrow, color_scheme=scheme, bypass_csp=True) as context:  # axe adds styles
        page = context.new_page()
        for path in ("/", "/post"):
            page.goto(sites["textarea"] + path)
            found = Axe().run(page, options={"runOnly": RULES, "iframes": False}).response["violations"]
            assert [(one["id"], [node["target"] for node in one["nodes"]]) for one in found] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
