"""Every mistake in a folder of content: ``python -m embedkit.sandbox.content.check [folder]``."""

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
    """What is wrong, each with the file and the key; empty where everything is in order."""
    content = Content(folder)
    found: list[str] = []
    for check in CHECKS:
        try:
            found += check(content)
        except ContentError as error:  # the file can't be read further
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
            yield f"{key}: a list of texts is needed"
            continue
        try:
            yield from (f"{key}: {{{slot}}} is not a slot" for slot in sorted(slots_in(templates) - slots))
        except ValueError as error:
            yield f"{key}: {error}"
    if subject.segment not in SEGMENTS:
        yield f"segment: {subject.segment} is not one of {', '.join(SEGMENTS[1:])}"
    if bool(subject.segment) != bool(subject.event):
        yield "event: editorial subjects have one, and creative ones have none"
    for key, pair in (("people", subject.people), ("ages", subject.ages)):
        if [type(number) for number in pair] != [int, int] or pair[0] > pair[1]:
            yield f"{key}: [least, most] is needed"


def _hours(content: Content) -> Iterator[str]:
    names = {key for hour in content.hours.values() for key in hour.colours}
    for name, hour in content.hours.items():
        yield from (f"hours.toml: {name}: {key} is missing" for key in sorted(names - hour.colours.keys()))


def _scenes(content: Content) -> Iterator[str]:
    for name in content.scenes:
        if not (content.folder / "scenes" / f"{name}.svg").is_file():
            yield f"scenes.toml: {name}: there is no scenes/{name}.svg"


def _collections(content: Content) -> Iterator[str]:
    for key in ("id", "code"):
        values = Counter(getattr(collection, key) for collection in content.words.collections)
        yield from (f"words.toml: collection: {key} {value} stands twice" for value in values if values[value] > 1)


def _pictures(content: Content) -> Iterator[str]:
    listed = {catalogue_id(number) for number in range(catalogue_size(content))}
    for asset_id, table in content.pictures.items():
        where = f"pictures.toml: {asset_id}"
        if not isinstance(table, dict):
            yield f"{where}: a table is needed"
            continue
        if asset_id in listed or (asset_id.startswith("6") and len(asset_id) == 9):
            yield f"{where}: another picture has this ID"
        unknown = sorted(table.keys() - PICTURE_KEYS)
        yield from (f"{where}: {key} is not a key here" for key in unknown)
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
                    yield f"{where}: {key}: {type(getattr(EXAMPLE, key)).__name__} is needed"


def _drawings(content: Content) -> Iterator[str]:
    for path in sorted(content.folder.glob("*/*.svg")):
        try:
            ElementTree.parse(path)  # our own files  # noqa: S314  # nosec B314
        except ElementTree.ParseError as error:
            yield f"{path.parent.name}/{path.name}: {error}"
    of_hours = frozenset.intersection(*(frozenset(hour.colours) for hour in content.hours.values()))
    for path in sorted((content.folder / "scenes").glob("*.svg")):
        yield from _drawing(content, f"scenes/{path.stem}", of_hours)


def _drawing(content: Content, name: str, given: frozenset[str], around: tuple[str, ...] = ()) -> Iterator[str]:
    """Slots that are set nowhere, in a drawing and in all its parts."""
    if name in around:
        yield f"{name}.svg: it uses itself"
        return
    try:
        drawing = content.drawing(name)
    except ContentError as error:
        yield str(error)
        return
    known = given | drawing.properties()
    yield from (f"{name}.svg: var(--{slot}) is set nowhere" for slot in sorted(drawing.slots() - known))
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
    print("\n".join(wrong) or "Everything is in order.")
    sys.exit(bool(wrong))
