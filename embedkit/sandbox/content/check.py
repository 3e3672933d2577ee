"""Every mistake in a folder of content: ``python -m embedkit.sandbox.content.check [folder]``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from xml.etree import ElementTree

from embedkit.sandbox.catalogue import Asset, listed_id, special, whole
from embedkit.sandbox.content.library import FOLDER, Content
from embedkit.sandbox.content.reading import ContentError
from embedkit.sandbox.content.texts import GIVEN, Subject, slots_in

SEGMENTS = ("", "news", "sport", "entertainment")
PICTURE_KEYS = frozenset(field.name for field in fields(Asset)) - {"id", "family", "series"}


def mistakes(folder: Path = FOLDER) -> list[str]:
    """What is wrong, each with the file and the key; empty where everything is in order."""
    content = Content(folder)
    checks: tuple[Callable[[Content], Iterator[str]], ...] = (_subjects, _hours, _scenes, _pictures, _drawings)
    found: list[str] = []
    for check in checks:
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
    for key in ("titles", "captions", "keywords"):
        if not getattr(subject, key):
            yield f"{key}: at least one is needed"
    slots = content.words.slots.keys() | GIVEN
    for key, templates in (
        ("titles", subject.titles),
        ("captions", subject.captions),
        ("event", (subject.event,)),
    ):
        yield from (f"{key}: {{{slot}}} is not a slot" for slot in sorted(slots_in(templates) - slots))
    if subject.segment not in SEGMENTS:
        yield f"segment: {subject.segment} is not one of {', '.join(SEGMENTS[1:])}"
    if bool(subject.segment) != bool(subject.event):
        yield "event: editorial subjects have one, and creative ones have none"
    for key, pair in (("people", subject.people), ("ages", subject.ages)):
        if len(pair) != 2 or pair[0] > pair[1]:
            yield f"{key}: [least, most] is needed"


def _hours(content: Content) -> Iterator[str]:
    names = {key for hour in content.hours.values() for key in hour.colours}
    for name, hour in content.hours.items():
        yield from (f"hours.toml: {name}: {key} is missing" for key in sorted(names - hour.colours.keys()))


def _scenes(content: Content) -> Iterator[str]:
    for name in content.scenes:
        if not (content.folder / "scenes" / f"{name}.svg").is_file():
            yield f"scenes.toml: {name}: there is no scenes/{name}.svg"


def _pictures(content: Content) -> Iterator[str]:
    listed = {listed_id(number) for number in range(whole(content))}
    for asset_id, table in content.pictures.items():
        where = f"pictures.toml: {asset_id}"
        if asset_id in listed or (asset_id.startswith("6") and len(asset_id) == 9):
            yield f"{where}: another picture has this ID"
        unknown = sorted(table.keys() - PICTURE_KEYS)
        yield from (f"{where}: {key} is not a key here" for key in unknown)
        if "scene" not in table:
            yield f"{where}: scene is missing"
        elif not unknown:
            try:
                special(asset_id, content)
            except ContentError as error:
                yield f"{where}: scene: {error}"


def _drawings(content: Content) -> Iterator[str]:
    for path in sorted(content.folder.glob("*/*.svg")):
        try:
            ElementTree.parse(path)  # noqa: S314 - our own files
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


if __name__ == "__main__":
    wrong = mistakes(*(Path(name) for name in sys.argv[1:2]))
    print("\n".join(wrong) or "Everything is in order.")
    sys.exit(bool(wrong))
