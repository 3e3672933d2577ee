"""The second net under our own markup: one allowlist, kept by either of two libraries.

Nothing of Getty's markup ever comes here: what is cleaned is what our own templates wrote. Should a
template ever forget to escape a text, only the elements and attributes of :data:`ALLOWED` get through,
each value matched as a whole.
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

Keep = Callable[[str, str, str], bool]

# The only URL that we ever frame: what embedkit.models.Frame.path() gives, IDs as Getty signs them and its query.
PATH = rf"/embed/{ASSET_IDS}\?[A-Za-z0-9_=&.-]+"
# Both libraries filter CSS by the names of properties only, so a style passes as a whole or not at all.
STYLE = r"border:0;width:[0-9]{1,6}px;max-width:100%;height:auto;aspect-ratio:[0-9]{1,6}/[0-9]{1,6}"

_ANY = r"(?s).*"
_SIZE = r"[0-9]{1,6}"
_CLASS = r"(?:(?:ek|ek-[a-z0-9-]+|wp-embedded-content)(?: |\Z))+"

_INERT = {"v-pre": "", "x-ignore": "", "ng-non-bindable": ""}

# element → attribute → what its whole value must be; {frame} stands for the origin of frames
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
    """Anything that cleans html."""

    def clean(self, html: str, /) -> str:
        """The html, without what :data:`ALLOWED` does not name."""


def sanitizer(name: str, *, frame_origin: str) -> Sanitizer:
    """The sanitizer that the setting SANITIZER names.

    :param name: ``nh3`` or ``bleach``.
    :param frame_origin: the only origin that an iframe may show.
    :raises ConfigurationError: for another name, or where the library is not installed.
    """
    if name == "nh3":
        return NhSanitizer(frame_origin)
    if name == "bleach":
        return BleachSanitizer(frame_origin)
    raise ConfigurationError(f"There is no sanitizer {name!r}.", hint="Set EMBEDKIT_SANITIZER to nh3 or bleach.")


class NhSanitizer:
    """Cleans with nh3, the maintained choice and the default."""

    def __init__(self, frame_origin: str) -> None:
        from nh3 import Cleaner

        self._keep = _keep(frame_origin)
        self._cleaner = Cleaner(
            tags=set(ALLOWED),
            attributes={tag: set(rules) for tag, rules in ALLOWED.items()},
            attribute_filter=lru_cache(maxsize=512)(self._value),  # most values are the same every time
            url_schemes={"https", "http"},  # http: frames of a sandbox on loopback; links are held to https above
            url_relative="deny",
            link_rel=None,  # we write our own; nh3 would overwrite it
        )

    def clean(self, html: str, /) -> str:
        """The html, without what the allowlist does not name."""
        return self._cleaner.clean(html)

    def _value(self, tag: str, name: str, value: str) -> str | None:
        try:
            return value if self._keep(tag, name, value) else None
        except Exception:
            return None  # nh3 keeps an attribute whose callback raises: this one must fail closed


class BleachSanitizer:
    """Cleans with bleach (the extra ``bleach``), for those who must; it is end-of-life since June 2026."""

    def __init__(self, frame_origin: str) -> None:
        try:
            from bleach.sanitizer import Cleaner
        except ImportError:
            raise missing_package("EMBEDKIT_SANITIZER=bleach", "bleach", "bleach") from None
        self._keep = _keep(frame_origin)
        self._make = Cleaner

    def clean(self, html: str, /) -> str:
        """The html, without what the allowlist does not name."""
        cleaner = self._make(  # anew for every text: a Cleaner is not safe for threads
            tags=set(ALLOWED),
            attributes=self._attribute,
            protocols={"https", "http"},
            strip=True,
            css_sanitizer=cast("CSSSanitizer", _OwnStyle()),
        )
        return cleaner.clean(html)

    def _attribute(self, tag: str, name: str, value: str) -> bool:
        return self._keep(tag, name, html.unescape(value))  # bleach hands the value over as it is written


class _OwnStyle:
    """What bleach asks for beside its attribute filter, which has judged the style already."""

    def sanitize_css(self, style: str) -> str:
        return style if re.fullmatch(STYLE, style) else ""


@lru_cache(maxsize=8)
def _keep(frame_origin: str) -> Keep:
    """Whether an attribute may stay."""
    rules = {
        (tag, name): re.compile(rule.replace("{frame}", re.escape(frame_origin)))
        for tag, attributes in ALLOWED.items()
        for name, rule in attributes.items()
    }

    def keep(tag: str, name: str, value: str) -> bool:
        rule = rules.get((tag, name))
        return rule is not None and rule.fullmatch(value) is not None

    return keep
