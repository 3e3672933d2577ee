"""A site that renders Markdown, feeds and templates."""

from __future__ import annotations

from collections.abc import Callable

from embedkit import Document, EmbedKit, Options, Problem, Shelf, create_app


def page(kit: EmbedKit, text: str, markdown: Callable[[str], str]) -> str:
    shelf: Shelf = kit.shelve(text, input="markdown")
    return shelf.restore(markdown(shelf.text))


def feed(kit: EmbedKit, html: str) -> str:
    return kit.retarget(html, "feed")


def tag(kit: EmbedKit, ref: int, words: dict[str, object]) -> tuple[str, tuple[Problem, ...]]:
    options, problems = Options.from_words(words)
    return kit.html(ref, options), problems


def moved(kit: EmbedKit, text: str) -> Document:
    create_app(kit)
    return kit.convert(text, first_line=3)
