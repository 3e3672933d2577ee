"""WordPress's block editor in Chromium: the version in Debian, and the newest one on npm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from embedkit.sandbox import SandboxServer
from tests.support.examples import pick_two
from tests.support.picker import hold_requests
from tests.support.wordpress import PASTED, WordPress, add_newest_editor
from tests.support.wordpress_admin import BlockEditor, choose, log_in, picker

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wordpress")]  # one WordPress per test run

NEWEST = Path(__file__).parent / "block_editor"
EMBED = re.compile(r"<!-- wp:embed (\{.*?\}) -->")
SHORTCODE = "<!-- wp:shortcode -->\n[getty 74917285 width=300]\n<!-- /wp:shortcode -->"
PARAGRAPH = "<!-- wp:paragraph -->\n<p>Words.</p>\n<!-- /wp:paragraph -->"
GROUP = f'<!-- wp:group -->\n<div class="wp-block-group">{PARAGRAPH}</div>\n<!-- /wp:group -->'
CODE = '<!-- wp:code -->\n<pre class="wp-block-code"><code>x</code></pre>\n<!-- /wp:code -->'
GONE = "This picture is no longer available."


@pytest.fixture(name="newest", scope="module")
def fixture_newest(site: WordPress) -> None:
    add_newest_editor(site, NEWEST)


@pytest.fixture(name="editor", params=["debian", "newest"])
def fixture_editor(request: pytest.FixtureRequest, admin: Page, blog: WordPress) -> Iterator[BlockEditor]:
    """An editor; checks that there were no errors in the console and no uploads to the Media Library."""
    is_newest = request.param == "newest"
    if is_newest:
        request.getfixturevalue("newest")
    editor = BlockEditor(admin, blog, is_newest)
    yield editor
    assert editor.complaints == []
    assert editor.uploads == []
    assert blog.php("echo wp_count_posts('attachment')->inherit;") == "0"


def embed_of(ref: str, **more: str) -> str:
    attributes = {"url": f"https://gty.im/{ref}", "type": "rich", "providerNameSlug": "getty-images", **more}
    return (
        f"<!-- wp:embed {json.dumps(attributes, separators=(',', ':'))} -->\n"
        '<figure class="wp-block-embed is-type-rich is-provider-getty-images wp-block-embed-getty-images">'
        f'<div class="wp-block-embed__wrapper">\nhttps://gty.im/{ref}\n</div></figure>\n<!-- /wp:embed -->'
    )


def test_the_slash_menu_opens_the_picker_and_inserts_the_picture(editor: BlockEditor) -> None:
    post, page = editor.open(PARAGRAPH), editor.page
    editor.write_below("Words.")
    page.keyboard.type("/getty")
    page.get_by_role("option", name="Getty Images picture").click()
    refs = several(page)
    expect(editor.shown(editor.canvas.locator(".wp-block-embed iframe").first)).to_be_visible()
    editor.save()
    assert editor.blog.saved(post) == "\n\n".join([PARAGRAPH, *map(embed_of, refs)])
    assert all(f"/embed/{ref}?" in editor.blog.read(post) for ref in refs)


def test_the_sidebar_inserts_and_the_toolbar_replaces(editor: BlockEditor) -> None:
    post, page = editor.open(PARAGRAPH), editor.page
    editor.canvas.get_by_text("Words.").click()
    editor.button("Getty Images").click()
    editor.button("Choose a picture").click()
    choose(page, "harbour", caption='Ours <b> & "theirs"')
    expect(editor.canvas.locator("figcaption")).to_have_text('Ours <b> & "theirs"')
    editor.tool("Choose a picture").click()
    ref = choose(page, "eclipse")
    editor.expect_urls(ref)
    editor.save()
    assert editor.blog.saved(post).startswith(PARAGRAPH)
    assert [json.loads(found)["url"] for found in EMBED.findall(editor.blog.saved(post))] == [
        f"https://gty.im/{ref}"
    ]


def test_several_pictures_are_inserted_undone_and_copied(editor: BlockEditor) -> None:
    start = PARAGRAPH.replace("Words", "First")
    editor.open(f"{start}\n\n{PARAGRAPH}\n\n{CODE}")
    page = editor.page
    editor.canvas.get_by_text("Words.").click()
    editor.button("Getty Images").click()
    editor.button("Choose a picture").click()
    refs = several(page)
    editor.expect_urls(*refs)
    editor.button("Undo").click()
    editor.expect_urls()
    editor.button("Redo").click()
    editor.expect_urls(*refs)
    editor.canvas.locator(".wp-block-embed").first.click()
    page.keyboard.press("Control+c")
    editor.canvas.get_by_text("First.").click()
    for key in ("End", "Enter", "Control+v"):
        page.keyboard.press(key)
    editor.expect_urls(refs[0], *refs)
    expect(editor.canvas.locator(".wp-block-embed iframe")).to_have_count(3)
    assert editor.content() == "\n\n".join([start, embed_of(refs[0]), PARAGRAPH, *map(embed_of, refs), CODE])


def several(page: Page) -> list[str]:
    """Choose two pictures at once, and return their IDs."""
    pick_two(picker(page), "eclipse")
    expect(page.locator(".embedkit-dialog")).to_have_count(0)
    found = page.evaluate("wp.data.select('core/block-editor').getBlocks().flatMap(b => b.attributes.url ?? [])")
    assert len(set(found)) == 2
    return [url.rpartition("/")[2] for url in found]


def test_a_block_has_the_chosen_options_before_its_preview_arrives(editor: BlockEditor) -> None:
    """It has the chosen options: an embed block can only store the alignment, so the others need a shortcode."""
    editor.page.route(re.compile("/oembed/1.0/proxy"), lambda route: route.abort())
    editor.open(PARAGRAPH)
    editor.write_below("Words.")
    editor.button("Getty Images").click()
    editor.button("Choose a picture").click()
    ref = choose(editor.page, "eclipse", side="Left")
    editor.expect_urls(ref)
    aligned = embed_of(ref, align="left").replace('"wp-block-embed is', '"wp-block-embed alignleft is')
    assert editor.content() == f"{PARAGRAPH}\n\n{aligned}"
    editor.tool("Choose a picture").click()
    assert choose(editor.page, "eclipse", width="320") == ref
    editor.expect_urls()
    assert f'[getty src="{ref}" width="320" align="left"]' in editor.content()
    editor.write_below("Words.")
    editor.paste("https://gty.im/74917285")
    editor.expect_urls("74917285")
    if editor.is_newest:  # the older editor waits for the preview
        assert embed_of("74917285") in editor.content()


def test_nothing_is_inserted_if_nothing_was_chosen(editor: BlockEditor) -> None:
    editor.open(SHORTCODE)
    expect(editor.shown(editor.canvas.locator(".embedkit-picture iframe"))).to_be_visible()
    editor.button("Getty Images").click()
    editor.button("Choose a picture").click()
    expect(picker(editor.page).locator("input[enterkeyhint=search]")).to_be_visible()
    editor.button("Close").click()
    expect(editor.page.locator(".embedkit-dialog")).to_have_count(0)
    assert editor.content() == SHORTCODE


def test_a_shortcode_block_shows_its_picture_until_it_is_selected(editor: BlockEditor) -> None:
    post, page = editor.open(f"{PARAGRAPH}\n\n{SHORTCODE}"), editor.page
    picture, words = (
        editor.canvas.locator(".embedkit-picture iframe"),
        editor.canvas.get_by_label("Shortcode text"),
    )
    expect(editor.shown(picture)).to_have_js_property("clientWidth", 300)
    expect(words).to_have_count(0)
    picture.click(force=True)  # clicks the overlay that covers it
    expect(words).to_have_value("[getty 74917285 width=300]")
    words.click()
    page.keyboard.press("End")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("5]")
    expect(editor.shown(picture)).to_have_js_property("clientWidth", 305)
    editor.save()
    assert editor.blog.saved(post) == f"{PARAGRAPH}\n\n{SHORTCODE}".replace("300", "305")
    editor.setting("Choose a picture").click()
    editor.expect_urls(choose(page, "eclipse"))


def test_a_picture_that_can_not_be_shown_is_replaced_by_text(editor: BlockEditor, getty: SandboxServer) -> None:
    ref = {False: "600940001", True: "600940002"}[editor.is_newest]
    assert requests.delete(f"{getty.url}/_sandbox/assets/{ref}", timeout=60).ok
    gone = f"<!-- wp:shortcode -->\n[getty {ref}]\n<!-- /wp:shortcode -->\n\n{embed_of(ref)}"
    editor.open(gone)
    expect(editor.canvas.locator(".embedkit-picture iframe").content_frame.get_by_text(GONE)).to_be_visible()
    expect(editor.canvas.locator(".wp-block-embed").first).to_contain_text("could not be embedded")
    expect(editor.canvas.locator(".wp-block-embed iframe")).to_have_count(0)
    assert editor.content() == gone
    editor.page.route(re.compile("/embedkit/v1/preview"), lambda route: route.abort())
    editor.page.reload()
    expect(editor.canvas.get_by_label("Shortcode text")).to_have_value(f"[getty {ref}]")
    expect(editor.canvas.locator(".embedkit-picture")).to_have_count(0)
    assert editor.content() == gone


def test_pasted_embed_code_and_links_become_pictures(editor: BlockEditor, browser: Browser) -> None:
    author, blog = editor.blog.author(), editor.blog
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, blog, blog.php(f"echo get_userdata({author})->user_login;"), "author")
        blog.silence_guide(author)
        theirs = BlockEditor(page, blog, editor.is_newest)
        post = theirs.open(f"{GROUP}\n\n{CODE}", author)
        theirs.canvas.get_by_text("Words.").click()
        theirs.paste(PASTED)
        expect(theirs.shown(theirs.canvas.locator(".embedkit-picture iframe"))).to_be_visible()
        code = theirs.canvas.locator(".wp-block-code code")
        code.click()
        theirs.paste(PASTED)
        expect(code).to_contain_text("gie-single")
        theirs.write_below("Words.")
        theirs.paste("https://gty.im/74917285")
        expect(theirs.shown(theirs.canvas.locator(".wp-block-embed iframe"))).to_be_visible()
        theirs.save()
    first, link, shortcode, code_saved = blog.saved(post).split("\n\n")
    assert (first, link) == (GROUP.partition("</div>")[0], embed_of("74917285"))
    assert '[getty src="74917285" width="462" height="370"' in shortcode
    assert "&lt;script" in code_saved
    assert theirs.complaints + theirs.uploads == []


@pytest.mark.parametrize("below", [False, True], ids=["an empty paragraph", "behind words"])
def test_a_pasted_picture_is_inserted_where_it_was_pasted(editor: BlockEditor, below: bool) -> None:
    page = editor.page
    editor.open(f"{PARAGRAPH}\n\n{PARAGRAPH.replace('Words', 'Others')}")
    editor.canvas.get_by_text("Words.").click() if below else editor.write_below("Words.")
    with hold_requests(page, re.compile("/embedkit/v1/convert")):
        with page.expect_request(re.compile("/embedkit/v1/convert")):
            editor.paste(PASTED)
        editor.canvas.get_by_text("Others.").click()
        page.keyboard.press("End")
        page.keyboard.type(" And")
    expect(editor.canvas.locator(".embedkit-picture iframe")).to_be_visible()
    page.keyboard.type(" more.")
    blocks = page.evaluate("wp.data.select('core/block-editor').getBlocks().map(block => block.name)")
    assert blocks == ["core/paragraph", "core/shortcode", "core/paragraph"]
    assert "<p>Others. And more.</p>" in editor.content()


def test_a_featured_picture_is_a_field_of_the_post(editor: BlockEditor) -> None:
    post, page = editor.open(PARAGRAPH), editor.page
    if not editor.is_newest:
        page.evaluate("wp.data.dispatch('core/edit-post').openGeneralSidebar('edit-post/document')")
        editor.button("Featured image").click()
    editor.button("Choose a Getty picture").click()
    ref = choose(page, "eclipse")
    expect(editor.shown(page.locator(".embedkit-featured iframe"))).to_be_visible()
    editor.save()
    assert f"/embed/{ref}?" in editor.blog.read(post)
    editor.button("Remove the Getty picture").click()
    expect(page.locator(".embedkit-featured iframe")).to_have_count(0)
    editor.save()
    assert f"/embed/{ref}?" not in editor.blog.read(post)
