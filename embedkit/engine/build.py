"""The steps of a site's build: warm, lock, check, render and convert its texts, each with a report.

For host integrations and the command line; nothing here prints or exits.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from embedkit import errors, validation
from embedkit.engine import built, documents, lockfile, wxr
from embedkit.engine.lockfile import Locked
from embedkit.engine.resolver import Progress
from embedkit.engine.sources import Post, Source, collect, other_markup, pieces
from embedkit.errors import ConfigurationError, EmbedKitError, NotEmbeddable, NotFound, ProviderError
from embedkit.files.atomic import Outcome, Read, Write, WriteBack
from embedkit.models import AssetRef, Document, Embed, EmbedKey, Problem
from embedkit.shortcodes.scan import Positions
from embedkit.targets import TARGETS, Target

if TYPE_CHECKING:
    from embedkit.kit import EmbedKit

EXIT_CODES = {
    kind.code: kind.exit_code
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ProviderError)
}
PASTED = "Pasted embed code is left unchanged; turn it into a shortcode with: embedkit convert --in-place"
NOT_LOCKED = "This picture is not in the lock file."
LOST = (NotFound, NotEmbeddable)  # withdrawn or not embeddable: retrying won't help

Found = Mapping[EmbedKey, Embed | EmbedKitError]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem at a place in a file.

    :param file: path of the file, as it was given.
    :param line: line number, from 1.
    :param column: column number, from 1, in code points.
    :param code: the error's code, such as ``not-found``, or that of a mistake in the text, such as ``shortcode``.
    :param detail: the message, as a sentence.
    :param ref: IDs of the picture concerned, separated by commas; empty if there isn't one.
    :param post: the post that it is in, for a WordPress export.
    :param lost: for a slideshow that can't be shown any more, the IDs of the pictures it has lost.

    >>> str(Finding("post.md", 3, 1, "not-found", "Getty Images has no such picture."))
    'post.md:3:1: not-found: Getty Images has no such picture.'
    """

    file: str
    line: int
    column: int
    code: str
    detail: str
    ref: str = ""
    post: Post | None = None
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        about = f" ({self.post})" if self.post else ""
        return f"{self.file}:{self.line}:{self.column}: {self.code}: {self.detail}{about}"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A reference at a place in a text, without the text itself."""

    source: Source
    line: int
    column: int
    ref: AssetRef


@dataclass(frozen=True, slots=True)
class Page:
    """A text and its result.

    :param source: the text.
    :param document: its result.
    :param changes: number of references replaced, or of pieces of embed code converted.
    """

    source: Source
    document: Document
    changes: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """The result of a step of a build.

    :param pages: the texts in order, for :meth:`Build.render` and :meth:`Build.convert`.
    :param distinct: number of distinct pictures.
    :param fetched: number of pictures fetched from Getty.
    :param stale: number of pictures shown from an old copy, because there is no new one.
    :param failed: IDs, separated by commas, and error of each picture that is not available.
    :param findings: the problems found, by place.
    :param exit_code: 0 for success, or else the exit code for a command.
    """

    pages: tuple[Page, ...] = ()
    distinct: int = 0
    fetched: int = 0
    stale: int = 0
    failed: tuple[tuple[str, EmbedKitError], ...] = ()
    findings: tuple[Finding, ...] = ()
    exit_code: int = 0

    @property
    def lost(self) -> tuple[str, ...]:
        """Pictures that are withdrawn or may not be embedded."""
        return tuple(ref for ref, error in self.failed if isinstance(error, LOST))


@dataclass(frozen=True, slots=True)
class LockReport(BuildReport):
    """The result of writing or checking the lock file.

    :param path: path of the lock file.
    :param locked: number of pictures in it.
    :param added: pictures added; with ``check=True``, pictures that are missing.
    :param dropped: pictures removed; with ``check=True``, pictures that no text uses.
    :param written: the outcome of writing the file; None if it was only checked.
    """

    path: Path = Path()
    locked: int = 0
    added: tuple[EmbedKey, ...] = ()
    dropped: tuple[EmbedKey, ...] = ()
    written: WriteBack | None = None


@dataclass(frozen=True, slots=True)
class ExportReport(BuildReport):
    """The result of converting a WordPress export.

    :param posts: number of posts, pages and attachments in it.
    :param changed: number of those that were changed.
    :param converted: number of pieces of embed code turned into shortcodes.
    """

    posts: int = 0
    changed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class Build:
    """The steps of a build with one kit: collect texts, then warm, lock, check, render or convert them.

    :param kit: the kit, preferably created with ``background=False`` and closed when the build is done.
    :param target: the target to render; by default the TARGET setting.
    :param strict: True lets :meth:`render` return the exit code of its worst problem.
    :raises ConfigurationError: for an unknown target.

    >>> from embedkit import Build, EmbedKit, Settings, Source
    >>> from embedkit.sandbox import SandboxTransport
    >>> with EmbedKit(Settings(cache="memory:"), transport=SandboxTransport(), background=False) as kit:
    ...     build = Build(kit, strict=True)
    ...     report = build.render([Source("A post: [getty 74917285]", "markdown")])
    ...     lost = [Source("[getty 74917285] [getty 500000404]")]
    ...     warmed, checked, locked = build.warm(lost), build.check(lost), build.lock(lost, check=True)
    >>> report.exit_code, report.pages[0].document.embeds[0].width
    (0, 395)
    >>> warmed.lost, [finding.code for finding in checked.findings], len(locked.added)
    (('500000404',), ['not-found'], 2)
    >>> from io import BytesIO
    >>> Build.convert(Build.collect("-", stdin=BytesIO(b"No embed code."))).exit_code
    0
    """

    kit: EmbedKit
    target: Target | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.target is not None:
            validation.one_of(self.target, TARGETS, "target")

    collect = staticmethod(collect)

    def render(
        self,
        sources: Iterable[Source],
        *,
        on_page: Callable[[Page], object] | None = None,
        progress: Progress | None = None,
    ) -> BuildReport:
        """Replace every reference with its embed, or with the fallback that ON_ERROR selects and a finding.

        :param sources: texts, as :meth:`collect` returns them.
        :param on_page: called with each page, in order, when it is finished. The report then contains no pages,
            which saves memory for a large site.
        :param progress: called with the number of pictures done and the total.
        :returns: the pages. The exit code is 0, or with ``strict`` that of the worst problem. In a frozen build
            (the FROZEN setting) it is 1 if a picture is missing from the lock file.
        """
        texts = [(source, other_markup(source)) for source in sources]
        wanted = [(source.text, source.input) for source, markup in texts if not markup]
        rendered = self.kit.engine.documents(wanted, target=self.target, progress=progress)
        pages: list[Page] = []
        findings: list[Finding] = []
        for source, markup in texts:
            document = _unrendered(source, markup) if markup else next(rendered)
            page = Page(source, document, len(document.embeds))
            (on_page or pages.append)(page)
            findings += [_finding(source, problem) for problem in document.problems]
            if not markup:
                findings += _unconverted(source)
        ordered = _in_order([source.name for source, _ in texts], findings)
        return BuildReport(tuple(pages), findings=ordered, exit_code=self._render_code(ordered))

    @staticmethod
    def convert(sources: Iterable[Source]) -> BuildReport:
        """Turn pasted embed code back into shortcodes. Needs no kit and no network.

        :param sources: texts, as :meth:`collect` returns them.
        :returns: the pages. The exit code is 1 if there was embed code, whether or not it could be converted.
        """
        pages = [_converted(source) for source in sources]
        findings = tuple(_finding(page.source, problem) for page in pages for problem in page.document.problems)
        code = int(bool(findings) or any(page.changes for page in pages))
        return BuildReport(tuple(pages), findings=findings, exit_code=code)

    @staticmethod
    def convert_export(
        export: Source,
        read: Read,
        write: Write,
        *,
        on_change: Callable[[int, bytes, bytes], object] | None = None,
        progress: Progress | None = None,
    ) -> ExportReport:
        """Turn pasted embed code in a WordPress export (WXR) back into shortcodes, post by post.

        The contents and excerpts of posts are converted. Embed code in comments and custom fields is left
        unchanged, and is a finding. Everything else is copied byte for byte. Holds one post in memory at a time.

        :param export: the export; one of :attr:`Sources.exports`.
        :param read: returns the next bytes of it, at most as many as requested.
        :param write: called with the new export, piece by piece.
        :param on_change: called with each changed post: its first line number, and its bytes before and after.
        :param progress: called with the number of bytes done and the total.
        :returns: the counts. The exit code is 1 if there was embed code, whether or not it could be converted.

        >>> from io import BytesIO
        >>> new = BytesIO()
        >>> Build.convert_export(Source("", path=os.devnull), BytesIO(b"<rss></rss>").read, new.write).exit_code
        0
        """
        total, done, posts, changed, converted = os.path.getsize(export.name), 0, 0, 0, 0
        findings: list[Finding] = []
        for result in wxr.convert(export, read):
            write(result.data)
            findings += [_finding(source, problem) for source, problem in result.left]
            posts, converted = posts + result.part.is_post, converted + result.converted
            if result.data != result.part.data:
                changed += 1
                if on_change:
                    on_change(result.part.line, result.part.data, result.data)
            done += len(result.part.data)
            if progress:
                progress(done, total)
        return ExportReport(
            findings=tuple(findings),
            exit_code=int(bool(findings or converted)),
            posts=posts,
            changed=changed,
            converted=converted,
        )

    def warm(self, sources: Iterable[Source], *, progress: Progress | None = None) -> BuildReport:
        """Fetch the pictures of these texts, so that rendering them needs no requests.

        :param sources: texts, as :meth:`collect` returns them.
        :param progress: called with the number of pictures done and the total.
        :returns: the counts and failures. The exit code is that of the worst failure.
        """
        places = occurrences(sources)
        warmed = self.kit.warm([place.ref for place in places], progress=progress)
        return BuildReport(
            **warmed._asdict(),
            findings=_failures(places, warmed.failed),
            exit_code=max((error.exit_code for _, error in warmed.failed), default=0),
        )

    def check(
        self, sources: Iterable[Source], *, fix: bool = False, progress: Progress | None = None
    ) -> LockReport:
        """Request every picture from Getty again, to find those that are withdrawn or not embeddable.

        Built pages are checked too: our own figures, and frames from Getty and from the services in FRAME_ORIGIN,
        OEMBED_ENDPOINT and PUBLIC_URL. For a lost slideshow, each of its pictures is requested separately.

        :param sources: texts, including those of exports, which are held one at a time (:func:`wxr.texts`).
        :param fix: True marks lost pictures in the lock file (the LOCKFILE setting), if there is one, and changes
            nothing else in it.
        :param progress: called with the number of pictures done and the total.
        :returns: the failures, the references that can't be read, and the pictures ``dropped`` from the lock file.
            The exit code is 1 if there are any, and higher if a picture can't be checked.
        :raises ConfigurationError: if the lock file can't be read, with ``fix``.
        """
        places: list[Occurrence] = []
        unread: list[Finding] = []
        names: dict[str, None] = {}
        frames = built.frames(self.kit.settings)
        for source in sources:
            names[source.name] = None
            places += occurrences([source], frames)
            unread += _unread(source)
        found = self.kit.records([place.ref for place in places], refresh=True, progress=progress)
        failed = _failed(found)
        lost = self._lost_from_slideshows(failed)
        codes = [1 if isinstance(error, LOST) else error.exit_code for _, error in failed]
        report = LockReport(
            distinct=len(found),
            failed=failed,
            findings=_in_order(names, (*_failures(places, failed, lost), *unread)),
            exit_code=max([int(bool(unread)), *codes]),
            path=Path(self.kit.settings.lockfile),
        )
        return _fixed(report, found) if fix else report

    def lock(
        self,
        sources: Iterable[Source],
        *,
        refresh: bool = False,
        check: bool = False,
        progress: Progress | None = None,
    ) -> LockReport:
        """Write the records of the texts' pictures into the lock file (the LOCKFILE setting).

        Locked records are kept, new ones are added, and those that no text uses are removed; so pass all texts of
        a site at once.

        :param sources: texts, as :meth:`collect` returns them.
        :param refresh: True also requests pictures again that are already locked.
        :param check: True writes nothing and makes no requests.
        :param progress: called with the number of pictures done and the total.
        :returns: what was added and removed. The exit code is that of the worst failure, and at least 1 if the
            file was changed by someone else meanwhile; with ``check``, 1 if the file is out of date.
        :raises ConfigurationError: if the lock file can't be read, or if the kit is frozen and this is not a
            check.
        """
        if self.kit.settings.frozen and not check:
            raise ConfigurationError("A frozen kit can't lock.", hint="Unset EMBEDKIT_FROZEN.")
        places = occurrences(sources)
        path = Path(self.kit.settings.lockfile)
        before = lockfile.read_bytes(path)
        held = {} if before is None else lockfile.load(before, path)
        wanted = {self.kit.key(place.ref) for place in places}
        if check:
            return _out_of_step(path, held, wanted, [(self.kit.key(place.ref), place) for place in places])
        ask = [place.ref for place in places if refresh or not self._covers(held, place.ref)]
        found = self.kit.records(ask, refresh=refresh, progress=progress)
        locked = _locked(held, found, wanted)
        written = lockfile.write_back(path, before, locked)
        failed = _failed(found)
        codes = [error.exit_code for _, error in failed]
        return LockReport(
            distinct=len(wanted),
            failed=failed,
            findings=_failures(places, failed),
            exit_code=max([int(written.outcome is Outcome.CHANGED_MEANWHILE), *codes]),
            path=path,
            locked=len(_pictures(locked)),
            added=tuple(sorted(_pictures(locked) - _pictures(held))),
            dropped=tuple(sorted(_pictures(held) - _pictures(locked))),
            written=written,
        )

    def _lost_from_slideshows(self, failed: Iterable[tuple[str, EmbedKitError]]) -> dict[str, tuple[str, ...]]:
        """Ask for each picture of lost slideshows; return the lost ones by the IDs of their slideshow."""
        shows = [ids.split(",") for ids, error in failed if "," in ids and isinstance(error, LOST)]
        found = self.kit.records([AssetRef((id,)) for ids in shows for id in ids], refresh=True)
        lost = {items for (items, _), error in found.items() if isinstance(error, LOST)}
        return {",".join(ids): tuple(id for id in ids if (id,) in lost) for ids in shows}

    def _render_code(self, findings: Iterable[Finding]) -> int:
        codes = [finding.code for finding in findings]
        if self.kit.settings.frozen:  # the build differs from what was locked
            return int(any(code in EXIT_CODES for code in codes) or bool(self.strict and codes))
        return max((EXIT_CODES.get(code, 1) for code in codes), default=0) if self.strict else 0

    def _covers(self, held: Locked, ref: AssetRef) -> bool:
        embed = held.get(self.kit.key(ref))
        return isinstance(embed, Embed) and embed.satisfies(ref.options)


def occurrences(sources: Iterable[Source], frames: built.Frames | None = None) -> list[Occurrence]:
    """Return every picture in texts, in order, with its place: references and pasted embed code.

    :param frames: pattern of the frames to find in built pages; None ignores pictures in built pages.

    >>> [(p.line, p.column, str(p.ref)) for p in occurrences([Source("A post:\\n[getty 74917285]")])]
    [(2, 1, '74917285')]
    """
    read = (piece for source in sources for piece, is_example in pieces(source) if not is_example)
    return [occurrence for piece in read for occurrence in _occurrences(piece, frames)]


def _occurrences(source: Source, frames: built.Frames | None) -> Iterator[Occurrence]:
    positions, bare = Positions(source.text), replace(source, text="")
    found = [(m.shortcode.place, m.ref) for m in documents.find(source.text, source.input) if m.ref]
    found += _pasted(source)
    if frames:
        found += built.find(source, frames, [place for place, _ in found])
    for place, ref in sorted(found, key=itemgetter(0)):
        yield Occurrence(bare, *source.place(*positions.of(place)), ref)


def _pasted(source: Source) -> list[tuple[int, AssetRef]]:
    if "gettyimages" not in source.text:
        return []
    from embedkit.getty import embed_code

    return [(code.start, code.ref) for code in embed_code.outside_code(source.text, source.input)]


# An unquoted YAML value, in which [getty …] would be a list.
_PLAIN_VALUE = re.compile(r"^([ \t]*(?:- )?(?:[\w-]+:[ \t]+)?)(\[getty [^\[\]\n]*\])[ \t]*$", re.MULTILINE)


def _converted(source: Source) -> Page:
    """Return a text with pasted embed code turned into shortcodes, except in code examples."""
    from embedkit.getty import embed_code

    content, count, problems = "", 0, []
    for piece, is_example in pieces(source):
        done = embed_code.Conversion(piece.text, 0) if is_example else embed_code.convert(piece.text, piece.input)
        content, count = content + done.text, count + done.converted
        below = piece.first_line - source.first_line
        problems += [problem._replace(line=problem.line + below) for problem in done.problems]
    if count and source.name.endswith((".yaml", ".yml")):
        content = _PLAIN_VALUE.sub(lambda found: f'{found[1]}"{found[2].replace(chr(34), "")}"', content)
    return Page(source, Document(content, (), tuple(problems)), count)


def _unconverted(source: Source) -> list[Finding]:
    """Return a finding for each piece of pasted embed code, which rendering leaves unchanged."""
    if not (pasted := _pasted(source)):
        return []
    positions = Positions(source.text)
    return [_finding(source, Problem(*positions.of(place), "embed-code", PASTED)) for place, _ in pasted]


def _unread(source: Source) -> Iterator[Finding]:
    """Yield the problems of a text's references, and of apparent embed code that can't be read."""
    for piece, is_example in pieces(source):
        for match in () if is_example else documents.find(piece.text, piece.input):
            yield from (_finding(piece, problem) for problem in match.problems)
    if "gettyimages" in source.text:
        yield from (_finding(source, problem) for problem in _converted(source).document.problems)


def _in_order(names: Iterable[str], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by their place in the texts of these names."""
    order = {name: number for number, name in enumerate(names)}
    return tuple(sorted(findings, key=lambda finding: (order[finding.file], finding.line, finding.column)))


def _finding(source: Source, problem: Problem) -> Finding:
    place = source.place(problem.line, problem.column)
    return Finding(source.name, *place, problem.code, problem.detail, post=source.post)


def _failed(found: Found) -> tuple[tuple[str, EmbedKitError], ...]:
    errors = {",".join(items): error for (items, _), error in found.items() if isinstance(error, EmbedKitError)}
    return tuple(errors.items())


def _failures(
    places: Iterable[Occurrence],
    failed: Iterable[tuple[str, EmbedKitError]],
    lost: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Finding, ...]:
    """Return a finding for every occurrence of every picture that failed."""
    errors = dict(failed)
    known = [(place, ref, errors[ref]) for place in places if (ref := str(place.ref)) in errors]
    return tuple(
        Finding(*_place(place), error.code, str(error), ref, place.source.post, (lost or {}).get(ref, ()))
        for place, ref, error in known
    )


def _place(place: Occurrence) -> tuple[str, int, int]:
    return place.source.name, place.line, place.column


def _locked(held: Locked, found: Found, wanted: set[EmbedKey]) -> Locked:
    """Return the new content of the lock file; locked records are kept while Getty is down."""
    fresh = {key: record for key, record in found.items() if isinstance(record, (Embed, *LOST))}
    return {key: record for key, record in {**held, **fresh}.items() if key in wanted}


def _fixed(report: LockReport, found: Found) -> LockReport:
    """Mark lost pictures in the lock file, for every tld, and return the updated report."""
    if (before := lockfile.read_bytes(report.path)) is None:
        return report
    held = lockfile.load(before, report.path)
    lost = {items: error for (items, _), error in found.items() if isinstance(error, LOST)}
    marked = {key: lost[key[0]] for key in _pictures(held) if key[0] in lost}
    if not marked:
        return replace(report, locked=len(_pictures(held)))
    written = lockfile.write_back(report.path, before, {**held, **marked})
    return replace(
        report, locked=len(_pictures(held)) - len(marked), dropped=tuple(sorted(marked.keys())), written=written
    )


def _pictures(locked: Locked) -> set[EmbedKey]:
    return {key for key, record in locked.items() if isinstance(record, Embed)}


def _out_of_step(
    path: Path,
    held: Locked,
    wanted: set[EmbedKey],
    places: Iterable[tuple[EmbedKey, Occurrence]],
) -> LockReport:
    present = _pictures(held)
    missing, unused = tuple(sorted(wanted - present)), tuple(sorted(present - wanted))
    return LockReport(
        distinct=len(wanted),
        exit_code=int(bool(missing or unused)),
        path=path,
        locked=len(present),
        added=missing,
        dropped=unused,
        findings=tuple(
            Finding(place.source.name, place.line, place.column, *_unlocked(held.get(key)), str(place.ref))
            for key, place in places
            if key not in present
        ),
    )


def _unlocked(found: Embed | EmbedKitError | None) -> tuple[str, str]:
    """Return why a picture is not in the lock file, as a code and a message."""
    if isinstance(found, EmbedKitError):
        return found.code, "It is withdrawn, or may not be embedded: choose another picture."
    return "not-locked", NOT_LOCKED


def _unrendered(source: Source, markup: str) -> Document:
    """Return a text, in markup that embeds can't be rendered into, with a problem for each picture in it."""
    detail = f"This is {markup}: embeds can't be rendered into it. Render the HTML generated from it instead."
    places = occurrences([source])
    return Document(
        source.text,
        (),
        tuple(Problem(p.line - source.first_line + 1, p.column, "not-rendered", detail) for p in places),
    )
