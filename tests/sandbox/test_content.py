"""The sandbox's content: editable files, words that find pictures, and error messages for mistakes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import catalogue, find
from embedkit.sandbox.content.check import mistakes
from embedkit.sandbox.content.library import CONTENT, FOLDER, SLOT, Content, Random, parse_drawing, render_drawing
from embedkit.sandbox.content.pictures import draw
from embedkit.sandbox.content.texts import ContentError
from embedkit.sandbox.content.traits import ethnicities, keywords
from embedkit.sandbox.services.ranking import singular, tokens
from tests.support.api import ApiClient, send_request
from tests.support.tools import FIXTURES, ROOT

WORDS = [
    line for line in (FIXTURES / "everyday_words.txt").read_text("utf-8").splitlines() if not line.startswith("#")
]
FILES = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".toml", ".svg"))
APP = Sandbox(SandboxConfig(deterministic=True))
SOMEBODY, CUSTOMER = ApiClient(APP, None), ApiClient(APP)


def found(phrase: str, **params: Any) -> Any:
    return SOMEBODY.get("/v3/search/images", phrase=phrase, embed_content_only="true", fields="id", **params)


def plural(word: str) -> str:
    irregular = {"man": "men", "woman": "women", "child": "children", "person": "people"}
    if word in irregular:
        return irregular[word]
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "x", "ch", "sh")) else f"{word}s"


# -- everyday words ------------------------------------------------------------------------------------


def test_the_list_of_everyday_words_is_long() -> None:
    assert len(set(WORDS)) == len(WORDS) >= 110


@pytest.mark.parametrize("phrase", WORDS)
def test_everyday_words_find_pictures(phrase: str) -> None:
    assert found(phrase)["result_count"] >= 3


@pytest.mark.parametrize("phrase", [word for word in WORDS if " " not in word and not word.endswith("is")])
def test_singular_and_plural_find_the_same(phrase: str) -> None:
    one = singular(phrase)
    assert found(one) == found(plural(one)) == found(plural(one).upper()) == found(phrase)


def test_search_results_contain_the_word() -> None:
    for phrase in WORDS:
        for image in found(phrase, page_size=3)["images"]:
            asset = find(image["id"])
            assert asset
            filed = [keyword.text for keyword in keywords(asset)]
            words = {*tokens(" ".join((asset.title, asset.caption, asset.event, *filed)))}
            assert {*tokens(phrase)} <= words


# -- examples in Getty's documentation -----------------------------------------------------------------


@pytest.mark.parametrize("asset_id", ["452224426", "83454800", "83454804", "83454811", "103131833", "3231670"])
def test_documented_ids_exist(asset_id: str) -> None:
    for fields in ("", "summary_set", "detail_set", "id,title", "download_sizes", "downloads"):
        image = CUSTOMER.get(f"/v3/images/{asset_id}", fields=fields)["images"][0]
        assert image["id"] == asset_id
    assert SOMEBODY.get(f"/v3/images/{asset_id}")["images"][0]["title"]


def test_the_documented_search_for_kitties() -> None:
    answer = CUSTOMER.get("/v3/search/images", phrase="Kitties", fields="largest_downloads")
    first, second = answer["images"][:2]
    assert (first["id"], second["id"]) == ("83454804", "103131833")
    for image, product in ((first, "easyaccess"), (second, "editorialsubscription")):
        offer = next(one for one in image["largest_downloads"] if one["product_type"] == product)
        assert offer["uri"].endswith(f"/v3/downloads/images/{image['id']}")


def test_the_documented_size_of_a_download() -> None:
    image = CUSTOMER.get("/v3/images/3231670", fields="downloads")["images"][0]
    largest = max(image["download_sizes"], key=lambda size: size["width"])
    assert (largest["width"], largest["height"], largest["bytes"]) == (1607, 3000, 2226077)
    assert largest["media_type"] == "image/jpeg"
    assert "premiumaccess" in {offer["product_type"] for offer in largest["downloads"]}
    answer = CUSTOMER.request("POST", "/v3/downloads/images/3231670", auto_download="false")
    assert len(send_request(APP, "GET", json.loads(answer.body)["uri"]).body) == 2226077


def test_the_documented_id_with_a_letter_is_not_found() -> None:
    response = SOMEBODY.request("GET", "/v3/images/452O76944")
    assert response.status == 404
    assert b'"Image id not found: 452O76944"' in response.body


# -- drawings ------------------------------------------------------------------------------------------


def test_ethnicities_do_not_depend_on_the_drawing() -> None:
    asset = find("600000001")
    assert asset
    asset = replace(asset, people=1)
    assert len({ethnicities(replace(asset, scene=scene)) for scene in ("portrait", "sea", "basketball")}) == 1
    assert len({ethnicities(replace(asset, id=f"6000000{number}")) for number in range(10, 60)}) > 5


def test_people_look_different() -> None:
    asset = find("600000001")
    assert asset
    drawn = [CONTENT.picture("portrait", "day", Random(f"somebody {number}")) for number in range(30)]
    assert len({*drawn}) == 30


def test_each_use_of_a_part_makes_its_own_choices() -> None:
    files = {
        "scenes/a": parse_drawing(
            '<svg><use href="../parts/b.svg" x="1"/><use href="../parts/b.svg"/></svg>', "scenes/a"
        ),
        "parts/b": parse_drawing(
            "<svg><style>"
            + "".join(f"svg {{ --c: {number} }}" for number in range(50))
            + '</style><p id="x" c="var(--c)" d="var(--out)" f="url(#x)"/></svg>',
            "parts/b",
        ),
    }
    drawn = render_drawing(files.__getitem__, "scenes/a", Random("a"), {"out": "o"})
    assert len({*re.findall(r' c="([0-9]+)"', drawn)}) == 2
    assert len({*re.findall(r'id="([^"]+)"', drawn)}) == 2
    assert re.findall(r'id="([^"]+)"', drawn) == re.findall(r"url\(#([^)]+)\)", drawn)
    assert drawn.count('d="o"') == 2
    assert 'x="1"' in drawn


def test_a_use_overrides_the_choices_of_a_part() -> None:
    files = {
        "scenes/a": parse_drawing(
            '<svg><style>svg { --team: red }</style><use href="../parts/b.svg" style="--c: var(--team)"/></svg>',
            "scenes/a",
        ),
        "parts/b": parse_drawing(
            '<svg><style>svg { --c: 1 } svg { --c: 2 }</style><p c="var(--c)"/></svg>', "parts/b"
        ),
    }
    assert render_drawing(files.__getitem__, "scenes/a", Random("a"), {}) == '<p c="red"/>'


def test_a_part_that_uses_itself_is_an_error() -> None:
    loop = parse_drawing('<svg><use href="a.svg"/></svg>', "scenes/a")
    with pytest.raises(ContentError, match=r"^scenes/a\.svg: .* uses itself$"):
        render_drawing({"scenes/a": loop}.__getitem__, "scenes/a", Random("a"), {})


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_file_explains_how_to_edit_it(path: Path) -> None:
    head = path.read_text("utf-8")[:400]
    assert head.startswith("#") if path.suffix == ".toml" else re.search(r"<!--[^>]*How to edit", head)
    assert path.stat().st_size < 60_000


def test_every_part_is_used() -> None:
    drawings = [CONTENT.drawing(f"{path.parent.name}/{path.stem}") for path in FILES if path.suffix == ".svg"]
    used = {name for drawing in drawings for name, _ in drawing.parts()}
    assert {drawing.name for drawing in drawings if drawing.name.startswith("parts/")} == {
        name for name in used if name.startswith("parts/")
    }


def test_every_listed_picture_can_be_drawn() -> None:
    for asset in catalogue().values():
        text = draw(asset, 300)
        assert not SLOT.search(text)
        assert "<use" not in text
        assert len(text) < 60_000


# -- mistakes ------------------------------------------------------------------------------------------


def test_there_are_no_mistakes() -> None:
    assert mistakes() == []


def edited(folder: Path, name: str, old: str, new: str) -> Path:
    """Return a copy of the content with a text replaced everywhere in one file."""
    copy = folder / "content"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__", "*.py"))
    text = (copy / name).read_text("utf-8")
    assert old in text
    (copy / name).write_text(text.replace(old, new), "utf-8")
    return copy


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("everyday.toml", '"A man in {city}"', '"A man in {town}"', "everyday.toml: subject 2 (man): titles: {town} is not a slot"),
        ("subjects.toml", "{light} over {peak}", "{lite} over {peak}", "subjects.toml: subject 1 (mountains): titles: {lite} is not a slot"),
        ("subjects.toml", 'scene = "desert"', 'scene = "dessert"', "subjects.toml: subject 5 (dessert): scene: there is no scenes/dessert.svg"),
        ("everyday.toml", 'scene = "war"\ntitles', 'scene = "war"\ntitel', "everyday.toml: subject 69: titel is not a valid key"),
        ("everyday.toml", 'event = "Election in {country}"\n', "", "everyday.toml: subject 61 (election): event: required with a segment, not allowed without one"),
        ("everyday.toml", "people = [4, 4]", "people = [5, 4]", "everyday.toml: subject 8 (family): people: must be [minimum, maximum]"),
        ("pictures.toml", "[83454811]", "[83454800]", "pictures.toml: Cannot declare ('83454800',) twice"),
        ("pictures.toml", "[83454811]", "[600000001]", "pictures.toml: 600000001: another picture has this ID"),
        ("pictures.toml", "[83454811]", "[1100000000]", "pictures.toml: 1100000000: another picture has this ID"),
        ("pictures.toml", 'scene = "cat"', 'scene = "catt"', "pictures.toml: 83454811: scene: no subject in subjects.toml or everyday.toml has the scene catt"),
        ("pictures.toml", "withdrawn = 410", "withdraw = 410", "pictures.toml: 500000410: withdraw is not a valid key"),
        ("words.toml", '"Lisbon, Portugal"', '"Lisbon"', "words.toml: places: 'Lisbon' is not of the form 'City, Country'"),
        ("words.toml", "peak = [", "peek = [", "subjects.toml: subject 1 (mountains): titles: {peak} is not a slot"),
        ("hours.toml", 'lamp = ".9"\n', "", "hours.toml: dusk: lamp is missing"),
        ("scenes.toml", "[portrait]", "[portraits]", "scenes.toml: portraits: there is no scenes/portraits.svg"),
        ("scenes.toml", "compositions = [", "composition = [", "composition is not a valid key"),
        ("scenes/sea.svg", "var(--sail)", "var(--sial)", "scenes/sea.svg: var(--sial) is not defined"),
        ("parts/head.svg", "var(--hair)", "var(--hare)", "parts/head.svg: var(--hare) is not defined"),
        ("scenes/sea.svg", "../parts/sky.svg", "../parts/sci.svg", "parts/sci.svg: can't be read (FileNotFoundError)"),
        ("scenes/sea.svg", "</svg>", "", "scenes/sea.svg: <svg> is missing"),
        ("scenes/moon.svg", "</g>", "</gg>", "scenes/moon.svg: mismatched tag"),
        ("scenes/moon.svg", "svg { --moon:", "g { --moon:", "scenes/moon.svg: style: 'g { --moon"),
        ("scenes/moon.svg", "--low: #5a4a7a", "--lo: #5a4a7a", "scenes/moon.svg: rules that set --mid must all set the same properties"),
        ("scenes/moon.svg", '<use href="', '<use x="1" href="', 'scenes/moon.svg: <use> needs href="'),
        ("everyday.toml", '"A man in {city}"', '"A man in {city"', "everyday.toml: subject 2 (man): titles: expected '}' before end of string"),
        ("everyday.toml", '[[subject]]\nscene = "man"', '[[subjct]]\nscene = "man"', "everyday.toml: subjct is not a valid key"),
        ("everyday.toml", 'scene = "man"\n', "", "everyday.toml: subject 2: scene is missing"),
        ("everyday.toml", "people = [4, 4]", 'people = ["4", 4]', "everyday.toml: subject 8 (family): people: must be [minimum, maximum]"),
        ("pictures.toml", "width = 240", 'width = "240"', "pictures.toml: 500000240: width: must be of type int"),
        ("words.toml", "id = 214", "id = 211", "words.toml: collection: duplicate id 211"),
        ("words.toml", '"Portland, United States"', "1", "words.toml: places: 1 is not of the form 'City, Country'"),
        ("scenes.toml", "[portrait]\n", "portrait = 1\n[podium-2]\n", "scenes.toml: portrait: must be a table"),
        ("parts/tree.svg", "</svg>", '<use href="tree.svg"/></svg>', "parts/tree.svg: uses itself"),
    ],
)  # fmt: skip
def test_a_mistake_is_reported_with_file_and_key(
    tmp_path: Path, name: str, old: str, new: str, message: str
) -> None:
    wrong = mistakes(edited(tmp_path, name, old, new))
    assert any(message in line for line in wrong), wrong
    assert all(re.match(r"(scenes/|parts/)?[a-z-]+\.(toml|svg)\b", line) for line in wrong), wrong


def test_an_unknown_slot_is_reported() -> None:
    with pytest.raises(ContentError, match=r"^everyday\.toml: woman: 'In {town}': 'town' is not a slot$"):
        CONTENT.everyday[0].fill("In {town}", {"city": "Oslo"})


def test_keywords_can_be_a_list(tmp_path: Path) -> None:
    old = "yoga, fitness, meditation, exercise, wellbeing, health, relaxation, mindfulness, park"
    copy = edited(tmp_path, "everyday.toml", f'"{old}"', '["yoga", "park"]')
    assert mistakes(copy) == []
    assert Content(copy).subject("yoga").keywords == ("yoga", "park")


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    copy = edited(tmp_path, "hours.toml", "[dawn]", "[dawn]")
    (copy / "everyday.toml").unlink()
    (copy / "scenes" / "field.svg").unlink()
    wrong = mistakes(copy)
    assert "everyday.toml: can't be read (FileNotFoundError)" in wrong
    with pytest.raises(ContentError, match=r"^scenes/field\.svg: "):
        Content(copy).picture("field", "day", Random("x"))


def test_the_check_is_a_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "embedkit.sandbox.content.check"]
    fine = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (fine.returncode, fine.stdout) == (0, "No mistakes found.\n")
    copy = edited(tmp_path, "scenes/sea.svg", "var(--sail)", "var(--sial)")
    wrong = subprocess.run([*command, str(copy)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (wrong.returncode, wrong.stdout) == (1, "scenes/sea.svg: var(--sial) is not defined\n")


# -- reading -------------------------------------------------------------------------------------------


def test_content_is_read_on_demand() -> None:
    code = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "from embedkit.sandbox import Sandbox\n"
        "def read(): return sorted({name.rsplit('/', 1)[-1] for name in opened if name.endswith(('.toml', '.svg'))})\n"
        "print(read())\n"
        "Sandbox().find('600000001'); print(read())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines() == ["[]", "['subjects.toml', 'words.toml']"]
