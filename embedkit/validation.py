"""Validation of what users pass: the options of a call and the values of settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from embedkit.errors import ConfigurationError
from embedkit.models import ALLOWED, TLDS, Options
from embedkit.targets import TARGETS

if TYPE_CHECKING:
    from urllib.parse import SplitResult

T = TypeVar("T")

MAX_SIDE_PX = 10_000  # no picture is larger: a larger bound makes no difference and need not be sent upstream

USUAL_INTERVAL_S = 35.0  # one call each: an idle feed costs less than two calls a minute, tokens included
MIN_INTERVAL_S, MAX_INTERVAL_S = 0.2, 45.0  # any longer, and a picture could not disappear within a minute
MAX_FRONTS = 10

LOOPBACK = ("127.0.0.1", "localhost", "::1")

# strings, not compiled patterns: most settings are not set, and compiling takes longer than reading them
_HOST = r"[a-z0-9._-]+|[0-9a-f:.]+"  # a name, or an IPv6 address without its brackets
_ORIGIN = r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?"
_CONTACT = r"mailto:[!-;=?-~]+@[0-9A-Za-z.-]+|https://[0-9A-Za-z.-][!-;=?-~]*|tel:\+?[0-9().-]+"
_PAGE = r"https://[0-9A-Za-z._:-]+([/?#][0-9A-Za-z/_.,:;~%?=&#+@-]*)?"
PERIODS_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = r"([1-9][0-9]*)\s*(?:/|per)\s*(?:([0-9]+)\s*)?(second|minute|hour|day)"


def options(given: Options | None, kwargs: Mapping[str, Any]) -> Options:
    """Merge options and keyword arguments, which take precedence, into one value.

    :raises ConfigurationError: for an unknown option or an invalid value.
    """
    if not isinstance(given, Options | None):
        hint = "Pass options by name, such as target=… or max_width=…; Options.from_words() reads a mapping."
        raise ConfigurationError(f"options is {short_repr(given)}, not an Options.", hint=hint)
    names = [row.name for row in fields(Options)]
    if unknown := kwargs.keys() - set(names):
        raise ConfigurationError(f"There is no option {min(unknown)!r}.", hint=f"Use one of {', '.join(names)}.")
    wanted = Options(**kwargs).over(given or Options())
    for name, allowed in ALLOWED.items():
        if (value := getattr(wanted, name)) is not None:
            one_of(value, allowed, name)
    for name in ("max_width", "max_height"):
        size = getattr(wanted, name)
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 1):
            hint = "Pass a whole number of pixels, 1 or more."
            raise ConfigurationError(f"{name} is {short_repr(size)}.", hint=hint)
    if not isinstance(wanted.caption, str | bool | None) or not isinstance(wanted.title, str | None):
        hint = "Pass a text; for a caption also True or False."
        raise ConfigurationError("The caption or title is not a text.", hint=hint)
    return bounded(wanted)


def bounded(wanted: Options) -> Options:
    """Return the options with bounds that are no larger than any picture."""
    width, height = wanted.max_width, wanted.max_height
    if max(width or 0, height or 0) <= MAX_SIDE_PX:
        return wanted
    return replace(
        wanted, max_width=width and min(width, MAX_SIDE_PX), max_height=height and min(height, MAX_SIDE_PX)
    )


def one_of(value: Any, allowed: Sequence[str], name: str) -> Any:
    """Return the value if it is allowed.

    :raises ConfigurationError: if it is not; the message names the allowed values.
    """
    if value not in allowed:
        hint = f"Use one of {', '.join(allowed)}."
        raise ConfigurationError(f"There is no {name} {short_repr(value)}.", hint=hint)
    return value


def instance(value: Any, kind: type[T], name: str) -> T:
    """Return the value if it is of the given type; for arguments that are easily passed in the wrong place.

    :raises ConfigurationError: if it is not; the message names the argument.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIO" else "a"
        hint = f"Pass arguments by name where there are several: {name}=…"
        raise ConfigurationError(f"{name} is {short_repr(value)}, not {article} {kind.__name__}.", hint=hint)
    return value


def materialise(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Turn iterators in keyword arguments into tuples, so that they can be passed to more than one call."""
    return {name: tuple(value) if isinstance(value, Iterator) else value for name, value in kwargs.items()}


def short_repr(value: Any) -> str:
    """Return a value's repr for a message, shortened to 80 characters."""
    try:
        text = repr(value)
    except ValueError:  # Python doesn't convert integers of more than 4,300 digits
        text = f"a value of type {type(value).__name__} that is too long to show"
    return text if len(text) <= 80 else text[:79] + "…"


# Readers of settings: each takes a value as written, and raises ValueError with a description of valid values.


def text(value: Any) -> str:
    return str(value).strip()


def integer(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", text(value)):
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def positive(value: Any) -> int:
    if (number := integer(value)) < 1:
        raise ValueError("must be 1 or more")
    return number


def positive_or_none(value: Any) -> int | None:
    return None if value is None or not text(value) else positive(value)


def seconds(value: Any) -> float:
    number = text(value)
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", number) or not 0 < float(number) <= 300:
        raise ValueError("must be a number of seconds above 0, at most 300")
    return float(number)


def boolean(value: Any) -> bool:
    word = text(value).lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be true or false")


def interval(value: Any) -> float:
    """Seconds between two polls: a number, or ``on`` for the usual interval and ``off`` for none, which is 0."""
    word = text(value).lower()
    if word in ("off", "false", "no", "0", "0.0", ""):
        return 0.0
    if word in ("on", "true", "yes", "1"):
        return USUAL_INTERVAL_S
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,3})?", word) or not MIN_INTERVAL_S <= float(word) <= MAX_INTERVAL_S:
        raise ValueError(f"must be on, off, or a number of seconds from {MIN_INTERVAL_S} to {MAX_INTERVAL_S:.0f}")
    return float(word)


def strings(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def choice(*allowed: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if (word := text(value)) not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}")
        return word

    return read


target = choice(*TARGETS)
tld = choice(*TLDS)


def upstream_url(value: Any) -> str:
    """A URL to send requests to: https, except on loopback (the sandbox, tests)."""
    url = text(value).rstrip("/")
    parts = _plain(url)
    if not parts or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise ValueError("must be an https URL (http only on 127.0.0.1, localhost or [::1])")
    return url


def public_url(value: Any) -> str:
    url = text(value).rstrip("/")
    parts = _plain(url)
    if url and not (parts and parts.scheme in ("https", "http")):
        raise ValueError("must be a URL such as https://embeds.example.org")
    return url


def page_url(value: Any) -> str:
    """The URL of a page for readers: https, optionally with a query and a fragment."""
    url = text(value)
    if url and not (re.fullmatch(_PAGE, url) and _plain(re.split("[?#]", url, maxsplit=1)[0])):
        raise ValueError("must be an https URL such as https://example.org/privacy")
    return url


def _plain(url: str) -> SplitResult | None:
    """Split a URL that has only a host, a port and a path, in printable ASCII; None for any other."""
    from urllib.parse import urlsplit  # only if a URL is set: importing it takes as long as opening the cache

    try:
        parts = urlsplit(url)
        whole = re.fullmatch(_HOST, parts.hostname or "") and parts.port != 0
    except ValueError:  # an invalid IPv6 address or port
        return None
    odd = "?" in url or "#" in url or "@" in parts.netloc or re.search(r"[^!-~]|[\\\"'<>`]", url)
    return parts if whole and not odd else None


def origins(value: Any) -> tuple[str, ...]:
    found = strings(value)
    for origin in found:
        if not re.fullmatch(_ORIGIN, origin):
            raise ValueError(f"must be origins such as https://cms.example.org; {origin!r} is not one")
    return found


def fronts(value: Any) -> tuple[str, ...]:
    found = tuple(map(upstream_url, strings(value)))
    if len(found) > MAX_FRONTS:
        raise ValueError(f"may have at most {MAX_FRONTS} URLs")
    return found


def image_origins(value: Any) -> tuple[str, ...]:
    return tuple(map(upstream_url, origins(value)))


def contacts(value: Any) -> tuple[str, ...]:
    """URIs of the Contact field (RFC 9116, section 2.5.3), in which web pages must be https."""
    found = strings(value)
    if not all(re.fullmatch(_CONTACT, uri) for uri in found):
        raise ValueError("must be URIs such as mailto:security@example.org, https: or tel:")
    return found


def api_base(value: Any) -> str:
    """The URL of the API, which documents write with and without its version."""
    return re.sub(r"/v3\Z", "", upstream_url(value), flags=re.IGNORECASE)


def proxy(value: Any) -> str:
    """The URL of a proxy, which may contain credentials; error messages therefore don't show it."""
    from urllib.parse import urlsplit

    url = text(value).rstrip("/")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if url and (not whole or parts.path or parts.query or parts.fragment or re.search(r"[^!-~]|\\", url)):
        raise ValueError("must be a URL such as http://proxy.example.org:3128")
    return url


def rate(value: Any) -> str:
    if not re.fullmatch(_RATE, text(value)):
        raise ValueError("must be a rate such as 60/minute")
    return text(value)


def calls_per_second(rate: str) -> float:
    """Return a validated rate as a number."""
    found = re.fullmatch(_RATE, rate)
    calls, periods, unit = found.groups() if found else ("1", "1", "second")
    return int(calls) / (int(periods or 1) * PERIODS_S[unit])
