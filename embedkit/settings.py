"""All settings, in one table: read once, then frozen.

Each row of :class:`Settings` has a name, a type, a default and a description; the README and
``embedkit doctor`` are checked against it. The environment variable of a setting is its name in capitals,
prefixed with ``EMBEDKIT_``. Nothing here reads the environment directly: the caller passes a mapping.
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
    """A string that never appears in a repr, log, format, JSON or pickle; only :meth:`reveal` returns it.

    >>> secret = Secret("hunter2")
    >>> print(secret, secret.reveal())
    *** hunter2
    """

    __slots__ = ("_value",)

    def __init__(self, value: str = "") -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the string itself."""
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
    """Return the URL with its scheme in lower case (RFC 3986, section 3.1), as every reader of it expects."""
    scheme, colon, rest = check.text(value).partition(":")
    return scheme.lower() + colon + rest if colon else scheme


def _row(default: Any, read: Callable[[Any], Any], help: str, *, repr: bool = True) -> Any:
    return field(default=default, repr=repr, metadata={"read": read, "help": help})


def _discreet(read: Callable[[Any, Mapping[str, Any]], Settings]) -> Callable[[Any, Mapping[str, Any]], Settings]:
    """Raise errors without their traceback frames, whose variables hold the raw values: crash reporters would
    send those along."""

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
    """The settings that markup depends on. They are part of the cache key of rendered HTML."""

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
    """All settings, with their defaults. Every value is validated, wherever it comes from."""

    oembed_endpoint: str = _row(
        "https://embed.gettyimages.com/oembed", check.upstream_url, "Getty's oEmbed endpoint; it needs no key."
    )
    api_base: str = _row(
        "https://api.gettyimages.com", check.api_base, "The Getty Images API, for search, with or without /v3."
    )
    token_url: str = _row(
        "https://authentication.gettyimages.com/oauth2/token",
        check.upstream_url,
        "The endpoint that issues OAuth2 tokens.",
    )
    frame_origin: str = _row(
        "https://embed.gettyimages.com", check.upstream_url, "The origin of the frames that show pictures."
    )
    widget_script: str = _row(
        "https://embed-cdn.gettyimages.com/widgets.js",
        check.upstream_url,
        "Getty's script, for the widget target only.",
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
        "Origins that thumbnails may come from; other thumbnails are dropped.",
    )
    api_key: Secret = _row(Secret(""), _secret, "The key for the Getty Images API; only search needs one.")
    api_secret: Secret = _row(Secret(""), _secret, "The secret that goes with the key.")
    username: str = _row("", check.text, "A Getty Images account, for licensed downloads and boards.")
    password: Secret = _row(Secret(""), _secret, "The password for that account.")
    caller: str = _row(
        "", check.text, "The caller's name in Getty's logs; by default the host of PUBLIC_URL, else embedkit."
    )
    cache: str = _row(
        "",
        _store_url,
        "Where cached copies are stored: sqlite:PATH, redis://HOST, rediss://HOST, unix://SOCKET,"
        " memcached://HOST:PORT, file:PATH, memory: or null:; by default SQLite in the user's cache folder.",
        repr=False,  # a Redis URL may hold a password
    )
    cache_limit: int = _row(100_000, check.positive, "The maximum number of entries in the cache.")
    secret: tuple[Secret, ...] = _row(
        (),
        _secrets,
        "Signs cache entries and grants; at least 32 characters. To rotate it, set two values: the new one first."
        " Generated automatically if the cache isn't shared.",
    )
    max_age: int = _row(DAY, check.positive, "Seconds for which a cached copy is fresh.")
    stale_while_revalidate: int = _row(
        DAY,
        check.integer,
        "Seconds after that during which it is still shown while a new copy is fetched in the background.",
    )
    stale_if_error: int = _row(
        30 * DAY, check.integer, "Seconds after that during which it is shown if Getty is down."
    )
    negative_max_age: int = _row(600, check.positive, "Seconds before a missing picture is requested again.")
    timeout: float = _row(5.0, check.seconds, "Total seconds that a call to Getty may take.")
    concurrency: int = _row(8, check.positive, "The maximum number of concurrent calls to Getty.")
    api_rate: str = _row(
        "4/second", check.rate, "How often the API may be called; further calls wait, for TIMEOUT at most."
    )
    proxy: Secret = _row(
        Secret(""),
        _proxy,
        "The proxy for calls to Getty, such as http://proxy.example.org:3128; never used for loopback.",
    )
    ca_bundle: str = _row("", check.text, "A file of certificate authorities to trust instead of the public ones.")
    target: str = _row("web", check.target, "The target to render when none is given.")
    on_error: str = _row(
        "card", check.choice(*ON_ERROR), "What readers see if there is no embed: card, link or text; or raise."
    )
    tld: str = _row("com", check.tld, "The Getty site that frames link to, as in gettyimages.TLD.")
    locale: str = _row("en-US", check.text, "The language of metadata and of embedkit's own texts.")
    sanitizer: str = _row(
        "nh3", check.choice("nh3", "bleach"), "The library that sanitizes the output: nh3 or bleach."
    )
    templates: str = _row("", check.text, "A folder that is searched for templates before the built-in ones.")
    lockfile: str = _row("embedkit.lock.json", check.text, "The lock file, for reproducible builds.")
    frozen: bool = _row(False, check.boolean, "Read only the lock file: no cache, no network.")
    frame_sandbox: str = _row(
        "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        " allow-top-navigation-by-user-activation",
        check.text,
        "The sandbox attribute of frames; if empty, it is left out.",
    )
    credentialless: bool = _row(
        False,
        check.boolean,
        "Load frames without cookies (Chromium), so that a page with Cross-Origin-Embedder-Policy can show them.",
    )
    privacy_url: str = _row("", check.page_url, "Your site's privacy page, which click-to-load pictures link to.")
    tokens: tuple[Secret, ...] = _row((), _secrets, "Tokens for search, at least 32 characters each.")
    admin_token: tuple[Secret, ...] = _row((), _secrets, "The token for purging; if unset, purging is off.")
    metrics: str = _row(
        "off",
        check.choice("off", "token", "open"),
        "Who may read /metrics: nobody, holders of ADMIN_TOKEN or of one of TOKENS, or everyone; needs the extra"
        " metrics.",
    )
    log_format: str = _row(
        "none",
        check.choice(*LOG_FORMATS),
        "What the service writes to stderr: nothing, or a line for each request and finding, as text or JSON.",
    )
    contact: tuple[str, ...] = _row(
        (),
        check.contacts,
        "Where to report a vulnerability, for /.well-known/security.txt: mailto:, https: or tel: URIs.",
    )
    search_access: str = _row(
        "token", check.choice("token", "open"), "Who may search: holders of a token, or everyone (open)."
    )
    cors_origins: tuple[str, ...] = _row(
        (), check.origins, "Origins whose pages may read the service's responses."
    )
    picker_origins: tuple[str, ...] = _row((), check.origins, "Origins that may show the picker in a frame.")
    rate_limit: str = _row("60/minute", check.rate, "How often one client may call the service.")
    cold_limit: str = _row(
        "300/minute",
        check.rate,
        "Pictures that may be fetched from Getty for one client; cached ones don't count.",
    )
    token_cold_limit: str = _row(
        "3000/minute",
        check.rate,
        "The same for each of TOKENS, instead of COLD_LIMIT: for builds that send a token, from any address.",
    )
    search_budget: int | None = _row(
        None, check.positive_or_none, "Searches that may be sent to Getty per day (UTC); unlimited if unset."
    )
    change_feed: float = _row(
        False,
        check.interval,
        "Drop withdrawn pictures within a minute, if your key includes Getty's feed of asset changes: on, or the"
        " polling interval in seconds, 45 at most.",
    )
    purge_urls: tuple[str, ...] = _row(
        (),
        check.fronts,
        "Caches in front of the service that receive a BAN for each dropped picture; https or loopback.",
    )
    webhook_url: Secret = _row(
        Secret(""), _hook, "The URL that receives a signed POST for each dropped picture; https or loopback."
    )
    download_budget: int | None = _row(
        None,
        check.positive_or_none,
        "Licences that downloads may use per calendar month (UTC), as counted in the journal; unlimited if unset.",
    )
    download_journal: str = _row(
        "",
        check.text,
        "The folder for the download journal, which prevents licensing a picture twice; by default in the user's"
        " data folder.",
    )
    redownload: bool = _row(
        False,
        check.boolean,
        "Whether to order the file of a licensed picture again if its URL is lost: only for agreements under which"
        " Getty doesn't count a second licence.",
    )
    public_url: str = _row("", check.public_url, "The public URL of this service.")
    assets_url: str = _row(
        "", check.public_url, "The URL that serves the stylesheet and scripts; by default PUBLIC_URL/static."
    )
    trusted_hops: int = _row(
        0, check.integer, "Proxies in front of the service whose X-Forwarded headers are trusted."
    )
    trusted_hosts: tuple[str, ...] = _row((), check.strings, "Host names that the service accepts; if empty, all.")

    def __post_init__(self) -> None:
        for row in fields(self):
            if getattr(self, row.name) is not row.default and (wrong := self._read(row)):
                raise ConfigurationError(f"{PREFIX}{row.name.upper()} {wrong}.")

    def _read(self, row: Field[Any]) -> str:
        """Convert a value; return what is wrong with it, without quoting it: it may be a secret."""
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
        """The settings that the renderer depends on."""
        return RenderSettings(*[getattr(self, name) for name in RenderSettings._fields])

    @property
    def api_calls_per_second(self) -> float:
        """API_RATE as a number."""
        return check.calls_per_second(self.api_rate)

    @property
    def static_url(self) -> str:
        """The URL of the stylesheet and scripts, without a trailing slash."""
        return self.assets_url or f"{self.public_url}/static"

    @property
    def caller_name(self) -> str:
        """The oEmbed parameter ``caller``."""
        from urllib.parse import urlsplit

        return self.caller or urlsplit(self.public_url).hostname or "embedkit"

    def with_upstream(self, url: str) -> Settings:
        """Return these settings with every upstream URL on one server, such as the sandbox.

        :param url: https, or http on loopback.
        :raises ValueError: for any other URL.

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
        """Build settings from a mapping, as in a Django or Flask configuration.

        :param values: by name, in upper or lower case; strings, or values of the setting's type.
        :raises ConfigurationError: for an unknown name or an invalid value.

        >>> Settings.from_mapping({"MAX_AGE": "600", "target": "facade"}).max_age
        600
        """
        return cls(**{_setting_name(name): value for name, value in values.items()})

    @classmethod
    @_discreet
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Build settings from the variables that begin with ``EMBEDKIT_``; others are ignored.

        :param environ: an environment, such as ``os.environ``.
        :raises ConfigurationError: as for :meth:`from_mapping`.

        >>> Settings.from_env({"EMBEDKIT_TARGET": "facade", "HOME": "/"}).target
        'facade'
        """
        ours = {name[len(PREFIX) :]: value for name, value in environ.items() if name.startswith(PREFIX)}
        return cls.from_mapping({_setting_name(name, PREFIX): value for name, value in ours.items()})


def rows() -> list[tuple[str, Any, str]]:
    """Return the name in capitals, the default and the description of every setting, in order."""
    return [(row.name.upper(), row.default, row.metadata["help"]) for row in fields(Settings)]


def _setting_name(name: str, prefix: str = "") -> str:
    names = [row.name for row in fields(Settings)]
    if name.lower() in names:
        return name.lower()
    import difflib

    nearest = difflib.get_close_matches(name.lower(), names, 1)
    hint = f"Did you mean {prefix}{nearest[0].upper()}?" if nearest else "See the settings in the README."
    raise ConfigurationError(f"There is no setting {prefix}{name.upper()}.", hint=hint)
