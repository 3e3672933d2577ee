"""What a build of a site does with its texts: warm, lock, check, render, convert, each with a report.

For every host and for the command line alike: nothing here prints or ends the process.
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
PASTED = "Pasted embed code stays as it is; embedkit convert --in-place makes a shortcode of it."
NOT_LOCKED = "This picture is not in the lock file."
LOST = (NotFound, NotEmbeddable)  # withdrawn, or not to be embedded: no later try changes it

Found = Mapping[EmbedKey, Embed | EmbedKitError]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at a place of a file.

    :param file: as it was named.
    :param line: 1-based.
    :param column: 1-based, in code points.
    :param code: of the error, as ``not-found``, or of the mistake in the text, as ``shortcode``.
    :param detail: a sentence.
    :param ref: the IDs of the picture, joined by commas, where it is about one.
    :param post: of an export, in which it is.
    :param lost: of a slideshow that can't be shown any more, the IDs of the pictures that it has lost.

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
    """A reference at a place of a text, which is not kept itself."""

    source: Source
    line: int
    column: int
    ref: AssetRef


@dataclass(frozen=True, slots=True)
class Page:
    """A text and what became of it.

    :param changes: how many references were replaced, or how much pasted code was converted.
    """

    source: Source
    document: Document
    changes: int


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a step of a build came to.

    :param pages: the texts in order, of :meth:`Build.render` and :meth:`Build.convert`.
    :param distinct: pictures asked for, each counted once.
    :param fetched: pictures that came from Getty now.
    :param stale: pictures that are shown by an old copy, since there is no new one.
    :param failed: IDs, joined by commas, and error of each picture that can't be had.
    :param findings: what is wrong, place by place.
    :param exit_code: 0 for success, else what a command should exit with.
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
    """What became of the lock file, or would become of it.

    :param path: of the lock file.
    :param locked: how many pictures are in it.
    :param added: pictures that were added; with ``check=True``, that are missing.
    :param dropped: pictures that were dropped; with ``check=True``, that no text needs.
    :param written: what became of the file; None where it was only checked.
    """

    path: Path = Path()
    locked: int = 0
    added: tuple[EmbedKey, ...] = ()
    dropped: tuple[EmbedKey, ...] = ()
    written: WriteBack | None = None


@dataclass(frozen=True, slots=True)
class ExportReport(BuildReport):
    """What became of an export of WordPress.

    :param posts: how many there are in it: posts, pages, attachments.
    :param changed: how many of them have been changed.
    :param converted: how much pasted code became a shortcode.
    """

    posts: int = 0
    changed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class Build:
    """The steps of a build, over one kit: collect texts, then warm, lock, check, render or convert them.

    :param kit: best made with ``background=False``, and closed when the build is done.
    :param target: what the markup is for; by default the setting TARGET.
    :param strict: let :meth:`render` end with the code of its worst problem.
    :raises ConfigurationError: for another target.

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
        """Replace every reference by its embed; what can't be shown degrades by ON_ERROR, and is a finding.

        :param sources: as :meth:`collect` returns them.
        :param on_page: called with each page when it is made, in order; then the report keeps none of them, and a
            large site takes less memory.
        :param progress: called with the number of pictures done and of all.
        :returns: the pages. The exit code is 0, unless ``strict``: then that of the worst problem. In a frozen
            build (the setting FROZEN) it is 1 wherever a picture is missing from the lock file.
        """
        texts = [(one, other_markup(one)) for one in sources]
        wanted = [(one.text, one.input) for one, markup in texts if not markup]
        rendered = self.kit.engine.documents(wanted, target=self.target, progress=progress)
        pages: list[Page] = []
        findings: list[Finding] = []
        for one, markup in texts:
            document = _as_it_is(one, markup) if markup else next(rendered)
            page = Page(one, document, len(document.embeds))
            (on_page or pages.append)(page)
            findings += [_finding(one, problem) for problem in document.problems]
            if not markup:
                findings += _left_as_it_is(one)
        ordered = _in_order([one.name for one, _ in texts], findings)
        return BuildReport(tuple(pages), findings=ordered, exit_code=self._render_code(ordered))

    @staticmethod
    def convert(sources: Iterable[Source]) -> BuildReport:
        """Turn pasted embed code back into shortcodes; needs no kit and no network.

        :param sources: as :meth:`collect` returns them.
        :returns: the pages. The exit code is 1 where there was something to convert, or that couldn't be.
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
        """Turn pasted embed code in an export of WordPress (WXR) back into shortcodes, post by post.

        In the contents of posts and their excerpts; what is in comments and custom fields is left, and is a
        finding. Everything else is copied byte for byte. Takes memory for one post.

        :param export: one of :attr:`Sources.exports`.
        :param read: gives at most so many bytes of it at a time.
        :param write: takes the new export, piece by piece.
        :param on_change: called with each post that is changed: its first line, the bytes before and after.
        :param progress: called with the number of bytes done and of all.
        :returns: the counts. The exit code is 1 where there was something to convert, or that couldn't be.

        >>> from io import BytesIO
        >>> new = BytesIO()
        >>> Build.convert_export(Source("", path=os.devnull), BytesIO(b"<rss></rss>").read, new.write).exit_code
        0
        """
        total, done, posts, changed, converted = os.path.getsize(export.name), 0, 0, 0, 0
        findings: list[Finding] = []
        for one in wxr.convert(export, read):
            write(one.data)
            findings += [_finding(source, problem) for source, problem in one.left]
            posts, converted = posts + one.part.is_post, converted + one.converted
            if one.data != one.part.data:
                changed += 1
                if on_change:
                    on_change(one.part.line, one.part.data, one.data)
            done += len(one.part.data)
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
        """Fetch what texts will need, so that rendering asks for nothing.

        :param sources: as :meth:`collect` returns them.
        :param progress: called with the number of pictures done and of all.
        :returns: what was fetched. The exit code is that of the worst failure.
        """
        places = occurrences(sources)
        warmed = self.kit.warm([one.ref for one in places], progress=progress)
        return BuildReport(
            **warmed._asdict(),
            findings=_failures(places, warmed.failed),
            exit_code=max((error.exit_code for _, error in warmed.failed), default=0),
        )

    def check(
        self, sources: Iterable[Source], *, fix: bool = False, progress: Progress | None = None
    ) -> LockReport:
        """Ask Getty anew for every picture, to find those that are withdrawn or not embeddable.

        Pages that have been built are read as well: our figures, and frames of Getty and of the services that
        FRAME_ORIGIN, OEMBED_ENDPOINT and PUBLIC_URL name. Of a lost slideshow each picture is asked for by itself.

        :param sources: texts, with those of exports, of which one is held at a time (:func:`wxr.texts`).
        :param fix: have the lock file (the setting LOCKFILE), where there is one, say so of them; all else in it
            stays.
        :param progress: called with the number of pictures done and of all.
        :returns: the failures, what in the texts can't be read, and what was ``dropped`` from the lock file. The
            exit code is 1 where there are any, more where a picture can't be checked.
        :raises ConfigurationError: with ``fix``, where the lock file can't be read.
        """
        places: list[Occurrence] = []
        unread: list[Finding] = []
        names: dict[str, None] = {}
        frames = built.frames(self.kit.settings)
        for source in sources:
            names[source.name] = None
            places += occurrences([source], frames)
            unread += _unread(source)
        found = self.kit.records([one.ref for one in places], refresh=True, progress=progress)
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
        """Write the records that texts need into the lock file (the setting LOCKFILE).

        Locked records are kept, new ones added, those that no text needs dropped: pass all texts of a site
        at once.

        :param sources: as :meth:`collect` returns them.
        :param refresh: ask again for the pictures that are locked already.
        :param check: write nothing, and ask for nothing.
        :param progress: called with the number of pictures done and of all.
        :returns: what was added and dropped. The exit code is that of the worst failure, and 1 where the file was
            changed meanwhile; with ``check``, 1 where it is out of step.
        :raises ConfigurationError: where the lock file can't be read; where the kit is frozen, except to check.
        """
        if self.kit.settings.frozen and not check:
            raise ConfigurationError("A frozen kit can't lock.", hint="Unset EMBEDKIT_FROZEN.")
        places = occurrences(sources)
        path = Path(self.kit.settings.lockfile)
        before = lockfile.read_bytes(path)
        held = {} if before is None else lockfile.load(before, path)
        wanted = {self.kit.key(one.ref) for one in places}
        if check:
            return _out_of_step(path, held, wanted, [(self.kit.key(one.ref), one) for one in places])
        ask = [one.ref for one in places if refresh or not self._covers(held, one.ref)]
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
        """Which pictures slideshows have lost, by the IDs of these; Getty answers for all of one at once."""
        shows = [ids.split(",") for ids, error in failed if "," in ids and isinstance(error, LOST)]
        found = self.kit.records([AssetRef((id,)) for ids in shows for id in ids], refresh=True)
        lost = {items for (items, _), one in found.items() if isinstance(one, LOST)}
        return {",".join(ids): tuple(id for id in ids if (id,) in lost) for ids in shows}

    def _render_code(self, findings: Iterable[Finding]) -> int:
        codes = [one.code for one in findings]
        if self.kit.settings.frozen:  # the build is not what it was locked to be
            return int(any(code in EXIT_CODES for code in codes) or bool(self.strict and codes))
        return max((EXIT_CODES.get(code, 1) for code in codes), default=0) if self.strict else 0

    def _covers(self, held: Locked, ref: AssetRef) -> bool:
        embed = held.get(self.kit.key(ref))
        return isinstance(embed, Embed) and embed.satisfies(ref.options)


def occurrences(sources: Iterable[Source], frames: built.Frames | None = None) -> list[Occurrence]:
    """Every picture that texts ask for, in order, with its place: references, and embed code that was pasted.

    :param frames: with them, pictures in pages that have been built as well.

    >>> [(one.line, one.column, str(one.ref)) for one in occurrences([Source("A post:\\n[getty 74917285]")])]
    [(2, 1, '74917285')]
    """
    read = (piece for source in sources for piece, is_example in pieces(source) if not is_example)
    return [one for piece in read for one in _occurrences(piece, frames)]


def _occurrences(source: Source, frames: built.Frames | None) -> Iterator[Occurrence]:
    positions, bare = Positions(source.text), replace(source, text="")
    found = [(one.shortcode.place, one.ref) for one in documents.find(source.text, source.input) if one.ref]
    found += _pasted(source)
    if frames:
        found += built.find(source, frames, [place for place, _ in found])
    for place, ref in sorted(found, key=itemgetter(0)):
        yield Occurrence(bare, *source.place(*positions.of(place)), ref)


def _pasted(source: Source) -> list[tuple[int, AssetRef]]:
    if "gettyimages" not in source.text:
        return []
    from embedkit.getty import embed_code

    return [(one.start, one.ref) for one in embed_code.outside_code(source.text, source.input)]


# A value of YAML that is not quoted: there [getty …] would be a list.
_PLAIN_VALUE = re.compile(r"^([ \t]*(?:- )?(?:[\w-]+:[ \t]+)?)(\[getty [^\[\]\n]*\])[ \t]*$", re.MULTILINE)


def _converted(source: Source) -> Page:
    """A text with pasted embed code turned into shortcodes, but for examples."""
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


def _left_as_it_is(source: Source) -> list[Finding]:
    """Pasted code that a rendering doesn't touch."""
    if not (pasted := _pasted(source)):
        return []
    positions = Positions(source.text)
    return [_finding(source, Problem(*positions.of(place), "embed-code", PASTED)) for place, _ in pasted]


def _unread(source: Source) -> Iterator[Finding]:
    """What is wrong with the references of a text, and what looks like embed code and is not understood."""
    for piece, is_example in pieces(source):
        for match in () if is_example else documents.find(piece.text, piece.input):
            yield from (_finding(piece, problem) for problem in match.problems)
    if "gettyimages" in source.text:
        yield from (_finding(source, problem) for problem in _converted(source).document.problems)


def _in_order(names: Iterable[str], findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as they stand in the texts of these names."""
    order = {name: number for number, name in enumerate(names)}
    return tuple(sorted(findings, key=lambda one: (order[one.file], one.line, one.column)))


def _finding(source: Source, problem: Problem) -> Finding:
    place = source.place(problem.line, problem.column)
    return Finding(source.name, *place, problem.code, problem.detail, post=source.post)


def _failed(found: Found) -> tuple[tuple[str, EmbedKitError], ...]:
    errors = {",".join(items): one for (items, _), one in found.items() if isinstance(one, EmbedKitError)}
    return tuple(errors.items())


def _failures(
    places: Iterable[Occurrence],
    failed: Iterable[tuple[str, EmbedKitError]],
    lost: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Finding, ...]:
    """A finding for every place of every picture that failed."""
    errors = dict(failed)
    known = [(one, ref, errors[ref]) for one in places if (ref := str(one.ref)) in errors]
    return tuple(
        Finding(*_place(one), error.code, str(error), ref, one.source.post, (lost or {}).get(ref, ()))
        for one, ref, error in known
    )


def _place(one: Occurrence) -> tuple[str, int, int]:
    return one.source.name, one.line, one.column


def _locked(held: Locked, found: Found, wanted: set[EmbedKey]) -> Locked:
    """What belongs into the lock file: while Getty is down, what was locked stays."""
    fresh = {key: one for key, one in found.items() if isinstance(one, (Embed, *LOST))}
    return {key: one for key, one in {**held, **fresh}.items() if key in wanted}


def _fixed(report: LockReport, found: Found) -> LockReport:
    """The report, once the lock file says what was lost, whatever the tld that it was locked for."""
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
    return {key for key, one in locked.items() if isinstance(one, Embed)}


def _out_of_step(
    path: Path,
    held: Locked,
    wanted: set[EmbedKey],
    places: Iterable[tuple[EmbedKey, Occurrence]],
) -> LockReport:
    there = _pictures(held)
    missing, unused = tuple(sorted(wanted - there)), tuple(sorted(there - wanted))
    return LockReport(
        distinct=len(wanted),
        exit_code=int(bool(missing or unused)),
        path=path,
        locked=len(there),
        added=missing,
        dropped=unused,
        findings=tuple(
            Finding(one.source.name, one.line, one.column, *_unlocked(held.get(key)), str(one.ref))
            for key, one in places
            if key not in there
        ),
    )


def _unlocked(found: Embed | EmbedKitError | None) -> tuple[str, str]:
    """Why a picture is not in the lock file: code and detail."""
    if isinstance(found, EmbedKitError):
        return found.code, "It is withdrawn, or may not be embedded: choose another picture."
    return "not-locked", NOT_LOCKED


def _as_it_is(source: Source, markup: str) -> Document:
    """A text in markup that embeds can't be rendered into; with a problem for each picture that it asks for."""
    detail = f"This is {markup}: embeds can't be rendered into it. Render the HTML that is made of it."
    places = occurrences([source])
    return Document(
        source.text,
        (),
        tuple(Problem(one.line - source.first_line + 1, one.column, "not-rendered", detail) for one in places),
    )
