"""The texts of a site: found in files and folders, read, and written back."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

from embedkit import validation
from embedkit.errors import ConfigurationError
from embedkit.files.atomic import Make, Outcome, Tree, WriteBack, rewrite, sweep_folder, write_back
from embedkit.process import lazy_pattern
from embedkit.targets import INPUTS, Input

FORMATS: dict[str, Input] = {
    **dict.fromkeys((".md", ".markdown", ".mdown", ".mdwn", ".mkd", ".mkdn", ".mkdown"), "markdown"),
    **dict.fromkeys((".mdx", ".svx", ".qmd", ".rmd", ".rmarkdown"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    ".txt": "text",
}
# References in them are found, and HTML in them is converted; but embeds can't be rendered into their markup.
OTHER_MARKUP: dict[str, str] = {
    ".rst": "reStructuredText",
    ".rest": "reStructuredText",
    ".adoc": "AsciiDoc",
    ".asciidoc": "AsciiDoc",
    ".org": "Org",
}
# Their code examples: a directive or "::" with an indented body, or the lines between two delimiters.
_INDENTED_EXAMPLE = lazy_pattern(
    r"^([ \t]*+)(?:\.\.[ \t]+(?:code-block|sourcecode|code|parsed-literal)::[^\n]*|(?!\.\.[ \t])[^\n]*::[ \t]*)\n"
    r"(?:[ \t]*\n|\1[ \t]++[^\n]*(?:\n|\Z))*+",
    re.MULTILINE,
)
_DELIMITERS = {
    "AsciiDoc": lazy_pattern(r"^(-{4,}|\.{4,}|`{3,})[^\n]*(?:\n|\Z)", re.MULTILINE),
    "Org": lazy_pattern(r"^[ \t]*#\+(?:begin|end)_(src|example)\b[^\n]*(?:\n|\Z)", re.MULTILINE | re.IGNORECASE),
}
# Other text formats. A file is reported if it mentions Getty Images, so that nothing is skipped silently.
UNREAD = frozenset(
    (
        *(".json", ".yaml", ".yml", ".toml", ".xml", ".csv", ".ipynb", ".tex", ".textile", ".mediawiki", ".wiki"),
        *(".pug", ".haml", ".slim", ".njk", ".liquid", ".hbs", ".erb", ".php", ".vue", ".svelte", ".astro"),
        *(".j2", ".jinja", ".jinja2", ".twig", ".mustache", ".ejs", ".eex", ".heex", ".cshtml", ".aspx", ".jsp"),
        *(".tmpl", ".tpl", ".gohtml", ".text", ".mdoc", ".mdc", ".dj", ".typ", ".tid", ".rtf", ".sql"),
        *(".js", ".jsx", ".ts", ".tsx"),
    )
)
MAX_UNREAD_BYTES = 4 * 1024 * 1024  # of a file to search for the name
PART_BYTES = 64 * 1024  # to read at once; most texts are smaller
WXR_HEAD_BYTES = 8192  # which contain the namespace of a WordPress export
_WXR = b"http://wordpress.org/export/"
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
BOM = "\ufeff"  # the byte order mark, with which some Windows editors begin a file

Unreadable = OSError | ConfigurationError


class Post(NamedTuple):
    """The post of a WordPress export that a text is part of: its ID, its title and its URL.

    >>> str(Post("42", "A match", "https://example.org/?p=42"))
    'post 42, "A match", https://example.org/?p=42'
    """

    id: str
    title: str
    link: str

    def __str__(self) -> str:
        return ", ".join(filter(None, (f"post {self.id}", self.title and f'"{self.title}"', self.link)))


@dataclass(frozen=True, slots=True)
class Source:
    """A text and its origin.

    :param text: the text, without a byte order mark.
    :param input: its format: ``html``, ``markdown``, ``commonmark`` or ``text``.
    :param path: path of its file; None for stdin or a text from a database.
    :param relative: its path below the given folder, and so below an output folder.
    :param first_line: the line of the file on which the text begins, from 1. A host that has removed the front
        matter sets it, so that findings have the line numbers of the file.
    :param bom: the byte order mark that the file begins with, or an empty string.
    :param first_column: the column of that line on which the text begins, from 1.
    :param post: the post that it is part of, for a WordPress export.
    :raises ConfigurationError: for an unknown input format.

    >>> Source("A post: [getty 74917285]", "markdown", "post.md").name
    'post.md'
    """

    text: str
    input: Input = "html"
    path: str | os.PathLike[str] | None = None
    relative: str = "-"
    first_line: int = 1
    bom: str = ""
    first_column: int = 1
    post: Post | None = None

    def __post_init__(self) -> None:
        validation.one_of(self.input, INPUTS, "input")

    @property
    def name(self) -> str:
        """The name to show before a line number, unescaped."""
        return "<stdin>" if self.path is None else os.fspath(self.path)

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Convert a line and a column of the text, from 1, to those of its file."""
        return line + self.first_line - 1, column + (self.first_column - 1 if line == 1 else 0)

    def encode(self, content: str) -> bytes:
        """Return content as the bytes of a file; for the unchanged text, the bytes that were read."""
        return (self.bom + content).encode("utf-8")


@dataclass(frozen=True, slots=True)
class Sources:
    """The result of :func:`collect`; iterate over it to get the texts.

    :param texts: the texts, each once, in order.
    :param skipped: skipped paths, each with the reason as the predicate of a sentence.
    :param errors: errors of files that can't be read, with ``keep_going``.
    :param others: number of other files in the folders: pictures, stylesheets, data.
    :param exports: WordPress exports, without their text, as they are read post by post.
    """

    texts: tuple[Source, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    errors: tuple[Unreadable, ...] = ()
    others: int = 0
    exports: tuple[Source, ...] = ()

    def __iter__(self) -> Iterator[Source]:
        return iter(self.texts)

    def __len__(self) -> int:
        return len(self.texts)


def collect(
    paths: Iterable[str | os.PathLike[str]],
    *,
    input: Input | None = None,
    output: str | os.PathLike[str] | None = None,
    stdin: BinaryIO | None = None,
    keep_going: bool = False,
    exports: bool = False,
) -> Sources:
    """Read the texts at the given paths.

    :param paths: paths of files, and of folders for the text files in them; ``-`` for stdin.
    :param input: the format of all texts; by default determined by each file's extension (html if unknown).
    :param output: an output folder; it is skipped if it lies within a given folder.
    :param stdin: the stream to read for ``-``.
    :param keep_going: True skips files that can't be read, and returns their errors in ``errors``.
    :param exports: True also returns WordPress exports (WXR), which are otherwise listed in ``skipped``.
    :raises ConfigurationError: if a path does not exist, or a file is not UTF-8 text.
    :raises OSError: if a file can't be read, since a text that is silently skipped would be lost.
    """
    skip = os.path.realpath(output) if output else None
    reader = _Collector(input, skip, keep_going=keep_going, with_exports=exports)
    found: dict[str, Source] = {}
    for path in (paths,) if isinstance(paths, str) else paths:  # a string would be one path per character
        texts = [_from_stdin(stdin, input)] if path == "-" else reader.read(str(Path(path)))
        for text in texts:
            found.setdefault(text.name, text)
    return Sources(
        tuple(found.values()), tuple(reader.skipped), tuple(reader.errors), reader.others, tuple(reader.exports)
    )


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Decode a text, and return it and its byte order mark.

    :raises ConfigurationError: if it is not UTF-8.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name} is not UTF-8 text (byte {error.start}): convert it first.") from None
    return text.removeprefix(BOM), BOM if text.startswith(BOM) else ""


def _from_stdin(stdin: BinaryIO | None, input: Input | None) -> Source:
    if stdin is None:
        raise ConfigurationError("There is no stdin: pass a file or a folder.")
    text, bom = decode(stdin.read(), "stdin")
    return Source(text, input or "html", bom=bom)


@dataclass(slots=True)
class _Collector:
    """Reads files and folders, and records what it skips."""

    input: Input | None
    output: str | None
    keep_going: bool
    with_exports: bool = False
    skipped: list[tuple[str, str]] = field(default_factory=list)
    errors: list[Unreadable] = field(default_factory=list)
    exports: list[Source] = field(default_factory=list)
    others: int = 0

    def read(self, path: str) -> Iterator[Source]:
        if not os.path.exists(path):
            raise ConfigurationError(f"There is no file or folder {path!r}.")
        if os.path.isfile(path):
            yield from self._text(path, os.path.basename(path))
            return
        root, above, empty = os.path.realpath(path), os.path.join(path, ""), True
        for found in self._walk(path, root):
            empty = False
            yield from self._text(found, found.removeprefix(above))
        if empty:
            self.skipped.append((path, f"has no texts (supported: {' '.join((*FORMATS, *OTHER_MARKUP))})"))

    def _text(self, path: str, relative: str) -> Iterator[Source]:
        if _is_export(path):
            self._export(path, relative)
            return
        try:
            text, bom = decode(_read(path), path)
        except (OSError, ConfigurationError) as error:
            self._fail(error)
        else:
            yield Source(text, self.input or _format(path) or "html", path, relative, bom=bom)

    def _export(self, path: str, relative: str) -> None:
        if self.with_exports:
            self.exports.append(Source("", "html", path, relative))
        else:
            self.skipped.append((path, "is a WordPress export, which only convert and check read"))

    def _fail(self, error: Unreadable) -> None:
        if not self.keep_going:
            raise error
        self.errors.append(error)

    def _walk(self, folder: str, root: str) -> Iterator[str]:
        """Yield the paths of the texts below a folder, sorted by their components."""
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=attrgetter("name"))
        except OSError as error:
            self._fail(error)
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.name in SKIPPED_FOLDERS:
                continue
            path = entry.name if folder == os.curdir else entry.path
            if entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and os.path.isdir(path)):
                if not self._is_left_out(path):
                    yield from self._walk(path, root)
            elif not (_format(path) or (entry.is_file(follow_symlinks=False) and _is_export(path))):
                self._pass_over(path, entry)
            elif entry.is_file(follow_symlinks=False) or not self._is_odd(path, root):
                yield path

    def _pass_over(self, path: str, entry: os.DirEntry[str]) -> None:
        """Count a file that is not read, and report it if it may contain pictures."""
        self.others += 1
        ours = entry.name.startswith("embedkit-")  # our scripts, in a built site
        if not ours and _ending(path) in UNREAD and entry.is_file(follow_symlinks=False):
            try:
                with open(path, "rb", buffering=0) as file:
                    text = file.read(MAX_UNREAD_BYTES).lower()
            except OSError as error:
                self._fail(error)
                return
            if any(name in text for name in (b"[getty", b"gettyimages.", b"//gty.im/")):
                self.skipped.append((path, "mentions Getty Images, but its format is not read"))

    def _is_left_out(self, folder: str) -> bool:
        """Return whether to skip a folder: a link, whose target is read in its own place, or the output folder."""
        if os.path.islink(folder):
            self.skipped.append((folder, "is a link to a folder, and is skipped"))
            return True
        return self.output is not None and os.path.realpath(folder) == self.output

    def _is_odd(self, path: str, root: str) -> bool:
        """Return whether it is a link to outside the tree, or something that can't be read to its end."""
        reason = ""
        if os.path.islink(path) and os.path.commonpath((os.path.realpath(path), root)) != root:
            reason = "is a link to a file outside the folder, and is skipped"
        elif os.path.exists(path) and not os.path.isfile(path):
            reason = "is not a regular file, and is skipped"
        if reason:
            self.skipped.append((path, reason))
        return bool(reason)


class Results:
    """An output folder, with each result at the relative path of its source.

    :param sources: all sources: every path is checked before anything is written.
    :param folder: the folder; created if it does not exist.
    :raises ConfigurationError: if a result would replace its source, or another result.
    """

    def __init__(self, sources: Iterable[Source], folder: str | os.PathLike[str]) -> None:
        _check_places(sources, os.fspath(folder))
        self._tree = Tree(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Flush the names of all files to disk."""
        self._tree.__exit__(*error)

    def write(self, source: Source, content: str) -> WriteBack:
        """Write a result; a file with the same content is not touched.

        :raises OSError: if it can't be written.
        """
        written = self._tree.write(source.relative, source.encode(content))
        return WriteBack(Outcome.WRITTEN if written else Outcome.UNCHANGED)

    def rewrite(self, source: Source, make: Make) -> WriteBack:
        """Write a result piece by piece.

        :raises OSError: if it can't be written.
        """
        with open(_file(source), "rb") as file:
            self._tree.fill(source.relative, lambda write: make(file.read, write))
        return WriteBack(Outcome.WRITTEN)


class InPlace:
    """Writes results to the source files themselves, if they haven't changed since they were read.

    :param sources: all sources.
    :param on_leftover: called with the path of a file that may contain what a user saved while an earlier run was
        killed.
    :raises ConfigurationError: if a text is not from a file.
    """

    def __init__(self, sources: Iterable[Source], on_leftover: Callable[[str], object] = bool) -> None:
        real = {source.name: os.path.realpath(_file(source)) for source in sources}
        # a file reached by its own name and through links is one file
        self._names = {path: name for name, path in sorted(real.items(), key=_is_link, reverse=True)}
        for folder in {os.path.dirname(path) for path in self._names}:
            for left in sweep_folder(folder):
                on_leftover(left)

    def write(self, source: Source, content: str) -> WriteBack:
        """Write a changed text back to its file, unless the file was saved by someone else meanwhile.

        :raises OSError: if it can't be written; the file is then unchanged.
        """
        path = _file(source)
        if content == source.text or self._names.get(os.path.realpath(path)) != source.name:
            return WriteBack(Outcome.UNCHANGED)
        return write_back(path, source.encode(source.text), source.encode(content))

    def rewrite(self, source: Source, make: Make) -> WriteBack:
        """Like :meth:`write`, piece by piece, for a file that is too large for memory.

        :raises OSError: if it can't be written; the file is then unchanged.
        """
        path = _file(source)
        if self._names.get(os.path.realpath(path)) != source.name:
            return WriteBack(Outcome.UNCHANGED)
        return rewrite(path, make)


def _check_places(sources: Iterable[Source], folder: str) -> None:
    taken: dict[str, str] = {}
    same: dict[tuple[str, str], bool] = {}
    for source in sources:
        path, place = _file(source), source.relative
        folders = os.path.dirname(path), os.path.dirname(place)
        if folders not in same:
            own, other = folders[0] or os.curdir, os.path.join(folder, folders[1])
            same[folders] = os.path.exists(other) and os.path.samefile(own, other)
        if same[folders] and os.path.basename(path) == os.path.basename(place):
            raise ConfigurationError(f"{os.path.join(folder, place)} is the source itself: choose another folder.")
        if place in taken:
            place, other = os.path.join(folder, place), taken[place]
            raise ConfigurationError(f"{other} and {path} would both be written to {place}.")
        taken[place] = path


def _file(source: Source) -> str:
    if source.path is None:
        raise ConfigurationError(f"{source.name} is not a file: its result can only be printed.")
    return os.fspath(source.path)


def _read(path: str) -> bytes:
    """Return all bytes of a file, without a file object, which takes a build as long as the reading itself."""
    handle, parts = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0)), []
    try:
        while part := os.read(handle, PART_BYTES):
            parts.append(part)
    finally:
        os.close(handle)
    return b"".join(parts)


def _is_export(path: str) -> bool:
    """Return whether a file is a WordPress export (WXR); a file that can't be read is reported when it is read."""
    if not path.lower().endswith(".xml"):
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            return _WXR in file.read(WXR_HEAD_BYTES)
    except OSError:
        return False


def _is_link(item: tuple[str, str]) -> tuple[bool, str]:
    name, path = item
    return os.path.abspath(name) != path, name


def _ending(name: str) -> str:
    """Return the extension, including the dot, in lower case."""
    return name[name.rfind(".") :].lower()


def _format(name: str) -> Input | None:
    ending = _ending(name)
    return "html" if ending in OTHER_MARKUP else FORMATS.get(ending)


def other_markup(source: Source) -> str:
    """Return the name of a text's markup if embeds can't be rendered into it, or else an empty string."""
    return OTHER_MARKUP.get(_ending(source.name), "")


def pieces(source: Source) -> list[tuple[Source, bool]]:
    """Split a text into pieces, and tell for each whether it is a code example of its markup, which is not read.

    >>> [is_example for _, is_example in pieces(Source("A\\n----\\nB\\n----\\nC", "html", "post.adoc"))]
    [False, True, False]
    """
    result: list[tuple[Source, bool]] = []
    place, line = 0, source.first_line
    spans = [span for start, end in _examples(source) for span in ((start, False), (end, True))]
    for end, is_example in [*spans, (len(source.text), False)]:
        text = source.text[place:end]
        if text:
            result.append((replace(source, text=text, first_line=line), is_example))
        place, line = end, line + text.count("\n")
    return result


def _examples(source: Source) -> Iterator[tuple[int, int]]:
    markup = other_markup(source)
    if markup == "reStructuredText":
        yield from (found.span() for found in _INDENTED_EXAMPLE.finditer(source.text))
    opening: re.Match[str] | None = None
    for line in _DELIMITERS[markup].finditer(source.text) if markup in _DELIMITERS else ():
        if opening is None:
            opening = line
        elif line[1].lower() == opening[1].lower():
            yield opening.start(), line.end()
            opening = None
