"""Find all mistakes in a content folder: ``python -m embedkit.sandbox.content.check [folder]``."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree  # nosec B405

from embedkit.sandbox.content.catalogue import Asset, catalogue_id, catalogue_size, invent, special_asset
from embedkit.sandbox.content.library import FOLDER, Content
from embedkit.sandbox.content.texts import BUILT_IN_SLOTS, ContentError, Subject, slots_in

SEGMENTS = ("", "news", "sport", "entertainment")
EXAMPLE = invent("600000000")
PICTURE_KEYS = frozenset(field.name for field in fields(Asset)) - {"id", "family", "series", "event_id"}


def mistakes(folder: Path = FOLDER) -> list[str]:
    """Return a message for each mistake, with its file and key; empty if there are none."""
    content = Content(folder)
    found: list[str] = []
    for check in CHECKS:
        try:
            found += check(content)
        except ContentError as error:  # the rest of the file can't be read
            found.append(str(error))
    return list(dict.fromkeys(found))


def _subjects(content: Content) -> Iterator[str]:
    for name, subjects in (("subjects.toml", content.subjects), ("everyday.toml", content.everyday)):
        for number, subject in enumerate(subjects, 1):
            for problem in _subject(content, subject):
                yield f"{name}: subject {number} ({subject.scene}): {problem}"


def _subject(content: Content, subject: Subject) -> Iterator[str]:
    if not (content.folder / "scenes" / f"{subject.scene}.svg").is_file():
        yield f"scene: there is no scenes/{subject.scene}.svg"
    slots = content.words.slots.keys() | BUILT_IN_SLOTS
    texts = {"titles": subject.titles, "captions": subject.captions, "keywords": subject.keywords}
    for key, templates in (texts | {"event": (subject.event,)}).items():
        if not isinstance(templates, tuple) or not templates or not all(isinstance(one, str) for one in templates):
            yield f"{key}: must be a list of texts"
            continue
        try:
            yield from (f"{key}: {{{slot}}} is not a slot" for slot in sorted(slots_in(templates) - slots))
        except ValueError as error:
            yield f"{key}: {error}"
    if subject.segment not in SEGMENTS:
        yield f"segment: {subject.segment} is not one of {', '.join(SEGMENTS[1:])}"
    if bool(subject.segment) != bool(subject.event):
        yield "event: required with a segment, not allowed without one"
    for key, pair in (("people", subject.people), ("ages", subject.ages)):
        if [type(number) for number in pair] != [int, int] or pair[0] > pair[1]:
            yield f"{key}: must be [minimum, maximum]"


def _hours(content: Content) -> Iterator[str]:
    names = {key for hour in content.hours.values() for key in hour.colors}
    for name, hour in content.hours.items():
        yield from (f"hours.toml: {name}: {key} is missing" for key in sorted(names - hour.colors.keys()))


def _scenes(content: Content) -> Iterator[str]:
    for name in content.scenes:
        if not (content.folder / "scenes" / f"{name}.svg").is_file():
            yield f"scenes.toml: {name}: there is no scenes/{name}.svg"


def _collections(content: Content) -> Iterator[str]:
    for key in ("id", "code"):
        values = Counter(getattr(collection, key) for collection in content.words.collections)
        yield from (f"words.toml: collection: duplicate {key} {value}" for value in values if values[value] > 1)


def _pictures(content: Content) -> Iterator[str]:
    listed = {catalogue_id(number) for number in range(catalogue_size(content))}
    for asset_id, table in content.pictures.items():
        where = f"pictures.toml: {asset_id}"
        if not isinstance(table, dict):
            yield f"{where}: must be a table"
            continue
        if asset_id in listed or (asset_id.startswith("6") and len(asset_id) == 9):
            yield f"{where}: another picture has this ID"
        unknown = sorted(table.keys() - PICTURE_KEYS)
        yield from (f"{where}: {key} is not a valid key" for key in unknown)
        if "scene" not in table:
            yield f"{where}: scene is missing"
        elif not unknown:
            try:
                made = special_asset(asset_id, content)
            except ContentError as error:
                yield f"{where}: scene: {error}"
                continue
            for key in table:
                if type(getattr(made, key)) is not type(getattr(EXAMPLE, key)):
                    yield f"{where}: {key}: must be of type {type(getattr(EXAMPLE, key)).__name__}"


def _drawings(content: Content) -> Iterator[str]:
    for path in sorted(content.folder.glob("*/*.svg")):
        try:
            ElementTree.parse(path)  # our own files  # noqa: S314  # nosec B314
        except ElementTree.ParseError as error:
            yield f"{path.parent.name}/{path.name}: {error}"
    of_hours = frozenset.intersection(*(frozenset(hour.colors) for hour in content.hours.values()))
    for path in sorted((content.folder / "scenes").glob("*.svg")):
        yield from _drawing(content, f"scenes/{path.stem}", of_hours)


def _drawing(content: Content, name: str, given: frozenset[str], around: tuple[str, ...] = ()) -> Iterator[str]:
    """Find the undefined slots in a drawing and all its parts."""
    if name in around:
        yield f"{name}.svg: uses itself"
        return
    try:
        drawing = content.drawing(name)
    except ContentError as error:
        yield str(error)
        return
    known = given | drawing.properties()
    yield from (f"{name}.svg: var(--{slot}) is not defined" for slot in sorted(drawing.slots() - known))
    for part, own in drawing.parts():
        yield from _drawing(content, part, known | own, (*around, name))


CHECKS: tuple[Callable[[Content], Iterator[str]], ...] = (
    _subjects,
    _hours,
    _scenes,
    _collections,
    _pictures,
    _drawings,
)

if __name__ == "__main__":
    wrong = mistakes(*(Path(name) for name in sys.argv[1:2]))
    print("\n".join(wrong) or "No mistakes found.")
    sys.exit(bool(wrong))
