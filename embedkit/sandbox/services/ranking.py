"""Full-text search: pictures that match more of the phrase's words rank first, then rarer words and better fields.

Words are compared without accents, case and plural forms. Stop words ("the", "of") are ignored. Quoted words must
appear next to each other in one of the picture's texts. Commas separate words, like spaces.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from embedkit.sandbox.content import traits
from embedkit.sandbox.content.catalogue import Asset, catalogue
from embedkit.sandbox.content.texts import fold
from embedkit.sandbox.services.places import country_of

MAX_WORDS = 32  # of a phrase; the rest is ignored
STOP_WORDS = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its", "near"),
        *("of", "off", "on", "or", "over", "that", "the", "their", "to", "was", "with"),
    )
)
_PLURALS = {
    "children": "child",
    "men": "man",
    "women": "woman",
    "people": "person",
    "movies": "movie",
    "skis": "ski",
    "taxis": "taxi",
    "buses": "bus",
}
_NO_PEOPLE = re.compile(r"\bno (?:people|person)\b")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A search phrase: its words without stop words, and the words of each quoted part."""

    words: tuple[str, ...]
    quoted: tuple[tuple[str, ...], ...] = ()


def tokens(text: str) -> list[str]:
    """Return the words of a text, in the singular."""
    folded = _NO_PEOPLE.sub("nobody", fold(text))
    return [singular(word) for word in re.findall(r"\w+", folded)]


def phrase_of(text: str) -> Phrase:
    """Parse a search phrase."""
    straight = re.sub(r"[“”„«»]", '"', text)
    quoted = tuple(row for part in re.findall(r'"([^"]+)"', straight) if (row := tuple(tokens(part))))
    every = list(dict.fromkeys(tokens(straight)))[:MAX_WORDS]
    words = [word for word in every if word not in STOP_WORDS]
    return Phrase(tuple(words or every), quoted[:MAX_WORDS])


def singular(word: str) -> str:
    """Return the singular of an English word, by a few simple rules."""
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) < 4 or not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]


_BUILDING = threading.Lock()  # functools.cache alone would let concurrent threads each build an index
MIN_SIMILARITY = 0.78  # of a word and its correction, as measured by difflib
# the weight of a word by the field it is in
_TITLE, _PERSON, _KEYWORD, _EVENT, _CAPTION, _CREDIT, _TRANSLATION = 3.0, 2.5, 2.0, 1.5, 1.0, 0.8, 0.5
_ADJACENT = 2.0  # bonus if all words of the phrase are next to each other
_POPULARITY = 0.5  # bonus for the most popular picture
_SAME_COUNTRY = 1.0  # bonus for pictures from the caller's country


_SPELLING = re.compile(r"[a-z]{4,24}")
Text = tuple[tuple[str, ...], list[str]]  # its words, and the spellings that corrections can use


@dataclass(frozen=True, slots=True)
class Hit:
    """A search result; ``words`` is the number of words that the picture matches."""

    id: str
    words: int


class Index:
    """An inverted index of the texts of all pictures in the catalogue."""

    def __init__(self, assets: Iterable[Asset]) -> None:
        self._ids: list[str] = []
        self._texts: list[tuple[tuple[str, ...], ...]] = []
        self._postings: dict[str, dict[int, float]] = {}
        self._popularity: list[float] = []
        self._countries: list[str] = []
        self._spellings: set[str] = set()
        read = cache(_read)  # many pictures share texts
        for asset in assets:
            self._add(asset, read)
        self._spelled = sorted(self._spellings)

    def search(self, phrase: Phrase, country: str = "") -> list[Hit]:
        """Return the pictures that match at least one of the words, the best first.

        :param country: an alpha-3 code; pictures from that country rank slightly higher.
        """
        found: dict[int, tuple[int, float]] = {}
        for word in phrase.words:
            places = self._postings.get(word, {})
            rarity = math.log(1 + len(self._ids) / (len(places) or 1))
            for at, weight in places.items():
                count, score = found.get(at, (0, 0.0))
                found[at] = count + 1, score + weight * rarity
        scored = [
            (-count, -self._score(at, score, phrase, country), at)
            for at, (count, score) in found.items()
            if all(self._contains(at, row) for row in phrase.quoted)
        ]
        return [Hit(self._ids[at], -count) for count, _, at in sorted(scored)]

    def correct(self, text: str) -> str | None:
        """Replace unknown words in a phrase by similar known ones; return None if nothing was replaced."""
        fixed, changed = fold(text), 0
        for word in list(dict.fromkeys(_SPELLING.findall(fixed)))[:MAX_WORDS]:
            if singular(word) in self._postings or word in STOP_WORDS:
                continue
            if near := get_close_matches(word, self._spelled, n=1, cutoff=MIN_SIMILARITY):
                fixed, changed = re.sub(rf"\b{word}\b", near[0], fixed), changed + 1
        return fixed if changed else None

    def _add(self, asset: Asset, read: Callable[[str], Text]) -> None:
        at = len(self._ids)
        self._ids.append(asset.id)
        self._popularity.append(traits.popularity(asset))
        self._countries.append(country_of(asset.country).alpha_3)
        texts = []
        for weight, text in _texts(asset):
            row, spellings = read(text)
            texts.append(row)
            for word in row:
                places = self._postings.setdefault(word, {})
                if weight > places.get(at, 0.0):
                    places[at] = weight
            if weight != _TRANSLATION:
                self._spellings.update(spellings)
        self._texts.append(tuple(texts))

    def _score(self, at: int, score: float, phrase: Phrase, country: str) -> float:
        if len(phrase.words) > 1 and self._contains(at, phrase.words):
            score += _ADJACENT
        return score + _POPULARITY * self._popularity[at] + _SAME_COUNTRY * (country == self._countries[at])

    def _contains(self, at: int, row: tuple[str, ...]) -> bool:
        """Return whether one of the picture's texts has these words next to each other."""
        long = len(row)
        return any(
            text[start : start + long] == row
            for text in self._texts[at]
            for start in range(len(text) - long + 1)
            if text[start] == row[0]
        )


def index() -> Index:
    """Return the index of the catalogue; building it takes a few tenths of a second, once."""
    with _BUILDING:
        return _build()


@cache
def _build() -> Index:
    return Index(catalogue().values())


def _read(text: str) -> Text:
    return tuple(tokens(text)), _SPELLING.findall(fold(text))


def _texts(asset: Asset) -> Iterator[tuple[float, str]]:
    yield _TITLE, asset.title
    yield _CAPTION, asset.caption
    yield from ((_KEYWORD, keyword.text) for keyword in traits.keywords(asset))
    yield from ((_PERSON, name) for name in asset.named)
    yield _EVENT, asset.event
    yield _CREDIT, asset.photographer
    yield _CREDIT, asset.collection
    yield from ((_TRANSLATION, name) for name in country_of(asset.country).names.values())
