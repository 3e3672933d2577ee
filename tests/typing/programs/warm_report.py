"""A build that fetches all pictures in its texts first, and stops if any are missing."""

from collections.abc import Iterable
from pathlib import Path

from embedkit import EmbedKit, Input, Report

FORMATS: dict[str, Input] = {".md": "markdown", ".html": "html"}


def warm(paths: Iterable[Path]) -> Report:
    texts: list[tuple[str, Input]] = [(path.read_text("utf-8"), FORMATS[path.suffix]) for path in paths]
    with EmbedKit(background=False) as kit:
        report = kit.warm(texts, progress=lambda done, total: print(f"{done}/{total}"))
    for reference, error in report.failed:
        print(f"{reference}: {error.code}")
    return report


def summary(report: Report) -> str:
    return f"{report.fetched} of {report.distinct} fetched, {report.stale} stale"
