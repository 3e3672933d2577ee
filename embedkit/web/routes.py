"""Every route of the service, group by group."""

from embedkit.web import documentation, embeds, frames, grants, images, oembed, operation, picker, render, search
from embedkit.web.routing import Route

ROUTES: tuple[Route, ...] = (
    *oembed.ROUTES,
    *embeds.ROUTES,
    *render.ROUTES,
    *search.ROUTES,
    *images.ROUTES,
    *grants.ROUTES,
    *frames.ROUTES,
    *picker.ROUTES,
    *operation.ROUTES,
    *documentation.ROUTES,
)
