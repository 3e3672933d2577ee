"""Rendered documents with hostile picture texts, processed by real Markdown processors and template engines."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import jinja2
import pytest

from embedkit import EmbedKit, Settings, Shelf
from embedkit.rendering.renderer import _one_line
from embedkit.sandbox import SandboxTransport
from embedkit.targets import ROWS, Input, Target
from tests.support.processors import (
    HTML,
    ID,
    MARKDOWN,
    NODE,
    PLAIN,
    PROCESSORS,
    TARGETS,
    Author,
    Page,
    expected,
    page,
    texts,
)
from tests.support.tools import need, node_packages

COUNT = 100
IN_NODE = 25  # texts, each for three processors and three template engines, most of whose time is start-up
MARKDOWN_IN_NODE, TEMPLATES_IN_NODE = ("remark", "MDX", "markdown-it"), ("nunjucks", "Liquid", "Mustache")
# MDX is a separate language, in which unclosed tags that are valid in HTML (br, input) are always errors.
FOR_MDX: tuple[Target, ...] = ("web", "card", "markdown", "text")
AUTHOR = Author()
ADDRESS = re.compile(r"[\w.+-]@[\w-]+\.")

Case = tuple[str, str, Input, Target]
"""A text, the name of a document, its format, and a target."""


def cases(count: int, seed: int = 1) -> Iterator[Case]:
    """Yield every text in every document, alternating between the targets."""
    for number, text in enumerate(texts(count, seed=seed)):
        for place, kind in enumerate(MARKDOWN):
            yield text, kind, "markdown", TARGETS[(number + place) % len(TARGETS)]


@lru_cache(maxsize=4096)
def document(case: Case) -> str:
    text, kind, input, target = case
    return AUTHOR.document((MARKDOWN if input == "markdown" else HTML)[kind], text, input, target)


@lru_cache(maxsize=1024)
def plain(name: str, kind: str, input: Input, target: Target) -> Page:
    return page(PROCESSORS[name](document((PLAIN, kind, input, target))))


def same(found: Page, wanted: Page, case: Case) -> bool:
    """Return whether the page is as expected, so the text had no effect on its markup."""
    _, kind, input, target = case
    if (
        kind == "block" and ROWS[target].escape[input] == "markdown"
    ):  # Markdown is not processed there, so backslashes are visible
        return found.skeleton == wanted.skeleton
    return found == wanted


@pytest.mark.parametrize("name", PROCESSORS)
def test_texts_have_no_effect_in_markdown(name: str) -> None:
    for case in cases(COUNT):
        if name == "cmark-gfm" and ADDRESS.search(case[0]):
            continue  # see the next test
        found = page(PROCESSORS[name](document(case)))
        assert same(found, expected(plain(name, *case[1:]), _one_line(case[0])), case), case


def test_github_links_mail_addresses_as_the_readme_says() -> None:
    """It looks for them after it has decoded the character references."""
    html = PROCESSORS["cmark-gfm"](AUTHOR.document(MARKDOWN["item"], "a@b.example", "markdown", "markdown"))
    assert {url.partition(":")[0] for url in page(html).values} == {"https", "mailto"}


@pytest.mark.parametrize("kind", HTML)
def test_texts_have_no_effect_in_html_documents(kind: str) -> None:
    for number, text in enumerate(texts(COUNT, seed=2)):
        target = TARGETS[number % len(TARGETS)]
        if ROWS[target].escape["html"] == "markdown":
            continue  # Markdown in HTML is shown unprocessed
        found = page(document((text, kind, "html", target)))
        assert found == expected(page(document((PLAIN, kind, "html", target))), _one_line(text)), (text, target)


@pytest.mark.parametrize("options", [{}, {"line_statement_prefix": "#", "line_comment_prefix": "##"}])
def test_texts_have_no_effect_in_jinja(options: dict[str, str]) -> None:
    environment = jinja2.Environment(keep_trailing_newline=True, **options)  # type: ignore[arg-type]
    for case in cases(COUNT, seed=3):
        if case[1] == "heading" and options:
            continue  # the document's own "##" is a comment in this syntax
        found = document(case)
        assert environment.from_string(found).render(x="LEAK") == found, case


# -- in Node ---------------------------------------------------------------------------------------------


@pytest.fixture(name="installed", scope="session")
def fixture_installed() -> Path:
    return node_packages(NODE)


@pytest.fixture(name="jobs")
def fixture_jobs(tmp_path: Path) -> Path:
    return tmp_path / "jobs.json"


def processed(folder: Path, path: Path, jobs: list[tuple[str, str]]) -> list[dict[str, str]]:
    path.write_text(json.dumps(jobs), "utf-8")
    done = subprocess.run(
        [need("node"), "process.js", str(path)], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    answers: list[dict[str, str]] = json.loads(Path(f"{path}.out").read_text("utf-8"))
    return answers


def test_texts_have_no_effect_in_node_processors(installed: Path, jobs: Path) -> None:
    found = list(cases(IN_NODE, seed=4))
    plains = {(PLAIN, *case[1:]) for case in found}
    asked = [
        (name, case)
        for case in itertools.chain(found, sorted(plains))
        for name in MARKDOWN_IN_NODE
        if name != "MDX" or case[3] in FOR_MDX
    ]
    answers = processed(installed, jobs, [(name, document(case)) for name, case in asked])
    pages = {}
    for (name, case), answer in zip(asked, answers, strict=True):
        assert "error" not in answer, (name, case, answer)
        pages[name, case] = page(answer["html"])
    for (name, case), one in pages.items():
        wanted = expected(pages[name, (PLAIN, *case[1:])], _one_line(case[0]))
        assert same(one, wanted, case), (name, case)


def test_texts_have_no_effect_in_node_template_engines(installed: Path, jobs: Path) -> None:
    found = [document(case) for case in cases(IN_NODE, seed=5)]
    asked = [(name, text) for text in found for name in TEMPLATES_IN_NODE]
    for (name, text), answer in zip(asked, processed(installed, jobs, asked), strict=True):
        assert answer == {"html": text}, name


def test_the_comparison_detects_unescaped_texts(installed: Path, jobs: Path) -> None:
    """Without escaping, texts change the page, so these tests are able to fail."""
    wrong = '<figure title="[x](/onload=alert(1)//)">{{ x }} *a*</figure>'
    assert page(PROCESSORS["Python-Markdown"](f"- {wrong}")) != page(f"<ul>\n<li>{wrong}</li>\n</ul>")
    answers = processed(installed, jobs, [(name, wrong) for name in TEMPLATES_IN_NODE])
    assert all("LEAK" in one["html"] for one in answers)


# -- shelved embeds --------------------------------------------------------------------------------------

WORD = re.compile(r"ek[0-9a-f]{16}n\d+x")


@pytest.fixture(name="shelves", scope="module")
def fixture_shelves() -> dict[str, Shelf]:
    kit = EmbedKit(Settings(cache="memory:"), transport=SandboxTransport())
    return {
        kind: kit.shelve(text.replace("{}", f"[getty {ID}]"), input="markdown") for kind, text in MARKDOWN.items()
    }


def _check_restored(shelf: Shelf, kind: str, html: str) -> None:
    restored = shelf.restore(html)
    assert shelf.restore(restored) == restored, "no placeholder is left"
    assert ("<iframe" in restored) == (kind != "link")  # a frame can't be inside a link, so there is text instead
    assert "Under the lights" in restored
    assert not re.search(r"<p[^>]*>\s*<figure", restored)
    before, *_, after = WORD.split(html)
    assert restored.startswith(re.sub(r"<p[^<>]*>$", "", before.rstrip()))
    assert restored.endswith(re.sub("^</p>", "", after.lstrip()))


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_shelf_is_restored_after_any_processor(shelves: dict[str, Shelf], name: str) -> None:
    for kind, shelf in shelves.items():
        _check_restored(shelf, kind, PROCESSORS[name](shelf.text))


def test_a_shelf_is_restored_from_processors_in_node(
    installed: Path, jobs: Path, shelves: dict[str, Shelf]
) -> None:
    asked = [(name, kind) for name in ("remark", "markdown-it") for kind in shelves]
    answers = processed(installed, jobs, [(name, shelves[kind].text) for name, kind in asked])
    for (_, kind), answer in zip(asked, answers, strict=True):
        _check_restored(shelves[kind], kind, answer["html"])
