"""``embedkit doctor`` checks each part of an installation and tells how to fix it; and ``embedkit config``.

A failing part does not keep the others from being checked, unless they depend on it.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, replace
from email.utils import parsedate_to_datetime
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from embedkit import __version__, static_dir, templates_dir
from embedkit.api.licenses import read_orders, spent
from embedkit.api.models import select
from embedkit.cli.admin import examine, kept
from embedkit.cli.output import as_json, counted, paint, print_json, printable, say
from embedkit.cli.page import Check, check_page
from embedkit.engine import lockfile
from embedkit.engine.engine import open_journal, open_transport
from embedkit.engine.rendered import open_renderer
from embedkit.errors import ConfigurationError, EmbedKitError, ProviderError, Unauthorized, Unavailable
from embedkit.kit import EmbedKit
from embedkit.messages import Request, Response
from embedkit.models import JSON, Embed
from embedkit.settings import PREFIX, Secret, Settings, rows
from embedkit.targets import ASSETS
from embedkit.web.picker import languages

EXTRAS = {
    "server": "waitress",
    "metrics": "prometheus_client",
    "redis": "redis",
    "memcached": "pylibmc",
    "bleach": "bleach",
}
FILES = (*ASSETS, "embedkit-picker.js", "embedkit-picker.css", "embedkit-pages.css", "embedkit-frame.js")
PROBE = "74917285"  # the example picture in Getty's documentation
PHRASE = "books"  # the example search in Getty's documentation
MAX_CLOCK_DRIFT_S = 300  # a larger drift falsifies the age of cached copies, and invalidates certificates
SEARCH_SETTINGS = ("API_KEY", "API_SECRET", "USERNAME", "PASSWORD", "API_BASE", "TOKEN_URL", "TIMEOUT")
GRANT_TEXTS = {
    "password": "with a customer's token",
    "login": "with the token of the customer who is logged in",
    "client_credentials": "with the application's token, without a customer",
    None: "with the key only, without a token",
}
REINSTALL = "In a clone of embedkit, run: pip install --force-reinstall --no-deps ./"
MARKS = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("skip", "yellow")}


@click.command()
@as_json
@click.option("--offline", is_flag=True, help="Skip all checks that contact Getty.")
@click.option("--page", metavar="URL", help="Only check whether this web page can show embeds.")
def doctor(json_: bool, offline: bool, page: str | None) -> int:
    """Check the installation and its settings.

    Prints how to fix each problem, and the settings that are not at their default. Exits with 1 if something is
    broken, 2 if a setting is invalid, and 3 if the page given with --page can't be reached.
    """
    if page is not None:
        return _doctor_of_page(page, json_)
    settings, wrong = examine(os.environ)
    checks = list(_checks(settings, wrong, offline))
    shown = [select(check, ("check", "ok", "detail")) for check in checks]
    code = _report(checks, {"version": __version__, "checks": shown, "settings": _changed(settings)}, json_)
    if not json_:
        for name, value in _changed(settings).items():
            click.echo(f"set  {PREFIX}{name} = {printable(value)}")
        language = settings.locale.partition("-")[0].lower()
        if language not in {tag.partition("-")[0] for tag in languages()}:
            say(f"EMBEDKIT_LOCALE: embedkit is not translated to {language!r}; its texts will be in English.")
    return 2 if wrong else code


@click.group()
def config() -> None:
    """Show the settings."""


@config.command("show")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--changed", is_flag=True, help="Only print settings that are not at their default.")
@as_json
def config_show(names: tuple[str, ...], changed: bool, json_: bool) -> None:
    """Print the current settings, with secrets hidden.

    NAME is the name of a setting, with or without EMBEDKIT_. By default, all settings are printed.
    """
    settings = Settings.from_env(os.environ)
    wanted = {name.upper().removeprefix(PREFIX) for name in names}
    if unknown := sorted(wanted - {name for name, _, _ in rows()}):
        Settings.from_mapping({unknown[0]: ""})  # raises an error that suggests a name
    values = _changed(settings) if changed else _values(settings)
    shown = {name: value for name, value in values.items() if not wanted or name in wanted}
    if json_:
        print_json({f"{PREFIX}{name}": value for name, value in shown.items()})
        return
    texts = {name: text for name, _, text in rows()}
    for name, value in shown.items():
        click.echo(f"{PREFIX}{name}={printable(value)}\n    {texts[name]}")


def _doctor_of_page(url: str, json_: bool) -> int:
    settings = Settings.from_env(os.environ)
    with closing(open_transport(settings)) as transport:
        checks = list(check_page(url, settings, transport))
    return _report(checks, {"page": url, "checks": list(map(asdict, checks))}, json_)


def _report(checks: list[Check], data: JSON, json_: bool) -> int:
    """Print the results of checks, and return the exit code."""
    if json_:
        print_json(data)
    else:
        following = [*(check.line for check in checks[1:]), ""]
        for check, line in zip(checks, following, strict=True):
            click.echo(f"{paint(*MARKS[check.ok])} {check.check:12} {printable(check.detail)}")
            if check.line != line and check.line:  # consecutive findings with the same fix print it once
                click.echo(f"     {printable(check.line)}")
    return int(any(check.ok is False for check in checks))


def _checks(settings: Settings, wrong: Mapping[str, ConfigurationError], offline: bool) -> Iterator[Check]:
    def check(name: str, look: Callable[[], str], *needs: str) -> Check:
        """Run a check, unless it needs an invalid setting, whose default would describe another installation."""
        lacking = [row for row in needs if row in wrong]
        if lacking:
            return Check(name, None, f"not checked: fix {', '.join(PREFIX + row for row in lacking)} first")
        return _try(name, look)

    yield Check("python", sys.version_info >= (3, 11), sys.version.split()[0])
    yield check("package", _package)
    have = [name for name, module in EXTRAS.items() if find_spec(module)]
    yield Check("extras", True, ", ".join(have) or "none")
    for name, error in wrong.items():
        advice = "" if error.hint else f" Set {PREFIX}{name}, or unset it."
        yield Check("settings", False, f"{error}{advice}")
    if not wrong:
        yield Check("settings", True, f"{len(rows())} known, {len(_changed(settings))} set")
    yield check("templates", lambda: _templates(settings), "TEMPLATES")
    yield check("files", _files)
    yield check("sanitizer", lambda: _sanitizer(settings), "SANITIZER", "FRAME_ORIGIN")
    if Path(settings.lockfile).exists() or settings.frozen:
        yield check("lock file", lambda: _lock(settings), "LOCKFILE")
    asks = not offline and not settings.frozen
    with _Parts(settings) as parts:
        yield check("cache", lambda: _cache(parts.kit), "CACHE", "CACHE_LIMIT", "SECRET", "TIMEOUT")
        if asks:
            yield check("oembed", lambda: _oembed(parts.memory), "OEMBED_ENDPOINT", "FRAME_ORIGIN", "TIMEOUT")
            if parts.date:
                yield check("clock", lambda: _clock(parts.date))
        if find_spec("waitress"):
            yield check("service", lambda: _service(parts.memory), "METRICS", "TOKENS", "ADMIN_TOKEN", "SECRET")
        if settings.change_feed:
            needs = ("CHANGE_FEED", "CACHE", "SECRET", "API_KEY", "API_SECRET", "API_BASE", "TOKEN_URL")
            yield check("change feed", lambda: _change_feed(settings, ask=asks), *needs)
        if settings.api_key:
            yield check("customer", lambda: _customer(parts.apart, ask=asks), *SEARCH_SETTINGS)
        if settings.username or parts.apart.api.login.is_customer:
            yield check("downloads", lambda: _downloads(settings), "DOWNLOAD_JOURNAL", "API_BASE", "USERNAME")
        yield check("search", lambda: _search(parts.apart, ask=asks), *SEARCH_SETTINGS)


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except EmbedKitError as error:
        return Check(name, False, str(error))
    except Exception as error:  # an unexpected error is a finding too, and must not hide others
        return Check(name, False, f"{type(error).__name__}. For details, run embedkit -v doctor, or report a bug.")


class _Parts:
    """The kit with these settings, and two with a cache in memory, to reach Getty even if the cache is broken.

    ``apart`` can access the login. ``memory`` uses this object as its transport, which records the ``date`` header
    of the last response.
    """

    def __init__(self, settings: Settings) -> None:
        self.date = ""
        self._http = open_transport(settings)
        self.kit = EmbedKit(replace(settings, frozen=False), background=False)
        self.apart = EmbedKit(replace(settings, cache="memory:", frozen=False), background=False)
        alone = replace(settings, change_feed=0.0, purge_urls=(), webhook_url=Secret())
        aside = replace(alone, frozen=False, cache="memory:", secret=settings.secret or (Secret("s" * 64),))
        self.memory = EmbedKit(aside, transport=self, background=False)

    def send(self, request: Request) -> Response:
        """Send a request, and record the date of its response."""
        response = self._http.send(request)
        self.date = response.headers.get("date", "")
        return response

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.kit, self.apart, self.memory, self._http):
            with suppress(EmbedKitError):  # already reported
                part.close()


def _package() -> str:
    """Check that the other project named ``embedkit``, the one on PyPI, is not installed in the same folder."""
    try:
        files = metadata.files("embedkit") or ()
    except metadata.PackageNotFoundError:
        files = ()
    if any(str(file) == "embedkit/__init__.py" for file in files):
        raise ConfigurationError(
            "Another project, whose distribution is named embedkit, is installed in the same folder.",
            hint=f"Run: pip uninstall embedkit - this also deletes some of our files. {REINSTALL}",
        )
    return f"embedkit-getty {__version__}"


def _templates(settings: Settings) -> str:
    if settings.templates and not Path(settings.templates).is_dir():
        raise ConfigurationError(
            f"The folder {settings.templates} does not exist.", hint="Create it, or unset EMBEDKIT_TEMPLATES."
        )
    return ", ".join(filter(None, (settings.templates, str(templates_dir()))))


def _files() -> str:
    missing = [name for name in FILES if not (static_dir() / name).is_file()]
    if missing:
        raise ConfigurationError(f"{static_dir()} lacks {', '.join(missing)}.", hint=REINSTALL)
    return f"stylesheets and scripts in {static_dir()}"


def _sanitizer(settings: Settings) -> str:
    open_renderer(settings.rendering._replace(templates=""))
    return settings.sanitizer


def _lock(settings: Settings) -> str:
    locked = lockfile.read(settings.lockfile).values()
    return f"{settings.lockfile}, {counted(sum(isinstance(entry, Embed) for entry in locked), 'picture')}"


def _cache(kit: EmbedKit) -> str:
    info = kit.cache.info()
    if not kit.cache.check():
        raise ConfigurationError(
            f"The {info['kind']} cache {_place(kit, info)}does not store its entries.", hint=_fix(info)
        )
    return ", ".join(f"{name} {value}" for name, value in kept(info).items())


def _place(kit: EmbedKit, info: Mapping[str, Any]) -> str:
    """Describe the location of the cache, without the password that a server's URL can contain."""
    if path := info.get("path"):
        return f"in {path} "
    return f"at {_without_password(kit.settings.cache).rpartition('//')[2].rpartition('@')[2]} "


def _without_password(url: str) -> str:
    """Return the URL of a store without user info and query, since redis-py accepts a password in either."""
    scheme, slashes, rest = url.partition("//")
    parts = re.fullmatch(r"(?P<user>[^?@]*@)?(?P<place>[^?@]*)(?P<query>\?[^@]*)?", rest)
    if not slashes or not parts:
        return f"{scheme}//***" if slashes else url
    return f"{scheme}//{'***@' if parts['user'] else ''}{parts['place']}{'?***' if parts['query'] else ''}"


def _fix(info: Mapping[str, Any]) -> str:
    """Return how to fix a cache that does not work."""
    path = info.get("path")
    if not path:
        return "Start that server, or set EMBEDKIT_CACHE to another one."
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    broken = "" if folder == path else f" If the file is damaged, delete it; it will be refilled: rm {path}"
    elsewhere = "or set EMBEDKIT_CACHE to another location."
    return f"Is the disk full, or {folder} not writable? Try: df {folder} - {elsewhere}{broken}"


def _oembed(kit: EmbedKit) -> str:
    found = next(iter(kit.records([kit.parse(PROBE)], refresh=True).values()))
    if isinstance(found, Embed):
        return f"{kit.settings.oembed_endpoint} answers"
    if isinstance(found, Unavailable):
        found.hint = _reach(found, kit.settings.oembed_endpoint, "EMBEDKIT_OEMBED_ENDPOINT")
    else:
        found.hint = f"Check whether EMBEDKIT_OEMBED_ENDPOINT, {kit.settings.oembed_endpoint}, is the right URL."
    raise found


def _reach(error: Unavailable, url: str, variable: str) -> str:
    if "certificate" in error.message:
        return (
            f"Inspect it with: curl -v {url} - if your CA certificates are outdated, run:"
            " pip install --upgrade certifi. A wrong clock can also cause this."
        )
    return f"{url} must be reachable from here, without a proxy. Try: curl -v {url} - or check {variable}."


def _clock(date: str) -> str:
    """Compare this machine's clock with Getty's. The age of cached copies and certificates depend on it."""
    try:
        off = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return "the response has no date to compare with"
    if abs(off) > MAX_CLOCK_DRIFT_S:
        way = "ahead of" if off > 0 else "behind"
        raise ConfigurationError(
            f"This machine's clock is {abs(off) / 60:.0f} minutes {way} Getty's.",
            hint="Set it, for example with: timedatectl set-ntp true",
        )
    return f"within {counted(max(1, round(abs(off))), 'second')} of Getty's"


def _service(kit: EmbedKit) -> str:
    from embedkit.web import create_blueprint

    create_blueprint(kit)
    settings = kit.settings
    contact = "set" if settings.contact else "not set"
    return f"embedkit serve can start; EMBEDKIT_METRICS is {settings.metrics}, EMBEDKIT_CONTACT is {contact}"


def _change_feed(settings: Settings, *, ask: bool) -> str:
    """Check that the key has Getty's feed of asset changes, without taking changes from it."""
    with EmbedKit(settings, background=False) as kit:
        state = kit.engine.changes().status()["state"]
        if not ask:
            return f"polled every {settings.change_feed:g} seconds; last state: {state}"
        channels = kit.api.changes.channels()
    if not channels:
        raise ConfigurationError("The key has no channel of asset changes.", hint="Ask Getty Images for one.")
    return f"{', '.join(channel.family or str(channel.id) for channel in channels)}; {state}"


def _customer(kit: EmbedKit, *, ask: bool) -> str:
    """Name the customer for downloads and boards. The search check reports problems with the credentials."""
    if not kit.api.login.is_customer:
        return "not logged in; downloads and boards need embedkit login"
    how = "by embedkit login" if kit.api.login.source == "login" else "by EMBEDKIT_USERNAME"
    try:
        name = kit.api.customer().name if ask else ""
    except ProviderError as error:
        return f"unknown; the call to Getty Images failed ({error.code})"
    return f"{name or 'a customer'}, {how}"


def _downloads(settings: Settings) -> str:
    """Name the download journal and the licences used this month."""
    journal = open_journal(settings)
    try:
        used = spent(read_orders(journal.lines()), time.strftime("%Y-%m", time.gmtime()))
    except OSError as error:
        message = f"The download journal {journal.path} can't be read: {error.strerror}."
        raise ConfigurationError(message, hint="Set EMBEDKIT_DOWNLOAD_JOURNAL to a folder you own.") from None
    budget = "" if settings.download_budget is None else f" of at most {settings.download_budget}"
    return f"{counted(used, 'licence')} this month{budget}, according to the journal {journal.path}"


def _search(kit: EmbedKit, *, ask: bool) -> str:
    """Check that the credentials are complete, and with a search for one picture that the API accepts them."""
    settings, source = kit.settings, kit.api.login.source
    if not settings.api_key:
        if settings.api_secret or settings.username or settings.password:
            message = "EMBEDKIT_API_SECRET, EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD require EMBEDKIT_API_KEY."
            raise ConfigurationError(message, hint="Set EMBEDKIT_API_KEY.")
        return "off, because EMBEDKIT_API_KEY is not set; everything else works"
    if bool(settings.username) != bool(settings.password):
        missing = "EMBEDKIT_PASSWORD" if settings.username else "EMBEDKIT_USERNAME"
        raise ConfigurationError("User name and password belong together.", hint=f"Set {missing}, too.")
    if not ask:
        return f"EMBEDKIT_API_KEY is set; {settings.api_base} would be called {GRANT_TEXTS[source]}"
    try:
        _found(settings)
    except Unauthorized as error:
        if source != "login":
            error.hint = f"Check {_refused(settings)}."
        raise
    except Unavailable as error:
        both = f"{settings.api_base} and {settings.token_url}"
        error.hint = _reach(error, both, "EMBEDKIT_API_BASE and EMBEDKIT_TOKEN_URL")
        raise
    return f"{settings.api_base} answers, {GRANT_TEXTS[source]}"


def _found(settings: Settings) -> None:
    """Search for one picture, with a new kit so that nothing is cached."""
    with EmbedKit(settings, background=False) as kit:
        kit.api.search.images(PHRASE, page_size=1)


def _refused(settings: Settings) -> str:
    """Return which setting is refused: the first one without which a search succeeds."""
    no_customer = replace(settings, username="", password=Secret())
    without = {
        "EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD": no_customer,
        "EMBEDKIT_API_SECRET": replace(no_customer, api_secret=Secret()),
    }
    for name, less in without.items():
        if less != settings:
            try:
                _found(less)
            except Unauthorized:
                continue
            return name
    return "EMBEDKIT_API_KEY"


def _values(settings: Settings) -> dict[str, Any]:
    """Return all settings, with secrets hidden, and lists as written in the environment."""
    found = {name: getattr(settings, name.lower()) for name, _, _ in rows()}
    found["CACHE"] = _without_password(settings.cache)
    found |= {name: ",".join(map(str, value)) for name, value in found.items() if isinstance(value, tuple)}
    return {name: value if isinstance(value, int | float) else str(value) for name, value in found.items()}


def _changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that are not at their default."""
    values = _values(settings)
    return {name: values[name] for name, default, _ in rows() if getattr(settings, name.lower()) != default}
