"""The fields of pictures in responses: field sets, single fields, and protected ones.

Searches and ``/v3/images`` differ in their field sets, in the fields that can be requested, and in those that the
contract declares. Fields that can be requested but are not declared are left out of the response.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from embedkit.sandbox.services.auth import Caller
from embedkit.sandbox.services.config import Era
from embedkit.sandbox.services.http import code_error, missing_token_error, parameter_error

# display sizes, in the order of a live response; the last two are from older documentation
DISPLAYS = ("comp", "comp_webp", "preview", "thumb", "mid_res_comp", "high_res_comp")
FORMER = frozenset(DISPLAYS[4:])
SETS = ("detail_set", "display_set", "summary_set")
DISPLAY_SET = frozenset(("comp", "preview", "thumb"))
# for customers only; for other callers they are empty in a set, and an error if requested by name
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
# the fields that the contract declares for search results
_CREATIVE_ITEM = _DETAIL - _names("editorial_segments event_ids product_types") | _names(
    "alternative_ids color_type date_camera_shot display_sizes download_product id keywords largest_downloads "
    "uri_oembed"
)
_EDITORIAL_ITEM = _DETAIL | _CREATIVE_ITEM | {"editorial_source", "people"}


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one endpoint.

    :param summary: the fields of ``summary_set``, including display sizes.
    :param detail: the fields of ``detail_set``, including display sizes.
    :param single: the fields that can be requested by name, without sets and display sizes.
    :param declared: the fields of a picture in the contract; None allows all.
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
    """Return the fields that a search supports in an era."""
    return fields if rules.sizes_in_search else replace(fields, single=fields.single - {"download_sizes"})


@dataclass(frozen=True, slots=True)
class FieldSelection:
    """The fields to return and, if ``display_sizes`` is one of them, the display sizes to list.

    ``links`` adds download links to the download sizes, as requested by the field ``downloads``.
    """

    keys: tuple[str, ...]
    displays: tuple[str, ...] = ()
    links: bool = False


def select_fields(text: str, fields: Fields, caller: Caller, *, undeclared: bool = False) -> FieldSelection:
    """Parse ``fields=…`` into a selection: ``id`` first, then in alphabetical order, as in live responses.

    :param undeclared: whether to return fields that the contract does not declare.
    :raises APIError: 400 for an unknown field, 401 for a protected one without a token, 403 for a display size
        that is for customers only.
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
