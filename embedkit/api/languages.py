"""The languages that the API v3 answers in: header Accept-Language."""

from __future__ import annotations

from embedkit.errors import ConfigurationError
from embedkit.settings import Settings
from embedkit.validation import shown

# Some are for iStock or for creative pictures alone; for the rest Getty answers in English, as for any
# language that it does not know.
LANGUAGES = (
    *("cs", "de", "en-GB", "en-US", "es", "fi", "fr", "hu", "id", "it", "ja", "ko", "nl", "pl", "pt-BR", "pt-PT"),
    *("ro", "ru", "sv", "th", "tr", "uk", "vi", "zh-HK"),
)
DEFAULT = "en-US"
# Of a language that stands in the list with a country only. Hong Kong writes as Taiwan and Macau do, and
# not as the mainland does: who reads that is better served in English.
_NEAREST = {
    "en": "en-US",
    "pt": "pt-BR",
    **dict.fromkeys(("zh", "zh-hant", "zh-hant-hk", "zh-hant-tw", "zh-tw", "zh-mo"), "zh-HK"),
}


def supported(locale: str) -> str | None:
    """The language nearest to a locale such as ``de-AT`` or ``pt_br``; none where that language is not offered."""
    spelled = {language.lower(): language for language in LANGUAGES} | _NEAREST
    tag = locale.strip().lower().replace("_", "-")
    base = tag.partition("-")[0]
    return spelled.get(tag) or (None if base == "zh" else spelled.get(base))


def language(said: str | None, settings: Settings) -> str:
    """The language to ask in: what is said, else that of LOCALE, else English.

    :raises ConfigurationError: for a language that is not offered.
    """
    if said is None:
        return supported(settings.locale) or DEFAULT
    if isinstance(said, str) and (found := supported(said)):
        return found
    raise ConfigurationError(f"There is no language {shown(said)}.", hint=f"Use one of {', '.join(LANGUAGES)}.")
