"""One kit for one site: fetch first, then show, and tell what is wrong by file and line."""

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

# not below "embedkit", which is silent until somebody listens: without any set-up, Python shows what is wrong
log = logging.getLogger("getty")

EMBED, FACADE = 'class="ek ', "ek--facade"  # in every page that shows an embed, or one that asks first


class Lost(EmbedKitError):
    """A picture can't be shown, and the site is built strictly."""

    code = "lost"
    title = "A picture is missing"


class Site:
    """What a host's plugin needs: made once for a build, and closed at its end.

    :param options: ``strict``, and every setting by its name in either case, such as ``target``, ``lockfile``,
        ``frozen``, ``on_error``; those that are None are not set. They go before the environment's.
    :param log: where findings go, as warnings: the host's own logger, whose warnings its strict mode counts.
    :param prefix: what the host writes before the name of an option, for messages.
    :param at_end: whether a strict build fails in :meth:`check`, with all that was found, instead of at once.
    :param kit: one that is there already; then the options but ``strict`` are not read.
    :param background: as for :class:`embedkit.EmbedKit`: True in a server.
    :raises ConfigurationError: for an option that there is not, or one with a value that it can't have.

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
        """Fetch all that these texts need, in parallel, so that rendering them asks for nothing."""
        done = self.kit.warm(texts)
        if done.distinct:
            self.log.info(
                "Pictures: %d, of which %d fetched, %d stale, %d missing.",
                *(done.distinct, done.fetched, done.stale, len(done.failed)),
            )
        return done

    def shelve(self, text: str, name: str, *, first_line: int = 1, target: Target | None = None) -> Shelf:
        """Put the embeds of a Markdown text aside, and tell what is wrong in it.

        :param name: of its file, for messages.
        :param first_line: the line of the file on which the text begins.
        """
        shelf = self.kit.shelve(text, input="markdown", target=target)
        self.tell(shelf.problems, name, first_line)
        return shelf

    def document(self, text: str, name: str, *, input: Input = "html") -> Document:
        """A text with its embeds, and tell what is wrong in it.

        :param name: the path of its file, which may have been in another format: lines are those of the file.
        """
        done = self.kit.document(text, input=input)
        self.tell(self._in_source(done.problems, Path(name)) if done.problems else (), name)
        return done

    def _in_source(self, problems: Iterable[Problem], path: Path) -> list[Problem]:
        """Problems of HTML at their places in the file that it was made of; in line 1 where it has none."""
        source = path.read_text("utf-8", "replace") if path.is_file() else ""
        places: dict[tuple[str, str], list[Problem]] = {}
        for one in self.kit.document(source, input=FORMATS.get(path.suffix, "text")).problems:
            places.setdefault((one.code, one.detail), []).append(one)
        found = [_left(places, one) or one._replace(line=1, column=1) for one in problems]
        return sorted(found, key=lambda one: (one.line, one.column))

    def picture(
        self, reference: Any, words: Mapping[str, object], name: str, line: int = 0, target: Target | None = None
    ) -> Markup | str:
        """One picture of a template or a directive, and tell what is wrong with it; an empty text names none.

        :param words: its options, as :meth:`embedkit.Options.from_words` reads them.
        :param target: what the host writes, where the author's choice doesn't count.
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
        """What a template's filter does (:meth:`embedkit.EmbedKit.filter`), and tell what is wrong in the text.

        :param name: for messages, whose lines are those of the text.
        """
        text = str(escape(value) if autoescape else value)
        done = self.kit.document(text, **keywords)
        self.tell(done.problems, name)
        return Markup(done.content)  # noqa: S704  # nosec B704

    def tell(self, problems: Iterable[Problem], name: str, first_line: int = 1) -> None:
        """Log problems by file and line.

        :param first_line: the line of the file that the first line of the text is; 0 where it is not known.
        :raises Lost: for all of them, where the site is built strictly and does not wait for :meth:`check`.
        """
        found = [f"{_place(name, one, first_line)}: {one.code}: {one.detail}" for one in problems]
        for message in found:
            self.log.warning("%s", message)
        if self.strict and self._at_end:
            self._found += found
        elif self.strict and found:
            raise Lost("\n".join(found))

    def check(self) -> None:
        """End a strict build with all that was found.

        :raises Lost: where anything was.
        """
        found, self._found = self._found, []
        if found:
            raise Lost("\n".join(found))

    def fingerprint(self, references: Iterable[str]) -> str:
        """What changes when one of these pictures does, for a host that builds anew only what has changed."""
        return self.kit.fingerprint("\n".join(sorted(references)), input="text")

    def link(self, html: str, base: str) -> str:
        """A finished page with our stylesheet and script in its head, if there is an embed in it.

        :param base: the URL of the folder that they are in, without a slash at the end.
        """
        if EMBED not in html:
            return html
        styles, scripts = self.assets(base, html)
        return html.replace("</head>", f"{tags(styles, scripts)}\n</head>", 1)

    def link_file(self, path: Path, base: str) -> None:
        """The same for a page in a file."""
        html = path.read_text("utf-8")
        if EMBED in html:
            path.write_text(self.link(html, base), "utf-8")

    def assets(self, base: str, html: str) -> tuple[list[str], list[str]]:
        """URLs of the stylesheets and of the scripts that a page needs; those of scripts hold settings.

        :param base: as for :meth:`link`.
        :param html: the page, or its body.
        """
        target: Target = "facade" if FACADE in html else self.target  # which an author may have chosen
        needed = self.kit.engine.fragments.assets(target, base)
        return needed["css"], needed["js"]

    def head(self, target: Target | None = None) -> Markup:
        """The tags for the head of a page whose files come from the service, or from ASSETS_URL."""
        needed = self.kit.assets(target or self.target)
        return tags(needed["css"], needed["js"])

    def copy_assets(self, folder: str | os.PathLike[str]) -> list[str]:
        """Copy what pages may need into a folder, which is made where there is none; the names of the files."""
        return self.kit.copy_assets(folder, [self.target, "facade"])

    @property
    def target(self) -> Target:
        """What its pages show."""
        return cast(Target, self.kit.settings.target)

    def close(self) -> None:
        """Refresh what was shown stale, and close the kit."""
        self.kit.settle()
        self.kit.close()


def _left(places: dict[tuple[str, str], list[Problem]], problem: Problem) -> Problem | None:
    """The next place of a problem, which is taken out."""
    same = places.get((problem.code, problem.detail))
    return same.pop(0) if same else None


def _place(name: str, problem: Problem, first_line: int) -> str:
    return f"{name}:{problem.line + first_line - 1}:{problem.column}" if first_line else name


def tags(styles: Iterable[str], scripts: Iterable[str]) -> Markup:
    """Stylesheets and scripts as the head of a page has them, a line each."""
    made = [Markup('<link rel="stylesheet" href="{}">').format(url) for url in styles]
    made += [Markup('<script defer src="{}"></script>').format(url) for url in scripts]
    return Markup("\n").join(made)
