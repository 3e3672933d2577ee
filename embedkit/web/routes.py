"""Every route of the service, group by group."""

from embedkit.web import (
    contact,
    docs,
    embeds,
    frame,
    grants,
    health,
    images,
    metrics,
    oembed,
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
    *frame.ROUTES,
    *picker.ROUTES,
    *health.ROUTES,
    *metrics.ROUTES,
    *contact.ROUTES,
    *docs.ROUTES,
)
