"""Further themes, of the part of the catalogue that is told in stories: more kinds of pictures to search for.

They stand apart from :data:`embedkit.sandbox.subjects.SUBJECTS`, because what is made up for an id depends on
the length of that list. Among them are the pictures that a search may have to leave out: nudity, alcohol.
"""

from __future__ import annotations

from embedkit.sandbox.subjects import Subject

FURTHER = (
    Subject(
        "partial",
        ("Partial solar eclipse behind clouds", "A crescent sun over {city}", "Half an eclipse, {city}"),
        (
            "Clouds drift across a partial solar eclipse at {hour} in {city}",
            "The sun is a crescent for an hour during the partial solar eclipse over {city}, {country}",
        ),
        ("eclipse", "solar eclipse", "crescent", "sun", "cloud", "sky", "astronomy", "natural phenomenon"),
    ),
    Subject(
        "annular",
        ("Annular solar eclipse over {city}", "Ring of fire above {city}", "The sun is a ring, {city}"),
        (
            "The moon leaves a ring of fire during the annular solar eclipse as seen from {city}, {country}",
            "A ring of sunlight hangs over {city} at the height of the annular solar eclipse",
        ),
        ("eclipse", "solar eclipse", "annular eclipse", "ring of fire", "sun", "moon", "astronomy", "sky"),
        "news",
        event="Annular solar eclipse, {city}",
    ),
    Subject(
        "phases",
        ("Phases of a solar eclipse", "A solar eclipse from first to last contact", "Eclipse, hour by hour"),
        (
            "The phases of a total solar eclipse over {city}, put together from one exposure every ten minutes",
            "A composite of the solar eclipse above {city}, {country}",
        ),
        ("eclipse", "solar eclipse", "sequential series", "composite image", "sun", "moon", "corona", "astronomy"),
    ),
    Subject(
        "watchers",
        ("Watching the solar eclipse, {city}", "{city} looks up", "All eyes on the eclipse in {city}"),
        (
            "People watch the solar eclipse from a hill near {city}, {country}",
            "Spectators on a hill near {city} wait for the total solar eclipse",
        ),
        ("eclipse", "solar eclipse", "crowd", "watching", "silhouette", "spectator", "hill", "astronomy"),
        "news",
        (4, 7),
        (8, 80),
        "Total solar eclipse, {city}",
    ),
    Subject(
        "phases",
        ("How a solar eclipse unfolds", "Solar eclipse explained", "Infographic: the eclipse over {city}"),
        ("A graphic of how the moon covers the sun, as it will be seen from {city}, {country}",),
        ("infographic", "illustration", "eclipse", "solar eclipse", "diagram", "education", "sun", "moon"),
        "news",
        event="Total solar eclipse, {city}",
    ),
    Subject(
        "podium",
        ("Regent {name} in {city}", "A royal visit to {city}", "{name} opens the {city} Library"),
        (
            "Regent {name} speaks at the opening of the new library in {city}, {country}",
            "Regent {name} thanks the guests on the second day of a royal visit to {city}",
        ),
        ("royalty", "regent", "royal visit", "speech", "ceremony", "microphone", "flag", "celebrities"),
        "entertainment",
        (1, 1),
        (24, 60),
        "Royal visit to {city}",
    ),
    Subject(
        "concert",
        ("{singer} - Album Launch", "{singer} presents a new album in {city}", "{singer}: first night"),
        (
            "{singer} present the songs of their new album to the press in {city}",
            "{singer} play before invited guests at the launch of their album in {city}",
        ),
        ("publicity", "music", "album launch", "stage", "performance", "singer", "spotlight", "arts culture"),
        "entertainment",
        (1, 1),
        (20, 55),
        "{singer} - Album Launch",
    ),
    Subject(
        "track",
        ("{city} Marathon", "{last} leads the {city} Marathon", "The pack, {city} Marathon"),
        (
            "{name} leads the {city} Marathon on its last lap in the stadium",
            "Runners of the {city} Marathon reach the stadium in {country}",
        ),
        ("marathon", "running", "race", "athlete", "endurance", "competition", "city street", "stadium"),
        "sport",
        (3, 3),
        (21, 45),
        "{city} Marathon",
    ),
    Subject(
        "portrait",
        ("First day of school, {city}", "{first} on the first day of school", "A pupil in {city}"),
        ("A child smiles at the camera on the first day of school in {city}",),
        ("child", "portrait", "education", "schoolchild", "smiling", "looking at camera", "childhood", "pupil"),
        people=(1, 1),
        ages=(6, 12),
    ),
    Subject(
        "portrait",
        ("{first}, who was a {worker}", "A life in {city}", "{first} at home"),
        ("A retired {worker} looks at the camera at home in {city}",),
        ("senior adult", "portrait", "retirement", "wisdom", "looking at camera", "wrinkled", "home", "pride"),
        people=(1, 1),
        ages=(66, 93),
    ),
    Subject(
        "still",
        ("A jug of wine, {season}", "Wine and pears", "Table with a jug of wine"),
        ("A jug of wine and fruit on a table in {season} light",),
        ("still life", "wine", "alcohol", "drink", "jug", "fruit", "table", "indoors"),
    ),
    Subject(
        "sea",
        ("Bather at {coast}", "Skinny dipping at {hour}, {coast}", "A swim before breakfast, {coast}"),
        ("Somebody swims without clothes, far out, at {hour} off {coast}",),
        ("sea", "swimming", "nude", "skinny dipping", "freedom", "horizon", "summer", "vacation"),
        people=(1, 1),
    ),
    Subject(
        "mountains",
        ("Mountain landscape, flat design", "{peak}, flat design", "Layered mountains at {hour}, vector"),
        ("A vector landscape of {peak} at {hour}",),
        ("vector", "mountain", "landscape", "flat design", "backgrounds", "nature", "lake", "copy space"),
    ),
    Subject(
        "city",
        ("City skyline, flat design", "Skyline of {city}, vector", "{city} at {hour}, flat design"),
        ("A vector skyline of {city} at {hour}, for posters and headers",),
        ("vector", "city", "skyline", "flat design", "skyscraper", "urban", "backgrounds", "travel"),
    ),
    Subject(
        "balloons",
        ("Balloons, watercolour", "Balloon race, an illustration", "Up and away over {city}"),
        ("An illustration of hot air balloons over the hills near {city}",),
        ("illustration", "hot air balloon", "watercolor painting", "flying", "hill", "sky", "whimsy", "adventure"),
    ),
    Subject(
        "field",
        ("Study of rows, {season}", "Fields near {city}, a study", "One tree, in oil"),
        ("A study in oil of the fields near {city}",),
        ("fine art", "field", "oil painting", "rural scene", "tree", "rows", "painted image", "harvest"),
    ),
)
