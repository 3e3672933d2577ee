"""The Content-Security-Policy of every page: strict for readers and for Django's admin."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]

# Wagtail's editor has style attributes and runs scripts through jQuery; its preview is a frame of this site.
WAGTAIL = {
    "script_src": "'unsafe-inline'",
    "style_src": "'unsafe-inline'",
    "img_src": "blob:",
    "frame_src": "'self'",
    "frame_ancestors": "'self'",
}


def middleware(answer: Answer) -> Answer:
    def answered(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        also = WAGTAIL if request.path.startswith("/cms/") else {}
        for name, value in settings.EMBEDKIT_SERVICE.policy(**also).items():
            response.headers.setdefault(name, value)
        return response

    return answered
