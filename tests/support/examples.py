"""The editor examples as a person starts them: by the command of their README, with the real editor from npm."""

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
    """What the README says after the environment is made, as words."""
    line = re.findall(r"^```sh\n(.*)\n```$", EXAMPLES.joinpath(name, "README.md").read_text("utf-8"), re.M)[0]
    python, path = line.rpartition(" && ")[2].split(" ")
    assert python == ".venv/bin/python"
    return [sys.executable, path]


@contextmanager
def running_example(name: str, folder: Path, *packages: Path) -> Iterator[str]:
    """The address of an example that runs, without its slash at the end.

    :param folder: for its temporary files and its log.
    :param packages: folders with more packages for Python.
    """
    options = ["--port", "0", "--packages", str(npm_packages(name))]
    path = os.pathsep.join(map(str, (ROOT, *packages)))  # ours may be installed from elsewhere
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
        said = process.stdout.readline() if process.stdout else ""
        address = re.search(r"http://[0-9.:]+", said)
        try:
            assert address, folder.joinpath("log").read_text()
            yield address[0]
        finally:
            process.terminate()
            process.communicate(timeout=20)


def npm_packages(name: str) -> Path:
    """What an example needs from npm, outside of the tree: installed once for every version asked for."""
    wanted = EXAMPLES / name / "package.json"
    if not wanted.exists():
        return EXAMPLES / name
    need("npm")
    lock = wanted.with_name("package-lock.json")
    version = hashlib.sha256(wanted.read_bytes() + lock.read_bytes()).hexdigest()[:12]
    folder = INSTALLED / f"{name}-{version}"
    folder.mkdir(parents=True, exist_ok=True)
    for file in (wanted, lock):
        shutil.copy(file, folder)
    code = "from newsroom.packages import Packages; from pathlib import Path; import sys; Packages(Path(sys.argv[1])).install()"
    with folder.joinpath("lock").open("w") as turn:  # another worker may need it at this moment, too
        fcntl.flock(turn, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-c", code, str(folder)], cwd=EXAMPLES, check=True)
    return folder


@dataclass
class PageLog:
    """What a page complained of, and where it asked for things."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def of(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        return page

    def foreign(self) -> list[str]:
        """What was asked of other machines than this."""
        return [url for url in self.requests if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]


BOX = "input[enterkeyhint=search]"  # not that of the page without scripts


def _search(picker: Page | FrameLocator | Locator, query: str) -> Locator:
    """What the picker finds."""
    box = picker.locator(BOX)
    box.fill(query)
    box.press("Enter")  # at once: what an earlier search of the session found may still be there
    picker.locator(".picker:not([data-busy])").wait_for()
    return picker.get_by_role("listbox", name="Pictures").get_by_role("option")


def pick_two(picker: Page | FrameLocator, query: str) -> None:
    """Search, choose the second result and then the first by their check marks, insert both."""
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
    """Search, choose, insert, as a person would; the id of the picture.

    :param number: which of the results, from 0.
    :param caption: words of one's own below the picture.
    :param side: the name of its radio button.
    :param width: in pixels.
    """
    opener = picker.get_by_role("button", name=re.compile("^(?:Choose a picture|Change)$"))
    opener.or_(picker.locator(BOX).filter(visible=True)).first.wait_for()  # its script may not have run yet
    if opener.count():  # of a field, which opens a dialog
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
