"""A hook of MkDocs: every page's references, and a warning for each one that is not shown."""

import logging

from embedkit import Document, EmbedKit, Problem

log = logging.getLogger("mkdocs.hooks")
kit = EmbedKit(background=False)


def on_page_markdown(markdown: str, **_: object) -> str:
    document: Document = kit.document(markdown, input="markdown")
    for problem in document.problems:
        log.warning("%s", told(problem))
    return document.content


def told(problem: Problem) -> str:
    return f"{problem.line}:{problem.column} {problem.code}: {problem.detail}"
