"""Every setting: one table, read once, then a frozen value.

Each row of :class:`Settings` is a name, a type, a default and a sentence; the README and
``embedkit doctor`` are checked against it. In the environment a row is its name in capitals after
``EMBEDKIT_``. Nothing here reads the environment by itself: the caller hands a mapping in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from functools import wraps
from hmac import compare_digest
from typing import Any, NamedTuple

from embedkit import validation as check
from embedkit.errors import ConfigurationError
from embedkit.freshness import DAY, Policy

PREFIX = "EMBEDKIT_"
ON_ERROR = ("card", "link", "text", "raise")
LOG_FORMATS = ("none", "text", "json")


class Secret:
    """A text that shows itself in no repr, log, format, JSON or pickle; only :meth:`reveal` returns it.

    >>> secret = Secret("hunter2")
    >>> print(secret, secret.reveal())
    *** hunter2
    """

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


def _secret(value: Any) -> Secret:
    return value if isinstance(value, Secret) else Secret(str(value).strip())


def _proxy(value: Any) -> Secret:
    return Secret(check.proxy(value.reveal() if isinstance(value, Secret) else value))


def _hook(value: Any) -> Secret:
    url = check.text(value.reveal() if isinstance(value, Secret) else value)
    return Secret(check.upstream_url(url) if url else "")


def _secrets(value: Any) -> tuple[Secret, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    found = tuple(secret for part in parts if len(secret := _secret(part)))
    if any(len(secret) < 32 for secret in found):
        raise ValueError("must be values of at least 32 characters each")
    return found


def _store_url(value: Any) -> str:
    """A URL whose scheme is in lower case (RFC 3986, section 3.1), as all who read it expect."""
    scheme, colon, rest = check.text(value).partition(":")
    return scheme.lower() + colon + rest if colon else scheme


def _row(default: Any, read: Callable[[Any], Any], help: str, *, repr: bool = True) -> Any:
    return field(default=default, repr=repr, metadata={"read": read, "help": help})


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


class RenderSettings(NamedTuple):
    """The settings that markup depends on. Whatever is here is part of the edition of HTML that is cached."""

    frame_origin: str
    frame_sandbox: str
    credentialless: bool
    privacy_url: str
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
        "https://embed.gettyimages.com/oembed", check.upstream_url, "Getty's oEmbed endpoint; it needs no key."
    )
    api_base: str = _row(
        "https://api.gettyimages.com", check.api_base, "The Getty Images API, for search; with or without /v3."
    )
    token_url: str = _row(
        "https://authentication.gettyimages.com/oauth2/token",
        check.upstream_url,
        "Where OAuth2 tokens are issued.",
    )
    frame_origin: str = _row(
        "https://embed.gettyimages.com", check.upstream_url, "The origin of the frames that show a picture."
    )
    widget_script: str = _row(
        "https://embed-cdn.gettyimages.com/widgets.js",
        check.upstream_url,
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
        check.image_origins,
        "Origins that thumbnails may come from; any other thumbnail is dropped.",
    )
    api_key: Secret = _row(Secret(""), _secret, "The key of the Getty Images API; only search needs one.")
    api_secret: Secret = _row(Secret(""), _secret, "The secret that belongs to the key.")
    username: str = _row("", check.text, "A Getty Images customer, for licensed downloads and boards.")
    password: Secret = _row(Secret(""), _secret, "That customer's password.")
    caller: str = _row(
        "", check.text, "Who asks, for Getty's logs; by default the host of PUBLIC_URL, else embedkit."
    )
    cache: str = _row(
        "",
        _store_url,
        "Where copies are kept: sqlite:PATH, redis://HOST, rediss://HOST, unix://SOCKET, memcached://HOST:PORT,"
        " file:PATH, memory: or null:; by default SQLite in the user's cache folder.",
        repr=False,  # a Redis URL may hold a password
    )
    cache_limit: int = _row(100_000, check.positive, "The most entries that the cache keeps.")
    secret: tuple[Secret, ...] = _row(
        (),
        _secrets,
        "Signs cache entries and grants, at least 32 characters; two values, new and old, while rotating."
        " Made by embedkit for a cache that is not shared.",
    )
    max_age: int = _row(DAY, check.positive, "Seconds for which a copy is fresh.")
    stale_while_revalidate: int = _row(
        DAY,
        check.integer,
        "Seconds after that in which it is still shown while a new one is fetched behind it.",
    )
    stale_if_error: int = _row(
        30 * DAY, check.integer, "Seconds after that in which it is shown if Getty is down."
    )
    negative_max_age: int = _row(
        600, check.positive, "Seconds for which a missing picture is not asked for again."
    )
    timeout: float = _row(5.0, check.seconds, "Seconds after which a call to Getty is given up, in total.")
    concurrency: int = _row(8, check.positive, "Calls to Getty under way at once.")
    api_rate: str = _row(
        "4/second",
        check.rate,
        "How often the API may be called; more calls wait in line, for TIMEOUT at the most.",
    )
    proxy: Secret = _row(
        Secret(""),
        _proxy,
        "The proxy that Getty is asked through, such as http://proxy.example.org:3128; never for loopback.",
    )
    ca_bundle: str = _row("", check.text, "A file of certificate authorities, in place of the public ones.")
    target: str = _row("web", check.target, "What is rendered where a call names no target.")
    on_error: str = _row(
        "card", check.choice(*ON_ERROR), "What readers see where there is no embed: card, link, text; or raise."
    )
    tld: str = _row("com", check.tld, "The Getty site that frames link to, as in gettyimages.TLD.")
    locale: str = _row("en-US", check.text, "The language of metadata and of our own few words.")
    sanitizer: str = _row("nh3", check.choice("nh3", "bleach"), "The library that cleans our output once more.")
    templates: str = _row("", check.text, "A folder searched for templates before the built-in ones.")
    lockfile: str = _row("embedkit.lock.json", check.text, "The file of locked records, for builds.")
    frozen: bool = _row(False, check.boolean, "Read the lock file alone: no cache and no network.")
    frame_sandbox: str = _row(
        "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        " allow-top-navigation-by-user-activation",
        check.text,
        "The sandbox attribute of our frames; empty leaves it out.",
    )
    credentialless: bool = _row(
        False,
        check.boolean,
        "Frames get no cookies (Chromium), so that a page with Cross-Origin-Embedder-Policy may show them.",
    )
    privacy_url: str = _row(
        "", check.page_url, "Your site's privacy page, which pictures that ask before they load link to."
    )
    tokens: tuple[Secret, ...] = _row((), _secrets, "Tokens that open search, at least 32 characters each.")
    admin_token: tuple[Secret, ...] = _row((), _secrets, "The token that opens purging; unset, purging is off.")
    metrics: str = _row(
        "off",
        check.choice("off", "token", "open"),
        "Who may read /metrics: nobody, holders of ADMIN_TOKEN or one of TOKENS, or all; needs the extra metrics.",
    )
    log_format: str = _row(
        "none",
        check.choice(*LOG_FORMATS),
        "What the service writes on stderr: nothing, or a line for each request and finding, as text or JSON.",
    )
    contact: tuple[str, ...] = _row(
        (),
        check.contacts,
        "Where to report a security hole, for /.well-known/security.txt: mailto:, https: or tel: URIs.",
    )
    search_access: str = _row(
        "token", check.choice("token", "open"), "Who may search: holders of a token, or all."
    )
    cors_origins: tuple[str, ...] = _row((), check.origins, "Origins whose pages may read our answers.")
    picker_origins: tuple[str, ...] = _row((), check.origins, "Origins that may frame the picker.")
    rate_limit: str = _row("60/minute", check.rate, "How often one client may call the service.")
    cold_limit: str = _row(
        "300/minute", check.rate, "How many pictures may be fetched from Getty for one client; held ones are free."
    )
    token_cold_limit: str = _row(
        "3000/minute",
        check.rate,
        "The same for each of TOKENS, in place of COLD_LIMIT: for builds that send theirs, from wherever.",
    )
    search_budget: int | None = _row(
        None,
        check.positive_or_none,
        "How many searches a day (UTC) may be asked of Getty; without a value any number.",
    )
    change_feed: float = _row(
        False,
        check.interval,
        "Drop what Getty withdraws within a minute, for keys that have its feed of asset changes: on, or seconds"
        " from one look at the feed to the next, 45 at the most.",
    )
    purge_urls: tuple[str, ...] = _row(
        (),
        check.fronts,
        "Caches in front of the service that are sent a BAN for each picture that is dropped; https or loopback.",
    )
    webhook_url: Secret = _row(
        Secret(""), _hook, "Where a signed POST goes for each picture that is dropped; https or loopback."
    )
    download_budget: int | None = _row(
        None,
        check.positive_or_none,
        "How many licences a calendar month (UTC) downloads may make, by the journal; without a value any number.",
    )
    download_journal: str = _row(
        "",
        check.text,
        "The folder that keeps the journal of downloads, so that none is licensed twice; by default in the user's"
        " data folder.",
    )
    redownload: bool = _row(
        False,
        check.boolean,
        "Whether the file of a licensed picture is ordered again where its URL is lost: only for agreements under"
        " which Getty counts no second licence.",
    )
    public_url: str = _row("", check.public_url, "The URL of this service as the world sees it.")
    assets_url: str = _row(
        "", check.public_url, "Where stylesheet and scripts are served; by default PUBLIC_URL/static."
    )
    trusted_hops: int = _row(0, check.integer, "Proxies in front of the service whose X-Forwarded headers count.")
    trusted_hosts: tuple[str, ...] = _row((), check.strings, "Host names the service answers to; any, if empty.")

    def __post_init__(self) -> None:
        for row in fields(self):
            if getattr(self, row.name) is not row.default and (wrong := self._read(row)):
                raise ConfigurationError(f"{PREFIX}{row.name.upper()} {wrong}.")

    def _read(self, row: Field[Any]) -> str:
        """Read a value; what is wrong with it, without repeating it: it may be a secret."""
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
        return RenderSettings(*[getattr(self, name) for name in RenderSettings._fields])

    @property
    def api_calls_per_second(self) -> float:
        """API_RATE as a number."""
        return check.calls_per_second(self.api_rate)

    @property
    def static_url(self) -> str:
        """Where pages find our stylesheet and scripts, without a slash at the end."""
        return self.assets_url or f"{self.public_url}/static"

    @property
    def caller_name(self) -> str:
        """The oEmbed parameter ``caller``."""
        from urllib.parse import urlsplit

        return self.caller or urlsplit(self.public_url).hostname or "embedkit"

    def with_upstream(self, url: str) -> Settings:
        """These settings with every upstream URL at one place: the sandbox, or a mirror of it.

        :param url: https, or http on loopback.
        :raises ValueError: for any other.

        >>> Settings().with_upstream("http://127.0.0.1:8081").oembed_endpoint
        'http://127.0.0.1:8081/oembed'
        """
        base = check.upstream_url(url)
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
        """Settings from names in either case, as in a Django or Flask configuration.

        :param values: as texts, or as what they mean.
        :raises ConfigurationError: for an unknown name, or for a value that the setting can't have.

        >>> Settings.from_mapping({"MAX_AGE": "600", "target": "facade"}).max_age
        600
        """
        return cls(**{_setting_name(name): value for name, value in values.items()})

    @classmethod
    @_discreet
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Settings from those names of an environment that begin with ``EMBEDKIT_``; others are ignored.

        :param environ: such as ``os.environ``.
        :raises ConfigurationError: as for :meth:`from_mapping`.

        >>> Settings.from_env({"EMBEDKIT_TARGET": "facade", "HOME": "/"}).target
        'facade'
        """
        ours = {name[len(PREFIX) :]: value for name, value in environ.items() if name.startswith(PREFIX)}
        return cls.from_mapping({_setting_name(name, PREFIX): value for name, value in ours.items()})


def rows() -> list[tuple[str, Any, str]]:
    """Name in capitals, default and sentence of every setting, in order."""
    return [(row.name.upper(), row.default, row.metadata["help"]) for row in fields(Settings)]


def _setting_name(name: str, prefix: str = "") -> str:
    names = [row.name for row in fields(Settings)]
    if name.lower() in names:
        return name.lower()
    import difflib

    nearest = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"Did you mean {prefix}{nearest[0].upper()}?" if nearest else "See the settings in the README."
    raise ConfigurationError(f"There is no setting {prefix}{name.upper()}.", hint=hint)
