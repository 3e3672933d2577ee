"""Every setting: one table, read once, then a frozen value.

Each row of :class:`Settings` is a name, a type, a default and a sentence; the README and
``embedkit doctor`` are checked against it. In the environment a row is its name in capitals after
``EMBEDKIT_``. Nothing here reads the environment by itself: the caller hands a mapping in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from functools import wraps
from hmac import compare_digest
from typing import Any
from urllib.parse import SplitResult, urlsplit

from embedkit.errors import ConfigurationError
from embedkit.freshness import DAY, Policy
from embedkit.models import TLDS
from embedkit.targets import TARGETS

PREFIX = "EMBEDKIT_"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ON_ERROR = ("card", "link", "text", "raise")
HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")  # a name, or what stands in the brackets of IPv6
LOG_FORMATS = ("none", "text", "json")
CONTACT = re.compile(r"mailto:[!-;=?-~]+@[0-9A-Za-z.-]+|https://[0-9A-Za-z.-][!-;=?-~]*|tel:\+?[0-9().-]+")


class Secret:
    """A text that shows itself in no repr, log, format, JSON or pickle; only :meth:`reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """The text itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({str(self)!r})"

    def __str__(self) -> str:
        return "***" if self._value else ""

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Secret, (str(self),))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self


def _string(value: Any) -> str:
    return str(value).strip()


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(str(value).strip())


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value).strip()):
        raise ValueError("must be a whole number, 0 or more")
    return int(value)


def _positive(value: Any) -> int:
    if (number := _integer(value)) < 1:
        raise ValueError("must be 1 or more")
    return number


def _seconds(value: Any) -> float:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) or not 0 < float(text) <= 300:
        raise ValueError("must be a number of seconds above 0, 300 at most")
    return float(text)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in ("1", "true", "yes", "on"):
        return True
    if word in ("0", "false", "no", "off", ""):
        return False
    raise ValueError("must be true or false")


def _list(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _secrets(value: Any) -> tuple[Secret, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    found = tuple(secret for part in parts if len(secret := _secret(part)))
    if any(len(secret) < 32 for secret in found):
        raise ValueError("must be values of at least 32 characters each")
    return found


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if (word := str(value).strip()) not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return word

    return read


def _plain(url: str) -> SplitResult | None:
    """An address of a host, a port and a path alone, in printable ASCII; None for any other."""
    try:
        parts = urlsplit(url)
        whole = HOST.fullmatch(parts.hostname or "") and parts.port != 0
    except ValueError:  # brackets that are no IPv6, a port that is none
        return None
    odd = "?" in url or "#" in url or "@" in parts.netloc or re.search(r"[^!-~]|[\\\"'<>`]", url)
    return parts if whole and not odd else None


def _upstream(value: Any) -> str:
    """An address we send requests to: https, except on loopback (the sandbox, tests)."""
    url = str(value).strip().rstrip("/")
    parts = _plain(url)
    if not parts or not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise ValueError("must be an https address (http only on 127.0.0.1, localhost or [::1])")
    return url


def _public(value: Any) -> str:
    url = str(value).strip().rstrip("/")
    parts = _plain(url)
    if url and not (parts and parts.scheme in ("https", "http")):
        raise ValueError("must be an address such as https://embeds.example.org")
    return url


def _origins(value: Any) -> tuple[str, ...]:
    found = _list(value)
    for origin in found:
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]+)?|https?://\[[0-9a-f:]+\](:[0-9]+)?", origin):
            raise ValueError(f"{origin!r} is no origin: write it like https://cms.example.org")
    return found


def _image_origins(value: Any) -> tuple[str, ...]:
    return tuple(_upstream(origin) for origin in _origins(value))


def _contacts(value: Any) -> tuple[str, ...]:
    """URIs of the field Contact (RFC 9116, section 2.5.3); web addresses must begin with https there."""
    found = _list(value)
    for uri in found:
        if not CONTACT.fullmatch(uri):
            raise ValueError("must be addresses such as mailto:security@example.org, https: or tel:")
    return found


def _rate(value: Any) -> str:
    rate = str(value).strip()
    if not re.fullmatch(r"[1-9][0-9]*\s*(/|per)\s*([0-9]+\s*)?(second|minute|hour|day)", rate):
        raise ValueError("must be a rate such as 60/minute")
    return rate


def _budget(value: Any) -> int | None:
    return None if value is None or not str(value).strip() else _positive(value)


def _row(default: Any, read: Callable[[Any], Any], says: str, *, shown: bool = True) -> Any:
    return field(default=default, repr=shown, metadata={"read": read, "says": says})


def _discreet(read: Callable[[Any, Mapping[str, Any]], Settings]) -> Callable[[Any, Mapping[str, Any]], Settings]:
    """Let an error out without the frames that it passed: their variables are the raw values, and crash
    reporters send those along."""

    @wraps(read)
    def reading(cls: Any, values: Mapping[str, Any]) -> Settings:
        try:
            return read(cls, values)
        except ConfigurationError as error:
            failure = error.with_traceback(None)
        del values
        raise failure

    return reading


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """The settings that markup depends on. Whatever is here is part of the edition of HTML that is cached."""

    frame_origin: str
    frame_sandbox: str
    widget_script: str
    locale: str
    tld: str
    sanitizer: str
    templates: str
    on_error: str


@dataclass(frozen=True)
class Settings:
    """All settings, with their defaults. Every value is checked, whichever way it comes in."""

    oembed_endpoint: str = _row(
        "https://embed.gettyimages.com/oembed", _upstream, "Getty's oEmbed endpoint; it needs no key."
    )
    api_base: str = _row("https://api.gettyimages.com", _upstream, "The Getty Images API v3, for search.")
    token_url: str = _row(
        "https://authentication.gettyimages.com/oauth2/token", _upstream, "Where OAuth2 tokens are issued."
    )
    frame_origin: str = _row(
        "https://embed.gettyimages.com", _upstream, "The origin of the frames that show a picture."
    )
    widget_script: str = _row(
        "https://embed-cdn.gettyimages.com/widgets.js",
        _upstream,
        "Getty's script, for the target widget only.",
    )
    image_origins: tuple[str, ...] = _row(
        (
            "https://media.gettyimages.com",
            "https://media.istockphoto.com",
            "https://cache1.asset-cache.net",
            "https://cache2.asset-cache.net",
            "https://delivery.gettyimages.com",
        ),
        _image_origins,
        "Origins that thumbnails may come from; any other thumbnail is dropped.",
    )
    api_key: Secret = _row(Secret(""), _secret, "The key of the Getty Images API; only search needs one.")
    api_secret: Secret = _row(Secret(""), _secret, "The secret that belongs to the key.")
    username: str = _row("", _string, "A Getty Images customer, for licensed downloads and boards.")
    password: Secret = _row(Secret(""), _secret, "That customer's password.")
    caller: str = _row("", _string, "Who asks, told to Getty; by default the host of PUBLIC_URL, else embedkit.")
    cache: str = _row(
        "",
        _string,
        "Where copies are kept: sqlite:PATH, redis://…, memcached://…, file:PATH, memory: or null:;"
        " by default SQLite in the user's cache folder.",
        shown=False,  # a Redis address may hold a password
    )
    cache_limit: int = _row(100_000, _positive, "How many entries the cache keeps at the most.")
    secret: tuple[Secret, ...] = _row(
        (),
        _secrets,
        "Signs cache entries and grants, at least 32 characters; two values, new and old, while rotating."
        " Made by itself for a cache that is not shared.",
    )
    max_age: int = _row(DAY, _positive, "Seconds for which a copy is fresh.")
    stale_while_revalidate: int = _row(
        DAY, _integer, "Seconds after that in which it is still shown while a new one is fetched behind it."
    )
    stale_if_error: int = _row(30 * DAY, _integer, "Seconds after that in which it is shown if Getty is down.")
    negative_max_age: int = _row(600, _positive, "Seconds for which a missing picture is not asked for again.")
    timeout: float = _row(5.0, _seconds, "Seconds after which a call to Getty is given up, in total.")
    concurrency: int = _row(8, _positive, "Calls to Getty under way at once.")
    target: str = _row("web", _one_of(*TARGETS), "What is rendered when a call does not say.")
    on_error: str = _row(
        "card", _one_of(*ON_ERROR), "What a reader sees where there is no embed: card, link, text; or raise."
    )
    tld: str = _row("com", _one_of(*TLDS), "The Getty site that frames link to, as in gettyimages.TLD.")
    locale: str = _row("en-US", _string, "The language of metadata and of our own few words.")
    sanitizer: str = _row("nh3", _one_of("nh3", "bleach"), "The library that cleans our output once more.")
    templates: str = _row("", _string, "A folder searched for templates before the built-in ones.")
    lockfile: str = _row("embedkit.lock.json", _string, "The file of locked records, for builds.")
    frozen: bool = _row(False, _boolean, "Read the lock file alone: no cache and no network.")
    frame_sandbox: str = _row(
        "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        " allow-top-navigation-by-user-activation",
        _string,
        "The sandbox attribute of our frames; empty leaves it out.",
    )
    tokens: tuple[Secret, ...] = _row((), _secrets, "Tokens that open search, at least 32 characters each.")
    admin_token: tuple[Secret, ...] = _row((), _secrets, "The token that opens purging; unset, purging is off.")
    metrics: str = _row(
        "off",
        _one_of("off", "token", "open"),
        "Who may read /metrics: nobody, holders of ADMIN_TOKEN or of one of TOKENS, or all.",
    )
    log_format: str = _row(
        "none",
        _one_of(*LOG_FORMATS),
        "What the service writes on stderr: nothing, or a line for each request and finding, as text or JSON.",
    )
    contact: tuple[str, ...] = _row(
        (),
        _contacts,
        "Whom to tell of a security hole, for /.well-known/security.txt: mailto:, https: or tel: addresses.",
    )
    search_access: str = _row("token", _one_of("token", "open"), "Who may search: holders of a token, or all.")
    cors_origins: tuple[str, ...] = _row((), _origins, "Origins whose pages may read our answers.")
    picker_origins: tuple[str, ...] = _row((), _origins, "Origins that may frame the picker.")
    rate_limit: str = _row("60/minute", _rate, "How often one client may call the service.")
    cold_limit: str = _row(
        "300/minute", _rate, "How many pictures may be fetched from Getty for one client; held ones are free."
    )
    search_budget: int | None = _row(
        None, _budget, "How many searches a day (UTC) may be asked of Getty; without a value any number."
    )
    public_url: str = _row("", _public, "The address of this service as the world sees it.")
    assets_url: str = _row("", _public, "Where stylesheet and scripts are served; PUBLIC_URL/static by default.")
    trusted_hops: int = _row(0, _integer, "Proxies in front of the service whose X-Forwarded headers count.")
    trusted_hosts: tuple[str, ...] = _row((), _list, "Host names the service answers to; any, if empty.")

    def __post_init__(self) -> None:
        for row in fields(self):
            if wrong := self._read(row):
                raise ConfigurationError(f"The setting {row.name.upper()} {wrong}.")

    def _read(self, row: Field[Any]) -> str:
        """Take a value in, or tell what is wrong with it without repeating it: it may be a secret."""
        try:
            object.__setattr__(self, row.name, row.metadata["read"](getattr(self, row.name)))
        except (ValueError, TypeError, AttributeError) as error:
            return str(error) or "is wrong"
        return ""

    @property
    def policy(self) -> Policy:
        """How long copies may be shown."""
        return Policy(self.max_age, self.stale_while_revalidate, self.stale_if_error, self.negative_max_age)

    @property
    def rendering(self) -> RenderSettings:
        """What the renderer is given."""
        return RenderSettings(*[getattr(self, part.name) for part in fields(RenderSettings)])

    @property
    def static_url(self) -> str:
        """Where pages find our stylesheet and scripts, without a slash at the end."""
        return self.assets_url or f"{self.public_url}/static"

    @property
    def caller_name(self) -> str:
        """The oEmbed parameter ``caller``."""
        return self.caller or urlsplit(self.public_url).hostname or "embedkit"

    def with_upstream(self, url: str) -> Settings:
        """These settings with every upstream address at one place: the sandbox, or a mirror of it."""
        base = _upstream(url)
        return replace(
            self,
            oembed_endpoint=f"{base}/oembed",
            api_base=base,
            token_url=f"{base}/oauth2/token",
            frame_origin=base,
            widget_script=f"{base}/widgets.js",
            image_origins=(base,),
        )

    @classmethod
    @_discreet
    def from_mapping(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from names in either case (a Django or Flask configuration), e.g. ``{"MAX_AGE": 600}``."""
        return cls(**{_known(name): value for name, value in values.items()})

    @classmethod
    @_discreet
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Settings from those names of an environment that begin with ``EMBEDKIT_``."""
        ours = {name[len(PREFIX) :]: value for name, value in environ.items() if name.startswith(PREFIX)}
        return cls.from_mapping({_known(name, PREFIX): value for name, value in ours.items()})


def examine(environ: Mapping[str, str]) -> tuple[Settings, dict[str, ConfigurationError]]:
    """Settings of an environment, the default in place of each that is wrong; and all that is wrong, by name.

    For whoever looks for faults; everybody else stops at the first one, with :meth:`Settings.from_env`.
    """
    good: dict[str, Any] = {}
    wrong: dict[str, ConfigurationError] = {}
    for name, value in environ.items():
        if name.startswith(PREFIX):
            try:
                known = _known(name[len(PREFIX) :], PREFIX)
                Settings.from_mapping({known: value})
                good[known] = value
            except ConfigurationError as error:
                wrong[name[len(PREFIX) :].upper()] = error
    return Settings.from_mapping(good), wrong


def rows() -> list[tuple[str, Any, str]]:
    """Name in capitals, default and sentence of every setting, in order."""
    return [(row.name.upper(), row.default, row.metadata["says"]) for row in fields(Settings)]


def _known(name: str, prefix: str = "") -> str:
    names = [row.name for row in fields(Settings)]
    if name.lower() in names:
        return name.lower()
    import difflib

    nearest = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"Did you mean {prefix}{nearest[0].upper()}?" if nearest else "See the settings in the README."
    raise ConfigurationError(f"There is no setting {prefix}{name.upper()}.", hint=hint)
