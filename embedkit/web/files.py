"""Our own files: stylesheets and scripts, the same for all, from where any page may load them."""

from __future__ import annotations

import re

from flask import Response, redirect, request, send_from_directory, url_for

from embedkit import __version__
from embedkit.rendering.renderer import static_dir
from embedkit.web.picker_files import ENTRY, PickerFiles

UNVERSIONED = "public, max-age=3600, stale-while-revalidate=86400"
VERSIONED = "public, max-age=31536000, immutable"  # the URL names the content: other content has another URL
KINDS = {  # whatever this machine's own table of types says
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "json": "application/json",
}
# The picker by a URL that names no release, or another: the answer is where this release is.
PICKER = re.compile(rf"(?:picker-[0-9a-f]+/)?{re.escape(ENTRY)}")


def static_file(picker: PickerFiles, filename: str) -> Response:
    """A file by its path below ``/static``, open to pages of every origin."""
    folder, _, name = filename.partition("/")
    if folder == picker.folder and name in picker.contents:
        response = _of_release(picker, name)
    elif PICKER.fullmatch(filename):
        response = _to_release(picker)
    else:
        response = send_from_directory(static_dir(), filename)
        response.headers["Cache-Control"] = VERSIONED if request.args.get("v") == __version__ else UNVERSIONED
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _of_release(picker: PickerFiles, name: str) -> Response:
    response = Response(picker.contents[name], content_type=KINDS[name.rpartition(".")[2]])
    response.headers["Cache-Control"] = VERSIONED
    response.add_etag()
    return response.make_conditional(request)  # type: ignore[return-value]  # Werkzeug's type, but the same object


def _to_release(picker: PickerFiles) -> Response:
    """Modules resolve imports against the URL that they were redirected to, so all come from one release."""
    response = redirect(url_for(".static", filename=f"{picker.folder}/{ENTRY}"), Response=Response)
    response.headers["Cache-Control"] = "no-cache"
    return response  # type: ignore[return-value]
