"""Sites with many pages for static site generators, with and without embedkit's plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

FIRST = 600_500_000  # the sandbox has every ID in this range
WORDS = "The harbour was quiet until the last boat came in, and everyone who had waited went down to the quay. "
BODY = "\n\n".join(
    (
        WORDS * 6,
        "## What was seen\n\n" + WORDS * 8,
        "\n".join(f"- {WORDS}" for _ in range(5)),
        "> " + WORDS * 2,
        "```python\nprint('[getty 1]')\n```",
        "## What comes next\n\nSee [the harbour](https://example.org/) and `code`, *as ever*. " + WORDS * 8,
    )
)


def _post(number: int, pictures: int) -> str:
    return f"{WORDS * 4}\n\n[getty {FIRST + number % pictures}]\n\n{BODY}\n"


def mkdocs(folder: Path, pages: int, pictures: int, *, plugin: bool = True) -> None:
    """Write an MkDocs site with the default theme and search."""
    docs = folder / "docs"
    docs.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        name = "index" if number == 0 else f"page-{number:04}"
        (docs / f"{name}.md").write_text(f"# Page {number}\n\n{_post(number, pictures)}", "utf-8")
    plugins = "[search, embedkit]" if plugin else "[search]"
    (folder / "mkdocs.yml").write_text(f"site_name: A site\ntheme: mkdocs\nplugins: {plugins}\n", "utf-8")


def pelican(folder: Path, pages: int, pictures: int, *, plugin: bool = True) -> None:
    """Write a Pelican blog with the default theme and a feed."""
    content = folder / "content"
    content.mkdir(parents=True, exist_ok=True)
    for number in range(pages):
        head = f"Title: Page {number}\nDate: 2026-{number % 12 + 1:02}-{number % 28 + 1:02}\nSlug: page-{number}\n"
        (content / f"{number:04}.md").write_text(f"{head}\n{_post(number, pictures)}", "utf-8")
    plugins = "['embedkit.integrations.pelican']" if plugin else "[]"
    (folder / "pelicanconf.py").write_text(
        "SITENAME = 'A site'\nSITEURL = 'https://example.org'\nPATH = 'content'\nTIMEZONE = 'UTC'\nAUTHOR = 'A'\n"
        "FEED_DOMAIN = SITEURL\nFEED_ALL_ATOM = 'feeds/all.atom.xml'\nFEED_MAX_ITEMS = 20\n"
        f"PLUGINS = {plugins}\n",
        "utf-8",
    )


class Builder(NamedTuple):
    """A site generator: a function that writes a site, the build command, and the output folder."""

    write: Callable[..., None]
    command: Sequence[str]
    output: str
    packages: Sequence[str] = ()


GENERATORS = {
    "MkDocs": Builder(mkdocs, ("-m", "mkdocs", "build", "--quiet"), "site"),
    "Pelican": Builder(pelican, ("-m", "pelican", "-s", "pelicanconf.py"), "output", ("pelican==4.12.0",)),
}


def frames(output: Path) -> int:
    """Return the number of pages that show a picture."""
    return sum("<iframe" in page.read_text("utf-8") for page in output.rglob("*.html"))
