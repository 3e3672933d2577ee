"""Every route of the service, group by group."""

from embedkit.web import (
    contact,
    documentation,
    embeds,
    frames,
    grants,
    images,
    metrics,
    oembed,
    operation,
    picker,
    render,
    search,
)
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
    *metrics.ROUTES,
    *contact.ROUTES,
    *documentation.ROUTES,
)
