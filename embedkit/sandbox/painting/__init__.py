"""The painters: one for each scene that a subject can name."""

from __future__ import annotations

from collections.abc import Callable

from embedkit.sandbox.painting import eclipses, indoors, landscapes, portraits, shores, skies, sports
from embedkit.sandbox.painting.canvas import Canvas

Painter = Callable[[Canvas], None]

PAINTERS: dict[str, Painter] = {
    "mountains": landscapes.mountains,
    "forest": landscapes.forest,
    "field": landscapes.field,
    "winter": landscapes.winter,
    "aurora": skies.aurora,
    "balloons": skies.balloons,
    "eclipse": skies.eclipse,
    "partial": eclipses.partial,
    "annular": eclipses.annular,
    "phases": eclipses.phases,
    "watchers": eclipses.watchers,
    "desert": skies.desert,
    "city": shores.city,
    "sea": shores.sea,
    "bridge": shores.bridge,
    "portrait": portraits.portrait,
    "podium": portraits.podium,
    "still": indoors.still,
    "concert": indoors.concert,
    "basketball": sports.basketball,
    "football": sports.football,
    "track": sports.track,
}
