"""Every route of the service, group by group."""

from embedkit.web import documentation, embeds, frames, oembed, operation, render
from embedkit.web.routing import Route

ROUTES: tuple[Route, ...] = (
    *oembed.ROUTES,
    *embeds.ROUTES,
    *render.ROUTES,
    *frames.ROUTES,
    *operation.ROUTES,
    *documentation.ROUTES,
)
