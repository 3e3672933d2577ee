"""Use WordPress's admin with a browser: log in, open a post in an editor, choose a picture."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.support.examples import pick
from tests.support.wordpress import WordPress

UPLOAD = re.compile(r"/wp/v2/media|async-upload\.php")


def log_in(page: Page, site: WordPress, name: str, password: str) -> None:
    """Log in without the form, whose script moves the focus while a test fills it in."""
    form = {"log": name, "pwd": password}
    answer = page.request.post(f"{site.url}/wp-login.php", form=form, max_redirects=0)
    assert answer.status == 302, answer.text()


def edit(page: Page, blog: WordPress, post: int) -> Page:
    page.goto(f"{blog.url}/wp-admin/post.php?post={post}&action=edit")
    return page


def picker(page: Page) -> FrameLocator:
    return page.frame_locator(".embedkit-dialog iframe")


def choose(page: Page, query: str, caption: str = "", side: str = "", width: str = "") -> str:
    """Choose a picture in the picker, wait until it closes, and return the picture's ID."""
    ref = pick(picker(page), query, caption=caption, side=side, width=width)
    expect(page.locator(".embedkit-dialog")).to_have_count(0)
    return ref


@dataclass
class BlockEditor:
    """A post in the block editor.

    :param is_newest: whether to use the editor from npm, whose canvas is always a frame, instead of the site's
        own.
    """

    page: Page
    blog: WordPress
    is_newest: bool
    complaints: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.is_newest:
            self.page.context.add_cookies([{"name": "newest", "value": "1", "url": self.blog.url}])
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self._hear(message.text))
        self.page.on(
            "response", lambda answer: self._hear(f"Error: {answer.url}") if answer.status == 400 else None
        )
        self.page.on("request", lambda request: self._see(request.method, request.url))

    def _hear(self, text: str) -> None:
        if re.search("deprecated|Error: |Warning: ", text):
            self.complaints.append(text)

    def _see(self, method: str, url: str) -> None:
        if method == "POST" and UPLOAD.search(url):
            self.uploads.append(url)

    @property
    def canvas(self) -> Page | FrameLocator:
        return self.page.frame_locator("iframe[name=editor-canvas]") if self.is_newest else self.page

    def open(self, content: str, user: int = 1) -> int:
        """Create a post, open it in the editor and return its ID."""
        post = self.blog.publish(content, user)
        edit(self.page, self.blog, post)
        return post

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def tool(self, name: str) -> Locator:
        """Return a button in the toolbar of the selected block."""
        return self.page.get_by_role("toolbar", name="Block tools").get_by_role("button", name=name)

    def setting(self, name: str) -> Locator:
        """Return a button in the sidebar of the selected block."""
        return self.page.get_by_role("region", name="Editor settings").get_by_role("button", name=name)

    def paste(self, text: str) -> None:
        """Paste a text from the clipboard."""
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.blog.url)
        self.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        self.page.keyboard.press("Control+v")

    def write_below(self, text: str) -> None:
        """Start a paragraph below the one with this text."""
        self.canvas.get_by_text(text).click()
        for key in ("End", "Enter"):
            self.page.keyboard.press(key)

    def shown(self, frame: Locator) -> Locator:
        """Return the picture in Getty's frame, inside a block's frame."""
        return frame.content_frame.locator("iframe").content_frame.locator("img").first

    def content(self) -> str:
        """Return the text as it would be saved now."""
        return str(self.page.evaluate("wp.data.select('core/editor').getEditedPostContent()"))

    def expect_urls(self, *refs: str) -> None:
        """Wait until the text has exactly these embeds."""
        urls = [f"https://gty.im/{ref}" for ref in refs]
        code = "urls => JSON.stringify(wp.data.select('core/block-editor').getBlocks().flatMap(b => b.attributes.url ?? [])) === urls"
        self.page.wait_for_function(code, arg=json.dumps(urls, separators=(",", ":")))

    def save(self) -> None:
        self.page.evaluate("wp.data.dispatch('core/editor').savePost()")  # resolves when it is saved
