"""Which fields an answer about pictures carries: the sets, the single ones, and those that are protected.

The sets of a search and those of ``/v3/images`` differ; so do the fields that may be named, and what the contract
declares of each endpoint's pictures. What may be named but is not declared stays out of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import Era
from embedkit.sandbox.services.http import code_error, missing_token_error, parameter_error

# display sizes, in the order of a live answer; the last two are of older documentation
DISPLAYS = ("comp", "comp_webp", "preview", "thumb", "mid_res_comp", "high_res_comp")
FORMER = frozenset(DISPLAYS[4:])
SETS = ("detail_set", "display_set", "summary_set")
DISPLAY_SET = frozenset(("comp", "preview", "thumb"))
# for customers only; in a set they are left empty for anybody else, named they are refused
PROTECTED = frozenset(("download_sizes", "downloads", "largest_downloads"))


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUMMARY = _names(
    "asset_family caption collection_code collection_id collection_name license_model max_dimensions title"
)
_DETAIL = _SUMMARY | _names(
    "allowed_use artist call_for_image copyright date_created editorial_segments event_ids graphical_style "
    "orientation product_types quality_rank referral_destinations"
)
_DETAIL_OF_ONE = _DETAIL | _names(
    "artist_title city color_type country credit_line date_submitted download_sizes state_province"
)
_ALONE = _names(
    "alternative_ids color_type date_camera_shot date_submitted download_product download_sizes id keywords "
    "largest_downloads uri_oembed"
)
# what the contract declares of a picture that a search finds
_CREATIVE_ITEM = _DETAIL - _names("editorial_segments event_ids product_types") | _names(
    "alternative_ids color_type date_camera_shot display_sizes download_product id keywords largest_downloads "
    "uri_oembed"
)
_EDITORIAL_ITEM = _DETAIL | _CREATIVE_ITEM | {"editorial_source", "people"}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one endpoint.

    :param summary: and ``detail``: what the sets stand for, display sizes among it.
    :param single: what may be named, sets and display sizes aside.
    :param declared: what the contract says a picture has; None for anything.
    """

    summary: frozenset[str]
    detail: frozenset[str]
    single: frozenset[str]
    declared: frozenset[str] | None = None

    @property
    def allowed(self) -> frozenset[str]:
        return self.single | {*SETS, *DISPLAYS}


_FOUND_SUMMARY, _FOUND_DETAIL = _SUMMARY | {"thumb"}, _DETAIL | DISPLAY_SET
_SINGLE = _DETAIL | _ALONE
CREATIVE = Fields(
    _FOUND_SUMMARY,
    _FOUND_DETAIL,
    _SINGLE - {"editorial_segments", "event_ids"} | {"istock_collection"},
    _CREATIVE_ITEM,
)
EDITORIAL = Fields(_FOUND_SUMMARY, _FOUND_DETAIL, _SINGLE | {"editorial_source", "people"}, _EDITORIAL_ITEM)
BLENDED = Fields(
    _FOUND_SUMMARY,
    _FOUND_DETAIL,
    _SINGLE | _names("accessrestriction editorial_source entity_details istock_collection people"),
    _EDITORIAL_ITEM - {"editorial_source"} | {"istock_licenses"},
)
ARTIST = Fields(
    _FOUND_SUMMARY,
    _FOUND_DETAIL,
    _DETAIL | _names("alternative_ids asset_type date_submitted id keywords"),
)
ONE = Fields(
    _SUMMARY | {"artist"},
    _DETAIL_OF_ONE,
    _DETAIL_OF_ONE
    | _ALONE
    | _names(
        "downloads editorial_source entity_details is_ai_editable istock_collection istock_licenses links "
        "object_name people"
    ),
)


def search_fields(fields: Fields, rules: Era) -> Fields:
    """Those of a search in an era."""
    return fields if rules.sizes_in_search else replace(fields, single=fields.single - {"download_sizes"})


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """The fields to answer, and the display sizes to list, if ``display_sizes`` is among them.

    ``links`` says whether download sizes come with where to download them: the field ``downloads`` is that.
    """

    keys: tuple[str, ...]
    displays: tuple[str, ...] = ()
    links: bool = False


def select_fields(text: str, fields: Fields, caller: Caller, *, undeclared: bool = False) -> FieldSelection:
    """What ``fields=…`` asks for: ``id`` first, then in the order of the alphabet, as live answers have it.

    :param undeclared: whether what the contract does not declare is answered all the same.
    :raises APIError: 400 for a field that there is not, 401 for a protected one without a token, 403 for a display
        size that is for customers.
    """
    named = [part for word in text.split(",") if (part := word.strip().lower())] or ["summary_set"]
    for name in named:
        _check(name, fields, caller)
    every = frozenset(field for name in named for field in _expand(name, fields))
    displays = tuple(name for name in DISPLAYS if name in every)
    keys = every - {*DISPLAYS, "downloads", "id"}
    keys |= {"display_sizes"} if displays else frozenset()
    keys |= {"download_sizes"} if "downloads" in every else frozenset()
    if fields.declared is not None and not undeclared:
        keys &= fields.declared
    return FieldSelection(("id", *sorted(keys)), displays, "downloads" in every)


def _check(name: str, fields: Fields, caller: Caller) -> None:
    if name not in fields.allowed:
        raise parameter_error("fields", f"The value '{name}' is not valid.")
    if name in PROTECTED and not caller.token:
        raise missing_token_error()
    if name in FORMER and not caller.licensed:
        raise code_error(
            403, "UnauthorizedDisplaySize", f"Your account does not authorize the display size {name}."
        )


def _expand(name: str, fields: Fields) -> Iterator[str]:
    match name:
        case "summary_set":
            yield from fields.summary
        case "detail_set":
            yield from fields.detail
        case "display_set":
            yield from DISPLAY_SET
        case _:
            yield name
