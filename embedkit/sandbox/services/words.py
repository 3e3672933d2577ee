"""Words as searches compare them: without accents, case and plural; and phrases, as they are typed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

MOST_WORDS = 32  # of a phrase that are looked at
STOP = frozenset(
    (
        *("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "in", "into", "is", "it", "its", "near"),
        *("of", "off", "on", "or", "over", "that", "the", "their", "to", "was", "with"),
    )
)
# letters that have no accent to take off
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "ı": "i", "đ": "d", "æ": "ae", "œ": "oe", "'": None, "’": None})
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
_NOBODY = re.compile(r"\bno (?:people|person)\b")


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is looked for: words that count, and quotations as rows of all their words."""

    words: tuple[str, ...]
    quoted: tuple[tuple[str, ...], ...] = ()


def fold(text: str) -> str:
    """Lower case, without accents and apostrophes."""
    if text.isascii():
        return text.lower().replace("'", "")
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_LETTERS)
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def tokens(text: str) -> list[str]:
    """The words of a text, in the singular."""
    folded = _NOBODY.sub("nobody", fold(text))
    return [singular(word) for word in re.findall(r"\w+", folded)]


def phrase_of(text: str) -> Phrase:
    """A phrase as somebody typed it."""
    straight = re.sub(r"[“”„«»]", '"', text)
    quoted = tuple(row for part in re.findall(r'"([^"]+)"', straight) if (row := tuple(tokens(part))))
    every = list(dict.fromkeys(tokens(straight)))[:MOST_WORDS]
    words = [word for word in every if word not in STOP]
    return Phrase(tuple(words or every), quoted[:MOST_WORDS])


def singular(word: str) -> str:
    """A word of English in the singular, as good as a few rules can tell."""
    if word in _PLURALS:
        return _PLURALS[word]
    if len(word) < 4 or not word.isascii() or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "xes", "sses", "zzes")):
        return word[:-2]
    return word[:-1]
