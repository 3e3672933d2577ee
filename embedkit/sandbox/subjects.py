"""What the sandbox's pictures are of: word lists, from which titles, captions and keywords are put together.

All names of people, teams and collections are invented. A template's slots are filled from
:data:`SLOTS` and from the place that was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["creative", "editorial"]


@dataclass(frozen=True, slots=True)
class Subject:
    """One theme. ``scene`` names the painter; ``segment`` is the editorial one, empty for creative.

    ``people`` and ``ages`` (years) are the least and the most of them; ``event`` is what editorial pictures
    of the theme were taken at.
    """

    scene: str
    titles: tuple[str, ...]
    lines: tuple[str, ...]
    keywords: tuple[str, ...]
    segment: str = ""
    people: tuple[int, int] = (0, 0)
    ages: tuple[int, int] = (19, 68)
    event: str = ""

    @property
    def family(self) -> Family:
        return "editorial" if self.segment else "creative"


@dataclass(frozen=True, slots=True)
class Collection:
    """What pictures are sold under."""

    id: int
    name: str
    code: str
    license_model: str = "rightsmanaged"


SUBJECTS = (
    Subject(
        "mountains",
        ("{light} over {peak}", "{peak} reflected in a still lake", "Ridges of {peak}, {season}"),
        ("{light} on the ridges of {peak}, {country}", "A mountain lake below {peak} on a windless {season} day"),
        ("mountain", "lake", "landscape", "nature", "ridge", "reflection", "wilderness", "scenics"),
    ),
    Subject(
        "city",
        ("{city} skyline at {hour}", "Towers of {city}, {hour}", "{hour_cap} settles on {city}"),
        (
            "The skyline of {city} seen from across the river at {hour}",
            "Office windows light up in {city} at {hour}",
        ),
        ("city", "skyline", "architecture", "skyscraper", "river", "urban", "dusk", "travel destinations"),
    ),
    Subject(
        "sea",
        ("{light} off {coast}", "A sail on the horizon near {coast}", "Calm sea, {coast}"),
        ("A small boat sails home at {hour} off {coast}", "{light} on the open sea near {coast}, {country}"),
        ("sea", "horizon", "sailboat", "sunset", "water", "coast", "summer", "tranquility"),
    ),
    Subject(
        "forest",
        ("Mist in {wood}", "{season_cap} morning in {wood}", "Path of light through {wood}"),
        ("Low light and mist between the trunks of {wood}, {country}", "A {season} morning in {wood}"),
        ("forest", "tree", "mist", "sunbeam", "woodland", "nature", "environment", "no people"),
    ),
    Subject(
        "desert",
        ("Dunes at {hour}", "Wind over the dunes, {country}", "{light} on sand"),
        ("The wind draws lines in the dunes at {hour}", "{light} on a sea of sand"),
        ("desert", "sand dune", "wind", "arid climate", "landscape", "heat", "pattern", "remote location"),
    ),
    Subject(
        "aurora",
        ("Northern lights above {wood}", "Green night over {wood}", "Aurora, {season}"),
        ("Northern lights over the pines of {wood} on a clear {season} night", "A clear night above {wood}"),
        ("aurora", "night", "star", "pine tree", "northern lights", "sky", "astronomy", "winter"),
    ),
    Subject(
        "field",
        ("Lavender rows near {city}", "{season_cap} fields, {country}", "One tree and a thousand rows"),
        ("Rows of crops run towards a lone tree near {city}", "Farmland near {city} in {season}"),
        ("field", "agriculture", "farm", "lavender", "tree", "rural scene", "rows", "harvest"),
    ),
    Subject(
        "balloons",
        ("Balloons over the valley", "Hot air balloons, {hour}", "First flight of the day near {city}"),
        ("Hot air balloons drift over the hills near {city} at {hour}", "A balloon meeting near {city}"),
        ("hot air balloon", "flying", "hill", "adventure", "sky", "festival", "colorful", "travel"),
    ),
    Subject(
        "winter",
        ("Cabin under snow", "{peak} in deep {season_snow}", "Smoke from the chimney, {country}"),
        ("A cabin below {peak} after a night of snow", "Fresh snow lies around a cabin near {peak}"),
        ("snow", "winter", "log cabin", "pine tree", "cold", "landscape", "silence", "vacation"),
    ),
    Subject(
        "still",
        ("Still life with pears", "Vase and fruit on a {light_word} morning", "Kitchen table, {season}"),
        ("Fruit and a vase on a wooden table, {season} light", "A quiet arrangement of fruit and flowers"),
        ("still life", "fruit", "vase", "table", "pear", "flower", "home interior", "indoors"),
    ),
    Subject(
        "bridge",
        ("Bridge in the fog, {city}", "Cables and fog", "{hour_cap} crossing, {city}"),
        ("Fog moves under the suspension bridge of {city} at {hour}", "The bridge of {city} at {hour}"),
        ("bridge", "fog", "suspension bridge", "engineering", "bay", "transportation", "landmark", "water"),
    ),
    Subject(
        "portrait",
        ("Portrait of {first}", "{first} by the window", "Smiling {worker} at work in {city}"),
        ("A {worker} looks at the camera in {city}", "Portrait of a {worker} in soft {season} light"),
        ("portrait", "one person", "looking at camera", "confidence", "headshot", "lifestyles", "work", "adult"),
        people=(1, 1),
    ),
    Subject(
        "eclipse",
        ("Total solar eclipse over {city}", "Eclipse seen from {city}", "The moon covers the sun above {city}"),
        (
            "The moon covers the sun during a total solar eclipse as seen from {city}, {country}",
            "Day turns to night for two minutes during the solar eclipse above {city}",
        ),
        ("eclipse", "solar eclipse", "moon", "sun", "corona", "astronomy", "sky", "totality"),
        "news",
        event="Total solar eclipse, {city}",
    ),
    Subject(
        "basketball",
        ("{team} v {rival}", "{team} v {rival} - Game {number}", "{last} of {team} at the rim"),
        (
            "{name} of the {team} goes up for a shot during the game against the {rival} in {city}",
            "{name} of the {team} scores late in the second half against the {rival}",
        ),
        ("basketball", "sport", "match - sport", "shooting at goal", "court", "competition", "athlete", "hoop"),
        "sport",
        (1, 2),
        (19, 34),
        "{team} v {rival}",
    ),
    Subject(
        "football",
        ("{club} v {club_rival}", "{club} v {club_rival} - League Cup", "Floodlights at {city}"),
        (
            "{name} of {club} runs with the ball during the match between {club} and {club_rival} in {city}",
            "Players of {club} and {club_rival} under the floodlights in {city}",
        ),
        ("soccer", "football", "stadium", "match - sport", "floodlit", "pitch", "team sport", "crowd"),
        "sport",
        (3, 5),
        (19, 34),
        "{club} v {club_rival}",
    ),
    Subject(
        "track",
        ("{city} Athletics Meeting", "{last} wins the {distance} in {city}", "{distance} heat {number}"),
        (
            "{name} leads the field in the {distance} at the athletics meeting in {city}",
            "Runners leave the bend in the {distance} on day {number} of the meeting in {city}",
        ),
        ("athletics", "running", "track event", "race", "athlete", "competition", "speed", "stadium"),
        "sport",
        (3, 3),
        (18, 33),
        "{city} Athletics Meeting",
    ),
    Subject(
        "concert",
        ("{singer} performs in {city}", "{singer} opens the {city} Festival", "{singer} - {city}"),
        (
            "{singer} perform on stage on the opening night of the {city} Festival",
            "{singer} play the last concert of their tour at the City Hall in {city}",
        ),
        ("music", "concert", "stage", "performance", "singer", "crowd", "spotlight", "festival"),
        "entertainment",
        (1, 1),
        event="{singer} in concert, {city}",
    ),
    Subject(
        "podium",
        ("{name} speaks in {city}", "Climate talks open in {city}", "Press conference in {city}"),
        (
            "{name} speaks to reporters on the first day of the climate talks in {city}",
            "{name} answers questions during a press conference in {city}, {country}",
        ),
        ("politics", "press conference", "speech", "microphone", "flag", "government", "summit", "reporter"),
        "news",
        (1, 1),
        event="Climate talks in {city}",
    ),
)

SLOTS: dict[str, tuple[str, ...]] = {
    "light": ("First light", "Evening light", "Last light", "Golden light", "Soft light"),
    "light_word": ("bright", "grey", "quiet", "clear"),
    "hour": ("dawn", "sunrise", "dusk", "sunset", "nightfall", "blue hour"),
    "season": ("spring", "summer", "autumn", "winter"),
    "season_snow": ("January", "December", "February", "winter"),
    "peak": ("Mount Halden", "the Corvo Range", "Pico Sereno", "the Three Sisters", "Mount Aralik", "Lindhorn"),
    "coast": ("Cape Marrow", "the Bay of Olves", "Saltholm", "Punta Clara", "Kestrel Point", "the Outer Skerries"),
    "wood": ("Harrow Wood", "the Lomma forest", "Birchfell", "the Old Pines", "Silver Hollow"),
    "worker": ("nurse", "carpenter", "baker", "teacher", "welder", "gardener", "fisher", "student"),
    "team": ("Harbour City Herons", "Northgate Comets", "Redfield Foxes", "Lakeside Pilots"),
    "rival": ("Union Bay Owls", "Granite Falls Bears", "Mill Town Sparks", "West End Rovers"),
    "club": ("Atletico Ribeira", "FC Nordhavn", "Kingsmead Athletic", "Sporting Vale"),
    "club_rival": ("Real Costa", "SV Tannenberg", "Eastbrook United", "Olympique du Lac"),
    "singer": ("The Paper Lanterns", "Ada Lune", "Night Ferry", "Tomas Vey and Band", "Low Orchard"),
    "distance": ("800 metres", "1500 metres", "400 metres hurdles", "5000 metres"),
    "number": ("1", "2", "3", "4"),
}

FIRST = (
    *("Amara", "Bjorn", "Chiara", "Daniel", "Elif", "Farid", "Greta", "Hana", "Ivo", "Jun", "Katya", "Leila"),
    *("Mateo", "Nadia", "Oskar", "Priya", "Rafael", "Sofía", "Tariq", "Ume", "Wanjiru", "Yusuf", "Zoë"),
)
LAST = (
    *("Abara", "Bianchi", "Castellan", "Dvořák", "Eriksen", "Fontaine", "Grünwald", "Haddad", "Ivanova"),
    *("Jansen", "Kimura", "Lindqvist", "Moreau", "Nkemelu", "O'Rourke", "Pereira", "Quispe", "Rahman"),
    *("Sørensen", "Tanaka", "Ueda", "Varga", "Whitlock", "Yılmaz"),
)

PLACES = (
    *(("Lisbon", "Portugal"), ("Oslo", "Norway"), ("Nairobi", "Kenya"), ("Osaka", "Japan")),
    *(("Hamburg", "Germany"), ("Lyon", "France"), ("Valencia", "Spain"), ("Bologna", "Italy")),
    *(("Toronto", "Canada"), ("Melbourne", "Australia"), ("Recife", "Brazil"), ("Puebla", "Mexico")),
    *(("Dublin", "Ireland"), ("Gdansk", "Poland"), ("Izmir", "Turkey"), ("Jaipur", "India")),
    *(("Rotterdam", "Netherlands"), ("Aarhus", "Denmark"), ("Portland", "United States"), ("Bristol", "England")),
)

# id, name, code, licence model; invented, in the manner of the real ones; by editorial segment
COLLECTIONS: dict[str, tuple[Collection, ...]] = {
    "": (
        Collection(211, "Northlight", "NLT", "royaltyfree"),
        Collection(214, "Open Field", "OPF", "royaltyfree"),
        Collection(223, "Plain Sight", "PLS", "royaltyfree"),
        Collection(240, "Tidewater RM", "TWR"),
        Collection(257, "Atelier Nine", "ATN"),
    ),
    "news": (Collection(302, "Wire & Daily", "WAD"), Collection(309, "Dispatch News", "DSN")),
    "sport": (Collection(318, "Touchline Sport", "TLS"), Collection(325, "Final Whistle", "FWH")),
    "entertainment": (Collection(331, "Stage Door", "STD"), Collection(346, "Encore", "ENC")),
}
MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST", "SEPTEMBER"),
    *("OCTOBER", "NOVEMBER", "DECEMBER"),
)
