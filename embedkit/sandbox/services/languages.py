"""The languages that answers come in: a closed list, part of it for some keys and kinds of pictures only."""

from __future__ import annotations

import re

from embedkit.sandbox.content.texts import Family
from embedkit.sandbox.services.http import Call

DEFAULT = "en-US"
EVERYWHERE = ("de", "en-GB", "en-US", "es", "fr", "it", "ja", "nl", "pt-BR", "pt-PT", "sv", "tr")
CREATIVE = ("ko", "pl", "ru", "zh-HK")
# what comes of a language without a region, where the list has it with one; English is American by default
BARE = {"en": "en-US", "pt": "pt-BR", "zh": "zh-HK"}
# cs fi hu id ro th uk vi are for keys of iStock, which the sandbox has none of


def language_of(call: Call, family: Family | None = None) -> str:
    """The language of an answer: the first of Accept-Language that there is, else American English.

    :param family: of the pictures asked for; editorial ones come in fewer languages.
    """
    known = EVERYWHERE if family == "editorial" else (*EVERYWHERE, *CREATIVE)
    by_name = {name.lower(): name for name in known}
    for asked in _preferred(call.headers.get("accept-language", "")):
        base = asked.partition("-")[0]
        if found := by_name.get(asked) or by_name.get(BARE.get(base, base).lower()):
            return found
    return DEFAULT


def content_language(language: str) -> tuple[tuple[str, str], ...]:
    """The header that tells it."""
    return (("Content-Language", language),)


def _preferred(header: str) -> list[str]:
    """The tags of a header in the order of their weights (RFC 9110 section 12.5.4), in lower case."""
    weighed = []
    for part in header.lower().split(",")[:50]:
        tag, _, weight = part.strip().partition(";")
        value = re.search(r"q=(0(?:\.[0-9]{1,3})?|1(?:\.0{1,3})?)\s*$", weight)
        weighed.append((-float(value[1]) if value else -1.0, tag.strip()))
    return [tag for weight, tag in sorted(weighed, key=lambda pair: pair[0]) if tag and weight < 0]
