"""Run the editor examples with the command in their README and the real editor from npm, and use their picker."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page

from tests.support.tools import INSTALLED, ROOT, need

EXAMPLES = ROOT / "examples"
EDITORS = ("tinymce", "ckeditor5", "textarea", "django")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def readme_command(name: str) -> list[str]:
    """Return the command in an example's README that follows the setup of the environment, as a list."""
    line = re.findall(r"^```sh\n(.*)\n```$", EXAMPLES.joinpath(name, "README.md").read_text("utf-8"), re.M)[0]
    python, path = line.rpartition(" && ")[2].split(" ")
    assert python == ".venv/bin/python"
    return [sys.executable, path]


@contextmanager
def running_example(name: str, folder: Path, *packages: Path) -> Iterator[str]:
    """Run an example and yield its URL, without the trailing slash.

    :param folder: the folder for its temporary files and its log.
    :param packages: folders with additional Python packages.
    """
    options = ["--port", "0", "--packages", str(npm_packages(name))]
    path = os.pathsep.join(map(str, (ROOT, *packages)))  # embedkit may be installed from elsewhere
    with (
        folder.joinpath("log").open("w") as log,
        subprocess.Popen(
            [*readme_command(name), *options],
            cwd=EXAMPLES.parent,
            env=os.environ | {"TMPDIR": str(folder), "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        line = process.stdout.readline() if process.stdout else ""
        url = re.search(r"http://[0-9.:]+", line)
        try:
            assert url, folder.joinpath("log").read_text()
            yield url[0]
        finally:
            process.terminate()
            process.communicate(timeout=20)


def npm_packages(name: str) -> Path:
    """Return the folder with an example's npm packages, outside the working tree, installed once per version."""
    manifest = EXAMPLES / name / "package.json"
    if not manifest.exists():
        return EXAMPLES / name
    need("npm")
    lock = manifest.with_name("package-lock.json")
    version = hashlib.sha256(manifest.read_bytes() + lock.read_bytes()).hexdigest()[:12]
    folder = INSTALLED / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in (manifest, lock):
        shutil.copy(file, folder)
    code = "from newsroom.packages import Packages; from pathlib import Path; import sys; Packages(Path(sys.argv[1])).install()"
    with folder.joinpath("lock").open("w") as held:  # another worker may be installing it
        fcntl.flock(held, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", code, str(folder)], cwd=EXAMPLES, check=True)
    return folder


@dataclass
class PageLog:
    """Records the errors in a page's console and the URLs it requests."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def of(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        return page

    def foreign(self) -> list[str]:
        """Return the requests to other machines."""
        return [url for url in self.requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]


BOX = "input[enterkeyhint=search]"  # not the one on the page without scripts


def _search(picker: Page | FrameLocator | Locator, query: str) -> Locator:
    """Search and return the results."""
    box = picker.locator(BOX)
    box.fill(query)
    box.press("Enter")  # without waiting: results of an earlier search may still be shown
    picker.locator(".picker:not([data-busy])").wait_for()
    return picker.get_by_role("listbox", name="Pictures").get_by_role("option")


def pick_two(picker: Page | FrameLocator, query: str) -> None:
    """Search, select the second result and then the first by their check marks, and insert both."""
    found = _search(picker, query)
    for number in (1, 0):
        found.nth(number).locator(".mark").click()
    picker.get_by_role("button", name="Insert 2 pictures").click()


def pick(
    picker: Page | FrameLocator | Locator,
    query: str,
    *,
    number: int = 0,
    caption: str = "",
    side: str = "",
    width: str = "",
) -> str:
    """Search, choose a picture and insert it, as a user would; return its ID.

    :param number: the index of the result, from 0.
    :param caption: a custom caption.
    :param side: the label of the radio button for the alignment.
    :param width: the width in pixels.
    """
    opener = picker.get_by_role("button", name=re.compile("^(?:Choose a picture|Change)$"))
    opener.or_(picker.locator(BOX).filter(visible=True)).first.wait_for()  # the script may not have run yet
    if opener.count():  # a form field, which opens the picker in a dialog
        opener.click()
    _search(picker, query).nth(number).click()
    if caption:
        picker.get_by_role("combobox", name="Caption").select_option("Custom")
        picker.get_by_role("textbox", name="Caption text").fill(caption)
    if side:
        picker.get_by_label(side).check()
    if width:
        picker.get_by_label("Width in pixels").fill(width)
    ref = re.findall(r"\[getty (?:src=\")?(\w+)", picker.get_by_role("textbox", name="Shortcode").inner_text())[0]
    picker.get_by_role("button", name=re.compile("^(?:Insert|Use this picture)$")).click()
    return str(ref)
