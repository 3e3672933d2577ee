"""A kit for a site: prefetch the pictures, render the embeds, and report problems by file and line."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from markupsafe import Markup, escape

from embedkit.engine.shelf import Shelf
from embedkit.engine.sources import FORMATS
from embedkit.errors import EmbedKitError
from embedkit.integrations.options import settings_of
from embedkit.kit import EmbedKit
from embedkit.models import Document, Options, Problem, Report
from embedkit.targets import Input, Target

# not a child of "embedkit", which is silent by default: Python prints these warnings without any configuration
log = logging.getLogger("getty")

EMBED, FACADE = 'class="ek ', "ek--facade"  # found in every page with an embed, or with a click-to-load embed


class Lost(EmbedKitError):
    """A picture can't be shown in a strict build."""

    code = "lost"
    title = "A picture is missing"


class Site:
    """The common part of the hosts' plugins: created once for a build, and closed at its end.

    :param options: ``strict``, and every setting by name in upper or lower case, such as ``target``, ``lockfile``,
        ``frozen`` or ``on_error``. None means not set. They take precedence over the environment.
    :param log: the logger for problems, reported as warnings: the host's own, whose strict mode counts them.
    :param prefix: the host's prefix for option names, for messages.
    :param at_end: True if a strict build fails in :meth:`check`, with all problems, instead of immediately.
    :param kit: an existing kit; then only the option ``strict`` is used.
    :param background: as for :class:`embedkit.EmbedKit`: True in a server.
    :raises ConfigurationError: for an unknown option, or an invalid value.

    >>> Site({"strict": True, "target": "facade", "cache": "memory:"}).kit.settings.target
    'facade'
    """

    def __init__(
        self,
        options: Mapping[str, Any],
        log: logging.Logger | logging.LoggerAdapter[Any] = log,
        *,
        prefix: str = "",
        at_end: bool = False,
        kit: EmbedKit | None = None,
        background: bool = False,
    ) -> None:
        self.strict = bool({name.lower(): value for name, value in options.items()}.get("strict"))
        self.log = log
        self.kit = kit or EmbedKit(settings_of(options, prefix), background=background)
        self._at_end = at_end
        self._found: list[str] = []

    def warm(self, texts: Iterable[tuple[str, Input]]) -> Report:
        """Prefetch the pictures in these texts in parallel, so that rendering needs no requests."""
        done = self.kit.warm(texts)
        if done.distinct:
            self.log.info(
                "Pictures: %d, of which %d fetched, %d stale, %d missing.",
                *(done.distinct, done.fetched, done.stale, len(done.failed)),
            )
        return done

    def shelve(self, text: str, name: str, *, first_line: int = 1, target: Target | None = None) -> Shelf:
        """Replace the references in a Markdown text by placeholders, and report problems.

        :param name: the file's name, for messages.
        :param first_line: the line of the file at which the text starts.
        """
        shelf = self.kit.shelve(text, input="markdown", target=target)
        self.tell(shelf.problems, name, first_line)
        return shelf

    def document(self, text: str, name: str, *, input: Input = "html") -> Document:
        """Render a text, and report problems.

        :param name: the path of the source file, whose lines are reported, whatever its format.
        """
        done = self.kit.document(text, input=input)
        self.tell(self._in_source(done.problems, Path(name)) if done.problems else (), name)
        return done

    def _in_source(self, problems: Iterable[Problem], path: Path) -> list[Problem]:
        """Return problems in HTML at their position in the source file; in line 1 if they can't be found there."""
        source = path.read_text("utf-8", "replace") if path.is_file() else ""
        places: dict[tuple[str, str], list[Problem]] = {}
        for one in self.kit.document(source, input=FORMATS.get(path.suffix, "text")).problems:
            places.setdefault((one.code, one.detail), []).append(one)
        found = [_next_place(places, one) or one._replace(line=1, column=1) for one in problems]
        return sorted(found, key=lambda one: (one.line, one.column))

    def picture(
        self, reference: Any, words: Mapping[str, object], name: str, line: int = 0, target: Target | None = None
    ) -> Markup | str:
        """Render a picture for a template tag or directive, and report problems; empty for an empty reference.

        :param words: the options, as for :meth:`embedkit.Options.from_words`.
        :param target: the output format, if the host determines it instead of the author.
        """
        if reference == "":
            return Markup()
        options, problems = Options.from_words(words)
        options = replace(options, target=target) if target else options
        try:
            self.kit.resolve(reference, options)
            shown = self.kit.html(reference, options)
        except EmbedKitError as error:
            problems = (*problems, Problem(1, 1, error.code, str(error)))
            shown = self.kit.fallback(reference, error, options)
        self.tell(problems, name, line)
        return shown

    def filter(self, value: object, name: str, *, autoescape: bool = True, **keywords: Any) -> Markup:
        """Render a text for a template filter, like :meth:`embedkit.EmbedKit.filter`, and report problems.

        :param name: the text's name, for messages; lines are those of the text.
        """
        text = str(escape(value) if autoescape else value)
        done = self.kit.document(text, **keywords)
        self.tell(done.problems, name)
        return Markup(done.content)  # noqa: S704  # nosec B704

    def tell(self, problems: Iterable[Problem], name: str, first_line: int = 1) -> None:
        """Log problems by file and line.

        :param first_line: the line of the file at which the text starts; 0 if unknown.
        :raises Lost: for all of them, in a strict build that doesn't wait for :meth:`check`.
        """
        found = [f"{_place(name, one, first_line)}: {one.code}: {one.detail}" for one in problems]
        for message in found:
            self.log.warning("%s", message)
        if self.strict and self._at_end:
            self._found += found
        elif self.strict and found:
            raise Lost("\n".join(found))

    def check(self) -> None:
        """Fail a strict build that has problems.

        :raises Lost: listing all problems, if there are any.
        """
        found, self._found = self._found, []
        if found:
            raise Lost("\n".join(found))

    def fingerprint(self, references: Iterable[str]) -> str:
        """Return a value that changes with any of these pictures, for hosts that rebuild only what has changed."""
        return self.kit.fingerprint("\n".join(sorted(references)), input="text")

    def link(self, html: str, base: str) -> str:
        """Add our stylesheet and script to the head of a finished page, if it contains an embed.

        :param base: the URL of their folder, without a trailing slash.
        """
        if EMBED not in html:
            return html
        styles, scripts = self.assets(base, html)
        return html.replace("</head>", f"{tags(styles, scripts)}\n</head>", 1)

    def link_file(self, path: Path, base: str) -> None:
        """Like :meth:`link`, for a page in a file."""
        html = path.read_text("utf-8")
        if EMBED in html:
            path.write_text(self.link(html, base), "utf-8")

    def assets(self, base: str, html: str) -> tuple[list[str], list[str]]:
        """Return the URLs of the stylesheets and scripts that a page needs; those of scripts contain settings.

        :param base: as for :meth:`link`.
        :param html: the page, or its body.
        """
        target: Target = "facade" if FACADE in html else self.target  # authors can choose facade
        needed = self.kit.engine.fragments.assets(target, base)
        return needed["css"], needed["js"]

    def head(self, target: Target | None = None) -> Markup:
        """Return the tags for the head of a page that loads the files from the service, or from ASSETS_URL."""
        needed = self.kit.assets(target or self.target)
        return tags(needed["css"], needed["js"])

    def copy_assets(self, folder: str | os.PathLike[str]) -> list[str]:
        """Copy the files that pages can need to a folder, which is created if missing. Return their names."""
        return self.kit.copy_assets(folder, [self.target, "facade"])

    @property
    def target(self) -> Target:
        """The default output format."""
        return cast(Target, self.kit.settings.target)

    def close(self) -> None:
        """Refresh the copies that were served stale, and close the kit."""
        self.kit.settle()
        self.kit.close()


def _next_place(places: dict[tuple[str, str], list[Problem]], problem: Problem) -> Problem | None:
    """Remove and return the next place of a problem."""
    same = places.get((problem.code, problem.detail))
    return same.pop(0) if same else None


def _place(name: str, problem: Problem, first_line: int) -> str:
    return f"{name}:{problem.line + first_line - 1}:{problem.column}" if first_line else name


def tags(styles: Iterable[str], scripts: Iterable[str]) -> Markup:
    """Return the tags of stylesheets and scripts for the head of a page, one per line."""
    lines = [Markup('<link rel="stylesheet" href="{}">').format(url) for url in styles]
    lines += [Markup('<script defer src="{}"></script>').format(url) for url in scripts]
    return Markup("\n").join(lines)
