"""Pictures by their ids, one or a hundred at a time; those similar to one, and those of its series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from embedkit.api import fields, parameters
from embedkit.api.decoding import Fields, answer, unusable
from embedkit.api.errors import MISSING, refusal
from embedkit.api.image_decoding import picture
from embedkit.api.models import Found, Image
from embedkit.api.requests import asking, asset_id, distinct
from embedkit.errors import ConfigurationError, NotFound
from embedkit.messages import Request, Response
from embedkit.settings import Settings
from embedkit.validation import word

MOST = 100  # ids in one call


def request(ids: Sequence[str], said: Mapping[str, Any], settings: Settings) -> Request:
    """The question for pictures by their ids.

    :param ids: at least one, at most 100; each is asked for once.
    :raises UnsupportedReference: for what is no asset id.
    :raises ConfigurationError: for no ids, for too many, and for wrong arguments.
    """
    wanted = distinct(ids)
    if not 1 <= len(wanted) <= MOST:
        raise ConfigurationError(f"{len(wanted)} ids are none of one call.", hint=f"Give 1 to {MOST} ids.")
    asked = {**said, "fields": fields.wanted(said.get("fields"), fields.DETAILS)}
    pairs = parameters.read("image", asked)
    return asking(settings, "/v3/images", (*pairs, ("ids", ",".join(wanted))), speak=said.get("language"))


def single(image_id: str, said: Mapping[str, Any], settings: Settings) -> Request:
    """The question for one picture: its own address, which answers 404 where there is none.

    :raises UnsupportedReference, ConfigurationError: as :func:`request`.
    """
    asked = {**said, "fields": fields.wanted(said.get("fields"), fields.DETAILS)}
    pairs = parameters.read("image", asked)
    return asking(settings, f"/v3/images/{asset_id(image_id)}", pairs, speak=said.get("language"))


def found(response: Response, settings: Settings, ids: Sequence[str]) -> Found:
    """The pictures of an answer, in the order of ``ids``, and which of these are not among them.

    Where not one of them exists the service answers 404, and that is no error of this call.

    :raises ProviderError: for every other status; InvalidResponse for an answer without pictures.
    """
    wanted = distinct(ids)
    if response.status == 404:
        return _nothing(response, wanted)
    said = answer(response, "picture")
    images = {image.id: image for image in _images(said, settings)}
    return Found(
        tuple(images[one] for one in wanted if one in images),
        tuple(one for one in wanted if one not in images),
        other=said.other,
    )


def one(response: Response, settings: Settings, image_id: str) -> Image:
    """The picture of an answer.

    :raises NotFound: where there is none of that id.
    :raises ProviderError: for another status; InvalidResponse for an answer without pictures.
    """
    wanted = asset_id(image_id)
    images = _images(answer(response, "picture", ref=wanted), settings)
    for image in images:
        if image.id == wanted:
            return image
    says, hint = MISSING["picture"]
    raise NotFound(f"{says[0].upper()}{says[1:]}.", hint=hint, ref=wanted)


def _nothing(response: Response, wanted: tuple[str, ...]) -> Found:
    error = refusal(response, what="picture", ref=",".join(wanted))
    if isinstance(error, NotFound):
        return Found((), wanted)
    raise error  # a firewall's page: it knows nothing of pictures


def _images(said: Fields, settings: Settings) -> tuple[Image, ...]:
    listed = said.raw("images")
    if not isinstance(listed, list | None) or not ("images" in said or "images_not_found" in said):
        raise unusable("The answer has no list of images.")
    said.texts("images_not_found")  # what is missing is seen by what is there
    return said.parts("images", lambda part: picture(part, settings))


def series(
    kind: Literal["similar", "same-series"], image_id: str, said: Mapping[str, Any], settings: Settings
) -> Request:
    """The question for pictures similar to one, or of its series; :func:`embedkit.api.search_requests.parse` reads
    the answer.

    :raises UnsupportedReference: for what is no asset id.
    :raises ConfigurationError: for another kind, and for wrong arguments.
    """
    word(kind, ("similar", "same-series"), "kind")
    asked: dict[str, Any] = {"page": 1, "page_size": parameters.PAGE_SIZE}
    asked |= {name: value for name, value in said.items() if value is not None}
    asked["fields"] = fields.wanted(asked.get("fields"), fields.SEARCH)
    pairs = parameters.read(kind, asked)
    return asking(settings, f"/v3/images/{asset_id(image_id)}/{kind}", pairs, speak=asked.get("language"))
