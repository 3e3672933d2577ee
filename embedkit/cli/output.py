"""Output of the commands: data and tables on stdout, messages on stderr, colors if wanted; and shared options."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TextIO, TypeVar, get_args

import click
from click.core import ParameterSource

from embedkit.errors import ConfigurationError, EmbedKitError, Unavailable
from embedkit.process import lazy_pattern

if TYPE_CHECKING:
    from pathlib import Path

    from embedkit.api.models import Paged
    from embedkit.engine.build import Finding
    from embedkit.kit import EmbedKit

# Characters that a terminal might act on or that can't be encoded: C1 controls, bidi and other format characters,
# separators, surrogates. JSON itself escapes C0 controls.
UNPRINTABLE = lazy_pattern(
    "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

Command = TypeVar("Command", bound=Callable[..., Any])

_HUNK = lazy_pattern(r"^@@ -([0-9]+)([0-9,]*) \+([0-9]+)")
GAP = "  "
WIDE_CELLS = 110  # the width from which optional columns are shown
MIN_COLUMN_CELLS = 6  # however narrow the terminal is


class WholeNumber(click.IntRange):
    """A whole number in a range, with error messages that do not mention Python's types."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f" from {self.min} to {self.max}" if self.max else f", {self.min} or more"
            self.fail(f"{value!r} is not a whole number{bounds}.", param, ctx)


class WordChoice(click.Choice[str]):
    """A choice that also accepts synonyms."""

    def __init__(self, words: Sequence[str], synonyms: Mapping[str, str]) -> None:
        super().__init__(words)
        self._synonyms = synonyms

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the API's word."""
        return super().convert(self._synonyms.get(str(value).lower(), value), param, ctx)


def word_option(
    option: str, name: str, words: Any, text: str, *, multiple: bool = False, **synonyms: str
) -> Callable[[Command], Command]:
    """Return an option whose values are the words of a Literal, and their ``synonyms``."""
    allowed = get_args(words)
    sentence = f"{text}{' (repeatable)' if multiple else ''}: {', '.join(allowed)}."
    return click.option(
        option, name, type=WordChoice(allowed, synonyms), multiple=multiple, metavar="WORD", help=sentence
    )


words_option = partial(word_option, multiple=True)
number_option = partial(click.option, type=WholeNumber(1), metavar="N")
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


class Column(NamedTuple):
    """A column of a table.

    :param share: relative width when texts must be cut; a column with 0 is never cut.
    :param spare: leave the column out on a narrow terminal; such columns come last.
    """

    title: str
    share: int = 0
    spare: bool = False


def paint(text: str, colour: str) -> str:
    """Color a text unless NO_COLOR is set (https://no-color.org). click only keeps colors on a terminal."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return click.style(text, fg=colour) if wanted else text


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None if it was closed before we started


def printable(name: object) -> str:
    """Return a name on one line, with line breaks, control characters and invalid UTF-8 escaped."""
    text = str(name)
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # an invalid byte, as decoded by Python (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else repr(character)[1:-1]


def _lines(message: str) -> str:
    """Escape a message like :func:`printable`, but keep its line breaks."""
    return message if message.isprintable() else "\n".join(map(printable, message.split("\n")))


def say(message: str) -> None:
    """Print a message to stderr, unless --quiet is set."""
    if not _is_quiet():
        click.echo(_lines(message), err=True)


def _is_quiet() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("quiet"))


def say_error(message: str, *, lines: bool = False) -> None:
    """Print an error to stderr on one line, or with ``lines``, for trusted texts, on several."""
    shown = _lines(message) if lines else printable(message)
    click.echo(f"{paint('error:', 'red')} {shown}", err=True)


def say_file_error(error: OSError) -> None:
    """Print the operating system's error about a file."""
    reason = error.strerror or str(error)
    say_error(f"{printable(error.filename)}: {reason}." if error.filename else f"{reason}.")


def say_finding(finding: Finding) -> None:
    """Print a finding in the FILE:LINE:COLUMN form, which editors and terminals turn into links."""
    code = paint(finding.code, "yellow")
    where = f"{printable(finding.file)}:{finding.line}:{finding.column}"
    about = f" ({printable(finding.post)})" if finding.post else ""
    click.echo(f"{where}: {code}: {printable(finding.detail)}{about}", err=True)


def print_values(values: Mapping[str, object]) -> None:
    """Print named values to stdout, without empty ones."""
    width = max(map(len, values)) + 1
    shown = [f"{name:{width}} {value}" for name, value in values.items() if value not in ("", None)]
    click.echo("\n".join(shown))


def print_json(value: Any) -> None:
    """Print JSON, with control and format characters and invalid UTF-8 escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo(text if text.isascii() else UNPRINTABLE.sub(_json_escape, text))


def _json_escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


@contextmanager
def open_kit(**settings: Any) -> Iterator[EmbedKit]:
    """Open a kit for one command. Stale pictures that it showed are refreshed before the command ends.

    Errors name options instead of the arguments they set. An error about an option is raised as a usage error.
    """
    from dataclasses import replace

    from embedkit.kit import EmbedKit
    from embedkit.settings import Settings

    made = Settings.from_env(os.environ)
    with EmbedKit(replace(made, **settings) if settings else made, background=False) as kit:
        try:
            yield kit
        except EmbedKitError as error:
            error.args, error.hint = (as_typed(error.message),), error.hint and as_typed(error.hint)
            if isinstance(error, ConfigurationError) and error.message.startswith("--"):
                raise click.UsageError(str(error)) from None
            raise


def as_typed(message: str) -> str:
    """Replace the arguments that a message mentions with the command's options.

    An argument is recognized at the beginning, with a value (``again=True``, ``family=editorial``), or anywhere if
    its name contains an underscore (``product_type``).
    """
    for param in click.get_current_context().command.params:
        name = re.escape(str(param.name))
        if isinstance(param, click.Option) and name != "json_":
            anywhere = rf"\b{name}\b" if "_" in name else rf"^{name}\b(?= )"
            option = max(param.opts, key=len)
            message = re.sub(rf"\b{name}=True\b|{anywhere}", option, message)
            message = re.sub(rf"\b{name}=\b", f"{option} ", message)
    return message


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield ``step(done, of)``, which updates a progress bar; None if stderr is not a terminal.

    The bar does not move while ``of`` is unknown. It appears with the first step, so that an error before that
    leaves no empty bar.
    """
    if not _is_terminal(sys.stderr):
        yield None
        return
    with ExitStack() as stack:
        bars: list[Any] = []

        def step(done: int, of: int | None) -> None:
            if not bars:
                bars.append(stack.enter_context(click.progressbar(length=1, label=label, file=sys.stderr)))
            bar = bars[0]
            if of:
                bar.length = of
                bar.pos = min(bar.pos, done)  # a download can restart; click only counts forwards
                bar.update(done - bar.pos)
            if done == of:
                stack.close()  # so that later messages start on a new line
                bars.clear()

        yield step
        for bar in bars:
            bar.update(max(0, (bar.length or 0) - bar.pos))  # failed steps count as done


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as "1 picture" or "2 pictures"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say_count(page: Paged, noun: str) -> None:
    """Print the total number of items, and the number of the page."""
    say(counted(page.total, noun) + (f", page {page.page} of {page.pages:,}." if page.pages > 1 else "."))


def say_next(page: Paged) -> None:
    """Print the command for the next page, if there is one."""
    if page.has_next:
        say(f"Next: {again(page=page.page + 1)}")


def again(**changed: Any) -> str:
    """Return the running command with some options changed, ready to paste into a shell."""
    context = click.get_current_context()
    words: list[str] = []
    options: list[str] = []
    for param in context.command.params:
        name = str(param.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        value = changed.get(name, context.params.get(name) if typed else None)
        values = [] if value is None else value if isinstance(value, tuple) else [value]
        if isinstance(param, click.Argument):
            words += values
        else:
            options += [part for each in values for part in (param.opts[0], each)[: 1 if each is True else 2]]
    dashed = any(word.startswith("-") for word in words)
    return shlex.join(
        [*context.command_path.split(), *map(str, [*options, "--", *words] if dashed else [*words, *options])]
    )


def advise(codes: Iterable[str]) -> None:
    """Print once what to do if Getty can't be reached, however many pictures are affected."""
    if Unavailable.code in codes:
        say(
            "Check your network connection with embedkit doctor."
            " To try embedkit without a network, run embedkit demo or embedkit sandbox."
        )


def stdin_bytes() -> BinaryIO | None:
    """Return stdin, or None if it was closed before we started. On a terminal, print how to end the input."""
    if sys.stdin is None:
        return None
    if sys.stdin.isatty():
        say("Reading from the terminal; press Ctrl+D to end.")
    return sys.stdin.buffer


def read_refs(refs: Iterable[str]) -> list[str]:
    """Return the references, with "-" replaced by the non-empty lines of stdin."""
    return [line for ref in refs for line in (_read_lines() if ref == "-" else [ref])]


def _read_lines() -> list[str]:
    from embedkit.engine.sources import collect

    [source] = collect(["-"], stdin=stdin_bytes())
    return [line for line in source.text.splitlines() if line.strip()]


def show_diff(path: Path | str, before: str, after: str) -> None:
    """Print a unified diff to stdout."""
    _print_diff(path, before.splitlines(keepends=True), after.splitlines(keepends=True))


class PartsDiff:
    """Prints one unified diff of a file that is processed in parts."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._grown = 0  # lines added so far
        self._begun = False

    def show(self, line: int, before: bytes, after: bytes) -> None:
        """Print the hunks of a part that starts on a line, counted from 1.

        Its first and last lines are left out, as they can be incomplete.
        """
        old, new = (part.decode("utf-8", "replace").split("\n") for part in (before, after))
        grown = len(new) - len(old)
        edges = int(old[0] == new[0] and old[-1] == new[-1] and len(old) > 1)
        old, new = ([f"{text}\n" for text in lines[edges : len(lines) - edges]] for lines in (old, new))
        above = line - 1 + edges
        _print_diff(self._path, old, new, (above, above + self._grown), named=not self._begun)
        self._grown, self._begun = self._grown + grown, True


def _print_diff(
    path: Path | str, old: list[str], new: list[str], skipped: tuple[int, int] = (0, 0), *, named: bool = True
) -> None:
    """Print the hunks of a part of a file, and before them the file's names if ``named``.

    :param skipped: number of lines of the old and the new file before this part.
    """
    import difflib

    name = printable(path)
    for number, line in enumerate(difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")):
        if number > 1:
            shown = _HUNK.sub(
                lambda at: f"@@ -{int(at[1]) + skipped[0]}{at[2]} +{int(at[3]) + skipped[1]}", line, 1
            )
            click.echo(shown if shown.endswith("\n") else f"{shown}\n\\ No newline at end of file\n", nl=False)
        elif named:
            click.echo(line, nl=False)


def terminal_width() -> int | None:
    """Return the width in cells of the terminal, or that in COLUMNS; None if unlimited, as in a pipe."""
    bounded = os.environ.get("COLUMNS", "").isdigit() or (sys.stdout is not None and sys.stdout.isatty())
    if not bounded:
        return None
    import shutil  # imports three compression libraries

    return shutil.get_terminal_size().columns


def is_wide() -> bool:
    """Return whether the terminal has room for optional columns."""
    return (terminal_width() or WIDE_CELLS) >= WIDE_CELLS


def cells(text: str) -> int:
    """Return the width of a text: two cells for a wide character (Unicode UAX 11), none for a combining mark."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """Cut a text to at most ``width`` cells, including the ellipsis."""
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _cells(character)
        if used > width - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def table(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None = None) -> list[str]:
    """Return the lines of a table: the column titles, then the rows.

    :param width: maximum width of a line in cells; None for unlimited.
    """
    lines = [[column.title for column in columns], *rows]
    natural = [max(cells(text) for text in texts) for texts in zip(*lines, strict=True)]
    widths = natural if width is None else _fit(columns, natural, width - len(GAP) * (len(columns) - 1))
    return [GAP.join(map(_pad, line, widths)).rstrip() for line in lines]


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print a table to stdout, as wide as the terminal; print nothing if there are no rows."""
    if rows:
        shown = [column for column in columns if is_wide() or not column.spare]
        head, *lines = table(shown, [row[: len(shown)] for row in rows], terminal_width())
        click.echo("\n".join([paint(head, "cyan"), *lines]))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _pad(text: str, width: int) -> str:
    shown = cut(text, width)
    return shown + " " * (width - cells(shown))


def _fit(columns: Sequence[Column], natural: Sequence[int], room: int) -> list[int]:
    """Return the width of each column. A column that needs less than its share leaves the rest to the others."""
    widths = list(natural)
    open_ = [number for number, column in enumerate(columns) if column.share]
    left = room - sum(natural[number] for number, column in enumerate(columns) if not column.share)
    while open_:
        shares = sum(columns[number].share for number in open_)
        modest = [number for number in open_ if natural[number] * shares <= left * columns[number].share]
        if not modest:
            for number in open_:
                widths[number] = max(MIN_COLUMN_CELLS, left * columns[number].share // shares)
            break
        left -= sum(natural[number] for number in modest)
        open_ = [number for number in open_ if number not in modest]
    return widths
