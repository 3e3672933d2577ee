"""``/.well-known/security.txt`` (RFC 9116): whom to tell of a security hole, from the setting CONTACT."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Response

from embedkit.web.context import Service
from embedkit.web.errors import Refused
from embedkit.web.routing import Answer, Route

PATH = "/.well-known/security.txt"
VALID = timedelta(days=180)  # the RFC recommends less than a year (section 2.5.5)
DAY = "public, max-age=86400"


def security_txt(service: Service) -> Response:
    if not service.settings.contact:
        raise Refused("no-route", "There is nothing at this address: the setting CONTACT is not set.")
    response = Response(_text(service), content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = DAY
    return response


def _text(service: Service) -> str:
    settings = service.settings
    midnight = datetime.fromtimestamp(service.clock(), UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    fields = [("Contact", uri) for uri in settings.contact]
    fields.append(("Expires", f"{midnight + VALID:%Y-%m-%dT%H:%M:%SZ}"))
    if settings.public_url:
        fields.append(("Canonical", f"{settings.public_url}{PATH}"))
    fields.append(("Preferred-Languages", settings.locale.partition("-")[0]))
    return "".join(f"{name}: {value}\n" for name, value in fields)


ROUTES = (
    Route(
        PATH,
        "security_txt",
        security_txt,
        "Whom to tell of a security hole",
        "Operation",
        {200: Answer("The file security.txt of RFC 9116.", media="text/plain")},
        errors=("no-route",),
        limited=False,
        sample=PATH,
    ),
)
