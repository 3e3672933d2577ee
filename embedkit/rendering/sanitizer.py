"""Sanitize our own markup as a second line of defense: one allowlist, enforced by either of two libraries.

Getty's markup never gets here: only the output of our own templates is sanitized. Should a template ever fail to
escape a text, only the elements and attributes in :data:`ALLOWED` get through, and every value is matched in full.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol, cast

from embedkit.errors import ConfigurationError, missing_package
from embedkit.getty.urls import ASSET_IDS

if TYPE_CHECKING:
    from bleach.css_sanitizer import CSSSanitizer

AttributeFilter = Callable[[str, str, str], bool]

# The only URLs that we ever frame, as built by embedkit.models.Frame.path(): the IDs and query signed by Getty.
PATH = rf"/embed/{ASSET_IDS}\?[A-Za-z0-9_=&.-]+"
# Both libraries filter CSS by property names only, so a style is allowed as a whole or not at all.
STYLE = r"border:0;width:[0-9]{1,6}px;max-width:100%;height:auto;aspect-ratio:[0-9]{1,6}/[0-9]{1,6}"

_ANY = r"(?s).*"
_SIZE = r"[0-9]{1,6}"
_CLASS = r"(?:(?:ek|ek-[a-z0-9-]+|wp-embedded-content)(?: |\Z))+"

_INERT = {"v-pre": "", "x-ignore": "", "ng-non-bindable": ""}

# element → attribute → pattern for the whole value; {frame} is replaced with the origin of frames
ALLOWED: dict[str, dict[str, str]] = {
    "figure": {
        **_INERT,
        "class": _CLASS,
        "data-ek-id": ASSET_IDS,
        "data-ek-src": PATH,
        **{f"data-ek-{text}": _ANY for text in ("loaded", "again", "revoked")},
    },
    "iframe": {
        "class": _CLASS,
        "src": rf"{{frame}}{PATH}",
        "title": _ANY,
        "width": _SIZE,
        "height": _SIZE,
        "loading": "lazy",
        "referrerpolicy": "strict-origin-when-cross-origin",
        "sandbox": r"[a-z -]*",
        "allow": "",
        "credentialless": "",
        "frameborder": "0",
        "style": STYLE,
    },
    "a": {"class": _CLASS, "href": r"https://[^\s\\]+", "rel": "noopener nofollow", "aria-label": _ANY},
    "canvas": {"width": _SIZE, "height": _SIZE},
    "datalist": {"class": _CLASS, "aria-hidden": "true"},
    "input": {"class": _CLASS, "type": "checkbox"},
    "div": {"class": _CLASS, "data-ek-title": _ANY},
    "span": {**_INERT, "class": _CLASS},
    **{name: {"class": _CLASS} for name in ("figcaption", "cite", "label", "blockquote")},
    "p": {},
    "br": {},
}


class Sanitizer(Protocol):
    """Anything that sanitizes HTML."""

    def clean(self, html: str, /) -> str:
        """Return the HTML without everything that is not in :data:`ALLOWED`."""


def sanitizer(name: str, *, frame_origin: str) -> Sanitizer:
    """Create the sanitizer for the setting SANITIZER.

    :param name: ``nh3`` or ``bleach``.
    :param frame_origin: the only origin allowed for iframes.
    :raises ConfigurationError: for any other name, or if the library is not installed.
    """
    if name == "nh3":
        return NhSanitizer(frame_origin)
    if name == "bleach":
        return BleachSanitizer(frame_origin)
    raise ConfigurationError(f"Unknown sanitizer {name!r}.", hint="Set EMBEDKIT_SANITIZER to nh3 or bleach.")


class NhSanitizer:
    """Sanitizes with nh3, the default, which is maintained."""

    def __init__(self, frame_origin: str) -> None:
        from nh3 import Cleaner

        self._is_allowed = _attribute_filter(frame_origin)
        self._cleaner = Cleaner(
            tags=set(ALLOWED),
            attributes={tag: set(rules) for tag, rules in ALLOWED.items()},
            attribute_filter=lru_cache(maxsize=512)(self._filter),  # most values occur again and again
            url_schemes={"https", "http"},  # http for a sandbox on loopback; ALLOWED restricts links to https
            url_relative="deny",
            link_rel=None,  # nh3 would overwrite ours
        )

    def clean(self, html: str, /) -> str:
        """Return the HTML without everything that is not in the allowlist."""
        return self._cleaner.clean(html)

    def _filter(self, tag: str, name: str, value: str) -> str | None:
        try:
            return value if self._is_allowed(tag, name, value) else None
        except Exception:
            return None  # fail closed: nh3 keeps an attribute if the callback raises


class BleachSanitizer:
    """Sanitizes with bleach (the extra ``bleach``), for hosts that require it; end-of-life since June 2026."""

    def __init__(self, frame_origin: str) -> None:
        try:
            from bleach.sanitizer import Cleaner
        except ImportError:
            raise missing_package("EMBEDKIT_SANITIZER=bleach", "bleach", "bleach") from None
        self._is_allowed = _attribute_filter(frame_origin)
        self._cleaner_class = Cleaner

    def clean(self, html: str, /) -> str:
        """Return the HTML without everything that is not in the allowlist."""
        cleaner = self._cleaner_class(  # one for each call, since a Cleaner is not thread-safe
            tags=set(ALLOWED),
            attributes=self._filter,
            protocols={"https", "http"},
            strip=True,
            css_sanitizer=cast("CSSSanitizer", _StyleFilter()),
        )
        return cleaner.clean(html)

    def _filter(self, tag: str, name: str, value: str) -> bool:
        return self._is_allowed(tag, name, html.unescape(value))  # bleach passes the value escaped


class _StyleFilter:
    """Bleach requires it in addition to the attribute filter, which has already checked the style."""

    def sanitize_css(self, style: str) -> str:
        return style if re.fullmatch(STYLE, style) else ""


@lru_cache(maxsize=8)
def _attribute_filter(frame_origin: str) -> AttributeFilter:
    """Return a function that tells whether an attribute is allowed."""
    rules = {
        (tag, name): re.compile(rule.replace("{frame}", re.escape(frame_origin)))
        for tag, attributes in ALLOWED.items()
        for name, rule in attributes.items()
    }

    def is_allowed(tag: str, name: str, value: str) -> bool:
        rule = rules.get((tag, name))
        return rule is not None and rule.fullmatch(value) is not None

    return is_allowed
