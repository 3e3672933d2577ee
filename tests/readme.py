"""The fenced code blocks of the README and of the examples' READMEs.

``python tests/readme.py N`` prints the N-th ``sh`` block of the README, from 1.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"
PAGES = [README, *sorted(README.parent.glob("examples/*/README.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


def blocks(language: str, page: Path = README) -> list[str]:
    """Return the content of every fenced block in a language, in order."""
    return [text for name, text in FENCE.findall(page.read_text("utf-8")) if name == language]


if __name__ == "__main__":
    print(blocks("sh")[int(sys.argv[1]) - 1], end="")
