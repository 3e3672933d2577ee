"""Everything that can be forgotten when adding a language."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from babel import Locale

from embedkit.files.installed import static_dir, templates_dir
from embedkit.web.picker import languages
from tests.readme import README

PICKER_PAGE = README.parent / "examples/newsroom/README.md"

LANGUAGES = languages()
MAX_UNTRANSLATED = 0.15  # of the words: names such as WordPress are the same everywhere


def table(language: str) -> dict[str, Any]:
    words: dict[str, Any] = json.loads((static_dir() / "locales" / f"{language}.json").read_text("utf-8"))
    return words


def cldr(language: str) -> Locale:
    """Return a language's name and plurals, which are those of the browser's ``Intl.PluralRules``."""
    return Locale.parse(language, sep="-")


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_each_language_is_listed_everywhere() -> None:
    """In the texts of pages, the picker's files, its script and its page; ``pt`` and ``pt-BR`` are one."""
    files = {path.stem for path in (static_dir() / "locales").glob("*.json")}
    script = (static_dir() / "picker" / "model.js").read_text("utf-8")
    listed = re.search(r"const LANGUAGES = (\[.*?\]);", script)
    assert listed is not None
    assert files == set(json.loads(listed[1])), (
        "LANGUAGES in static/picker/model.js and the files of static/locales"
    )
    words = json.loads((templates_dir() / "embedkit" / "words.json").read_text("utf-8"))
    assert {name.partition("-")[0] for name in files} == words.keys(), (
        "templates/embedkit/words.json has them, too"
    )
    *most, last = sorted(str(cldr(language).get_language_name("en")) for language in files)
    assert f"in {', '.join(most)} and {last}," in PICKER_PAGE.read_text("utf-8"), (
        "examples/newsroom/README.md names the picker's languages"
    )


def test_every_language_has_every_page_text_with_the_same_placeholders() -> None:
    words = json.loads((templates_dir() / "embedkit" / "words.json").read_text("utf-8"))
    for language, own in words.items():
        assert own.keys() | {"title_alone"} == words["en"].keys(), language
        for name, text in own.items():
            assert placeholders(text) == placeholders(words["en"][name]), (language, name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_picker_text(language: str) -> None:
    own, english = table(language), table("en")
    assert own.keys() == english.keys(), f"static/locales/{language}.json has the words of en.json"
    for name, value in english.items():
        assert type(own[name]) is type(value), name
        if isinstance(value, str):
            assert placeholders(own[name]) == placeholders(value), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_plural_is_complete(language: str) -> None:
    """``zero``, ``one`` and ``two`` may spell out the number."""
    english = table("en")
    categories = {"other", *cldr(language).plural_form.tags}
    for name, forms in table(language).items():
        if isinstance(forms, dict):
            assert set(forms) == categories, f"{name}: the plural forms of {language}"
            assert placeholders(forms["other"]) == placeholders(english[name]["other"]), name
            for category, text in forms.items():
                missing = placeholders(forms["other"]) - placeholders(text)
                assert not missing or category in ("zero", "one", "two"), f"{name}: {category} lacks {missing}"
                assert placeholders(text) <= placeholders(forms["other"]), (name, category)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_a_language_is_translated(language: str) -> None:
    own, english = table(language), table("en")
    same = [name for name, text in english.items() if own[name] == text]
    assert len(same) <= MAX_UNTRANSLATED * len(english), f"as in English: {', '.join(same)}"
