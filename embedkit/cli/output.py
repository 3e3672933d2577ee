"""What the commands print: data and tables on stdout, messages on stderr, colour only where it is wanted.

And the options that several of them have.
"""

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

# What a terminal may act on, or no stream can take: C1 controls, bidi and other format characters, separators,
# surrogates. JSON itself escapes C0.
UNPRINTABLE = lazy_pattern(
    "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)

Command = TypeVar("Command", bound=Callable[..., Any])

_HUNK = lazy_pattern(r"^@@ -([0-9]+)([0-9,]*) \+([0-9]+)")
GAP = "  "
WIDE_CELLS = 110  # a line of so many has room for columns that can be missed
MIN_COLUMN_CELLS = 6  # however narrow the terminal


class WholeNumber(click.IntRange):
    """A whole number in a range; what is wrong is said without Python's words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f" from {self.min} to {self.max}" if self.max else f", {self.min} or more"
            self.fail(f"{value!r} is not a whole number{bounds}.", param, ctx)


class WordChoice(click.Choice[str]):
    """A choice that also takes other words for the same."""

    def __init__(self, words: Sequence[str], same: Mapping[str, str]) -> None:
        super().__init__(words)
        self._same = same

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The word of the API."""
        return super().convert(self._same.get(str(value).lower(), value), param, ctx)


def word_option(
    option: str, name: str, words: Any, text: str, *, multiple: bool = False, **same: str
) -> Callable[[Command], Command]:
    """An option that takes one of the words of a Literal; ``same`` has other words for some of them."""
    allowed = get_args(words)
    sentence = f"{text}{' (repeatable)' if multiple else ''}: {', '.join(allowed)}."
    return click.option(
        option, name, type=WordChoice(allowed, same), multiple=multiple, metavar="WORD", help=sentence
    )


words_option = partial(word_option, multiple=True)
number_option = partial(click.option, type=WholeNumber(1), metavar="N")
as_json = click.option("--json", "json_", is_flag=True, help="Print JSON.")


class Column(NamedTuple):
    """A column, and its share of the room where texts must be cut; one with none is never cut.

    Those that are ``spare`` come last; a narrow line has no room for them.
    """

    title: str
    share: int = 0
    spare: bool = False


def paint(text: str, colour: str) -> str:
    """Colour, unless NO_COLOR is set (https://no-color.org); click prints it on a terminal alone."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return click.style(text, fg=colour) if wanted else text


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None: it was closed before we began


def printable(name: object) -> str:
    """A name on one line that shows what it is, whatever is in it: breaks, controls, bytes that are not UTF-8."""
    text = str(name)
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python keeps such a byte (PEP 383)
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character if character.isprintable() else repr(character)[1:-1]


def _lines(message: str) -> str:
    """A message that may have several lines, and nothing else that moves the cursor."""
    return message if message.isprintable() else "\n".join(map(printable, message.split("\n")))


def say(message: str) -> None:
    """A message for the person at the terminal; nothing with --quiet."""
    if not _is_quiet():
        click.echo(_lines(message), err=True)


def _is_quiet() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("quiet"))


def say_error(message: str, *, lines: bool = False) -> None:
    """An error, on stderr, on one line; or on several, where it is a text of our own or of click's."""
    shown = _lines(message) if lines else printable(message)
    click.echo(f"{paint('error:', 'red')} {shown}", err=True)


def say_file_error(error: OSError) -> None:
    """What the system says of a file."""
    reason = error.strerror or str(error)
    say_error(f"{printable(error.filename)}: {reason}." if error.filename else f"{reason}.")


def say_finding(finding: Finding) -> None:
    """A finding in a text, in the form that editors and terminals can follow."""
    code = paint(finding.code, "yellow")
    where = f"{printable(finding.file)}:{finding.line}:{finding.column}"
    about = f" ({printable(finding.post)})" if finding.post else ""
    click.echo(f"{where}: {code}: {printable(finding.detail)}{about}", err=True)


def print_values(values: Mapping[str, object]) -> None:
    """Named values on stdout, those that are not empty."""
    width = max(map(len, values)) + 1
    shown = [f"{name:{width}} {value}" for name, value in values.items() if value not in ("", None)]
    click.echo("\n".join(shown))


def print_json(value: Any) -> None:
    """Data for another program; what a terminal may act on, and bytes that are not UTF-8, are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    click.echo(text if text.isascii() else UNPRINTABLE.sub(_json_escape, text))


def _json_escape(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]


@contextmanager
def open_kit(**settings: Any) -> Iterator[EmbedKit]:
    """A kit for one command: what it showed stale is refreshed before the command ends.

    Errors name options, in place of the arguments that they set; what is wrong with one is a mistake in the call.
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
    """A message with the options of the command in place of arguments: where it begins with one, says to pass one
    (``again=True``, ``family=editorial``), or names one that is not a word (``product_type``)."""
    for one in click.get_current_context().command.params:
        name = re.escape(str(one.name))
        if isinstance(one, click.Option) and name != "json_":
            anywhere = rf"\b{name}\b" if "_" in name else rf"^{name}\b(?= )"
            option = max(one.opts, key=len)
            message = re.sub(rf"\b{name}=True\b|{anywhere}", option, message)
            message = re.sub(rf"\b{name}=\b", f"{option} ", message)
    return message


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int | None], None] | None]:
    """A bar on a terminal, else nothing: ``step(done, of)``; it stands still while nobody knows of how many.

    It appears with the first step: what fails before leaves no empty bar behind.
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
                bar.pos = min(bar.pos, done)  # a file that was cut off begins anew; click counts forwards only
                bar.update(done - bar.pos)
            if done == of:
                stack.close()  # what is said from now on gets a line of its own
                bars.clear()

        yield step
        for bar in bars:
            bar.update(max(0, (bar.length or 0) - bar.pos))  # what failed is done as well


def counted(number: int, noun: str) -> str:
    """For example "1 picture", "2 pictures"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say_count(page: Paged, noun: str) -> None:
    """How much there is in all, and which page of it was printed."""
    say(counted(page.total, noun) + (f", page {page.page} of {page.pages:,}." if page.pages > 1 else "."))


def say_next(page: Paged) -> None:
    """The command for the next page, if there is one."""
    if page.has_next:
        say(f"Next: {again(page=page.page + 1)}")


def again(**changed: Any) -> str:
    """The command that runs, with some options changed: ready to be copied to a shell."""
    context = click.get_current_context()
    words: list[str] = []
    options: list[str] = []
    for one in context.command.params:
        name = str(one.name)
        typed = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        value = changed.get(name, context.params.get(name) if typed else None)
        values = [] if value is None else value if isinstance(value, tuple) else [value]
        if isinstance(one, click.Argument):
            words += values
        else:
            options += [part for each in values for part in (one.opts[0], each)[: 1 if each is True else 2]]
    dashed = any(word.startswith("-") for word in words)
    return shlex.join(
        [*context.command_path.split(), *map(str, [*options, "--", *words] if dashed else [*words, *options])]
    )


def advise(codes: Iterable[str]) -> None:
    """What to do where Getty can't be reached: printed once, however many pictures it is about."""
    if Unavailable.code in codes:
        say(
            "Is there a network? embedkit doctor checks the way to Getty Images;"
            " embedkit demo and embedkit sandbox need none."
        )


def stdin_bytes() -> BinaryIO | None:
    """stdin, or None where it was closed before we began; whoever types learns how to end."""
    if sys.stdin is None:
        return None
    if sys.stdin.isatty():
        say("Reading from the terminal; Ctrl+D ends it.")
    return sys.stdin.buffer


def read_refs(refs: Iterable[str]) -> list[str]:
    """References as they were passed, with the lines of stdin that are not blank in place of "-"."""
    return [line for ref in refs for line in (_read_lines() if ref == "-" else [ref])]


def _read_lines() -> list[str]:
    from embedkit.engine.sources import collect

    [source] = collect(["-"], stdin=stdin_bytes())
    return [line for line in source.text.splitlines() if line.strip()]


def show_diff(path: Path | str, before: str, after: str) -> None:
    """A unified diff on stdout."""
    _print_diff(path, before.splitlines(keepends=True), after.splitlines(keepends=True))


class PartsDiff:
    """One unified diff on stdout of a file that comes in parts."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._grown = 0  # lines, by the parts before
        self._begun = False

    def show(self, line: int, before: bytes, after: bytes) -> None:
        """The hunks of a part that begins on a line, 1-based; without its first and last line, which may go on."""
        old, new = (part.decode("utf-8", "replace").split("\n") for part in (before, after))
        grown = len(new) - len(old)
        edges = int(old[0] == new[0] and old[-1] == new[-1] and len(old) > 1)
        old, new = ([f"{one}\n" for one in lines[edges : len(lines) - edges]] for lines in (old, new))
        above = line - 1 + edges
        _print_diff(self._path, old, new, (above, above + self._grown), named=not self._begun)
        self._grown, self._begun = self._grown + grown, True


def _print_diff(
    path: Path | str, old: list[str], new: list[str], skipped: tuple[int, int] = (0, 0), *, named: bool = True
) -> None:
    """Hunks of lines before which so many of the file are not there, and the names of the file before them."""
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
    """Cells of a line: of the terminal, or what COLUMNS says; None where neither bounds it, as in a pipe."""
    bounded = os.environ.get("COLUMNS", "").isdigit() or (sys.stdout is not None and sys.stdout.isatty())
    if not bounded:
        return None
    import shutil  # with three libraries for compressing

    return shutil.get_terminal_size().columns


def is_wide() -> bool:
    """Whether a line has room for columns that can be missed."""
    return (terminal_width() or WIDE_CELLS) >= WIDE_CELLS


def cells(text: str) -> int:
    """What a text takes up: two cells for a wide character (Unicode's UAX 11), none for a mark over another."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def cut(text: str, width: int) -> str:
    """A text that takes up ``width`` cells at the most, the ellipsis of a cut included."""
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
    """Lines: the titles of the columns, then the rows.

    :param width: the cells that a line may take up; None cuts nothing.
    """
    lines = [[column.title for column in columns], *rows]
    natural = [max(cells(text) for text in texts) for texts in zip(*lines, strict=True)]
    widths = natural if width is None else _fit(columns, natural, width - len(GAP) * (len(columns) - 1))
    return [GAP.join(map(_pad, line, widths)).rstrip() for line in lines]


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout, as wide as the terminal; nothing at all where there are no rows."""
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
    """The width of each column: a text that needs less than its share leaves the rest to the others."""
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
