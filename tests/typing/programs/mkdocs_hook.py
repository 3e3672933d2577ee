"""An MkDocs hook that renders every page's references, and warns about each one that can't be shown."""

import logging

from embedkit import Document, EmbedKit, Problem

log = logging.getLogger("mkdocs.hooks")
kit = EmbedKit(background=False)


def on_page_markdown(markdown: str, **_: object) -> str:
    document: Document = kit.document(markdown, input="markdown")
    for problem in document.problems:
        log.warning("%s", message(problem))
    return document.content


def message(problem: Problem) -> str:
    return f"{problem.line}:{problem.column} {problem.code}: {problem.detail}"
