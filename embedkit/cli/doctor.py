"""``embedkit doctor``: what is wrong with an installation, part by part, and what fixes it.

Each part is looked at in spite of what is wrong with the others, unless it can't be looked at without them.
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
PROBE = "74917285"  # the picture of Getty's own documentation
PHRASE = "books"  # the search of Getty's own documentation
MAX_CLOCK_DRIFT_S = 300  # more makes copies older or younger than they are, and certificates invalid
SEARCH_SETTINGS = ("API_KEY", "API_SECRET", "USERNAME", "PASSWORD", "API_BASE", "TOKEN_URL", "TIMEOUT")
GRANT_TEXTS = {
    "password": "with the token of a customer",
    "login": "with the token of the customer who logged in",
    "client_credentials": "with a token of the application, for no customer",
    None: "with the key alone, without a token",
}
REINSTALL = "In a clone of embedkit, run: pip install --force-reinstall --no-deps ./"
MARKS = {True: ("ok  ", "green"), False: ("FAIL", "red"), None: ("skip", "yellow")}


@click.command()
@as_json
@click.option("--offline", is_flag=True, help="Do not ask Getty for anything.")
@click.option("--page", metavar="URL", help="Check what that page's own policy does to embeds, and nothing else.")
def doctor(json_: bool, offline: bool, page: str | None) -> int:
    """Check the installation, and list the settings that are set.

    Every part is checked, and what fixes it is named. Exits 1 where something is broken, 2 where a setting
    is wrong, 3 where the page of --page can't be reached.
    """
    if page is not None:
        return _doctor_of_page(page, json_)
    settings, wrong = examine(os.environ)
    checks = list(_checks(settings, wrong, offline))
    shown = [select(one, ("check", "ok", "detail")) for one in checks]
    code = _report(checks, {"version": __version__, "checks": shown, "settings": _changed(settings)}, json_)
    if not json_:
        for name, value in _changed(settings).items():
            click.echo(f"set  {PREFIX}{name} = {printable(value)}")
        language = settings.locale.partition("-")[0].lower()
        if language not in {one.partition("-")[0] for one in languages()}:
            say(f"EMBEDKIT_LOCALE: our own few words are not in {language!r}; they will be in English.")
    return 2 if wrong else code


@click.group()
def config() -> None:
    """Print the settings."""


@config.command("show")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--changed", is_flag=True, help="Only those that are set.")
@as_json
def config_show(names: tuple[str, ...], changed: bool, json_: bool) -> None:
    """Print the settings as they count here, secrets hidden.

    NAME is that of a setting, with or without EMBEDKIT_; by default all are printed.
    """
    settings = Settings.from_env(os.environ)
    wanted = {one.upper().removeprefix(PREFIX) for one in names}
    if unknown := sorted(wanted - {name for name, _, _ in rows()}):
        Settings.from_mapping({unknown[0]: ""})  # names the nearest
    values = _changed(settings) if changed else _values(settings)
    shown = {name: value for name, value in values.items() if not wanted or name in wanted}
    if json_:
        print_json({f"{PREFIX}{name}": value for name, value in shown.items()})
        return
    says = {name: text for name, _, text in rows()}
    for name, value in shown.items():
        click.echo(f"{PREFIX}{name}={printable(value)}\n    {says[name]}")


def _doctor_of_page(url: str, json_: bool) -> int:
    settings = Settings.from_env(os.environ)
    with closing(open_transport(settings)) as transport:
        checks = list(check_page(url, settings, transport))
    return _report(checks, {"page": url, "checks": list(map(asdict, checks))}, json_)


def _report(checks: list[Check], data: JSON, json_: bool) -> int:
    """Print what came of checks; the exit code that this asks for."""
    if json_:
        print_json(data)
    else:
        following = [*(one.line for one in checks[1:]), ""]
        for one, line in zip(checks, following, strict=True):
            click.echo(f"{paint(*MARKS[one.ok])} {one.check:12} {printable(one.detail)}")
            if one.line != line and one.line:  # the same line mends all that it follows
                click.echo(f"     {printable(one.line)}")
    return int(any(one.ok is False for one in checks))


def _checks(settings: Settings, wrong: Mapping[str, ConfigurationError], offline: bool) -> Iterator[Check]:
    def check(name: str, look: Callable[[], str], *needs: str) -> Check:
        """One check, unless it needs a setting that is wrong: the default would be another installation."""
        lacking = [row for row in needs if row in wrong]
        if lacking:
            return Check(name, None, f"not checked before {', '.join(PREFIX + row for row in lacking)} is right")
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
    except Exception as error:  # whatever nobody thought of is a finding too, and hides no other
        return Check(name, False, f"{type(error).__name__}; run with embedkit -v doctor, or report it.")


class _Parts:
    """The kit of these settings, and two with their copies in memory: Getty can be asked whatever the cache does.

    ``apart`` knows who is logged in. ``memory`` sends by way of this, whose ``date`` is that of the last answer.
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
        """As any transport."""
        response = self._http.send(request)
        self.date = response.headers.get("date", "")
        return response

    def __enter__(self) -> _Parts:
        return self

    def __exit__(self, *_: object) -> None:
        for part in (self.kit, self.apart, self.memory, self._http):
            with suppress(EmbedKitError):  # it has been a finding already
                part.close()


def _package() -> str:
    """Whether the folder of the package is ours alone: ``embedkit`` on the package index is another project."""
    try:
        files = metadata.files("embedkit") or ()
    except metadata.PackageNotFoundError:
        files = ()
    if any(str(file) == "embedkit/__init__.py" for file in files):
        raise ConfigurationError(
            "The distribution embedkit, another project of the same name, is installed in the same folder.",
            hint=f"Run: pip uninstall embedkit - its files and some of ours are gone then. {REINSTALL}",
        )
    return f"embedkit-getty {__version__}"


def _templates(settings: Settings) -> str:
    if settings.templates and not Path(settings.templates).is_dir():
        raise ConfigurationError(
            f"The folder {settings.templates} is not there.", hint="Make it, or unset EMBEDKIT_TEMPLATES."
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
    return f"{settings.lockfile}, {counted(sum(isinstance(one, Embed) for one in locked), 'picture')}"


def _cache(kit: EmbedKit) -> str:
    info = kit.cache.info()
    if not kit.cache.check():
        raise ConfigurationError(
            f"The {info['kind']} cache {_place(kit, info)}does not keep what it is given.", hint=_mend(info)
        )
    return ", ".join(f"{name} {value}" for name, value in kept(info).items())


def _place(kit: EmbedKit, info: Mapping[str, Any]) -> str:
    """Where it lies, without the password that the URL of a server may hold."""
    if path := info.get("path"):
        return f"in {path} "
    return f"at {_without_password(kit.settings.cache).rpartition('//')[2].rpartition('@')[2]} "


def _without_password(url: str) -> str:
    """The URL of a store with no user info and no query: redis-py takes a password in either."""
    scheme, slashes, rest = url.partition("//")
    parts = re.fullmatch(r"(?P<user>[^?@]*@)?(?P<place>[^?@]*)(?P<query>\?[^@]*)?", rest)
    if not slashes or not parts:
        return f"{scheme}//***" if slashes else url
    return f"{scheme}//{'***@' if parts['user'] else ''}{parts['place']}{'?***' if parts['query'] else ''}"


def _mend(info: Mapping[str, Any]) -> str:
    """What to do about a cache that does not work."""
    path = info.get("path")
    if not path:
        return "Start that server, or set EMBEDKIT_CACHE to another place."
    folder = path if os.path.isdir(path) else os.path.dirname(path)
    broken = "" if folder == path else f" A broken file may go, its copies are asked for anew: rm {path}"
    elsewhere = "or set EMBEDKIT_CACHE to another place."
    return f"Is the disk full, or {folder} not writable? Try: df {folder} - {elsewhere}{broken}"


def _oembed(kit: EmbedKit) -> str:
    found = next(iter(kit.records([kit.parse(PROBE)], refresh=True).values()))
    if isinstance(found, Embed):
        return f"{kit.settings.oembed_endpoint} answers"
    if isinstance(found, Unavailable):
        found.hint = _reach(found, kit.settings.oembed_endpoint, "EMBEDKIT_OEMBED_ENDPOINT")
    else:
        found.hint = f"Is {kit.settings.oembed_endpoint} the right URL? It is set by EMBEDKIT_OEMBED_ENDPOINT."
    raise found


def _reach(error: Unavailable, url: str, variable: str) -> str:
    if "certificate" in error.message:
        return (
            f"Look at it with: curl -v {url} - an old set of certificates is renewed with:"
            " pip install --upgrade certifi. A wrong clock does this, too."
        )
    return f"{url} must be reachable from here, without a proxy. Try: curl -v {url} - or see {variable}."


def _clock(date: str) -> str:
    """The clock of this machine by that of Getty's: ages of copies and certificates are read from it."""
    try:
        off = time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return "the answer has no date to compare with"
    if abs(off) > MAX_CLOCK_DRIFT_S:
        way = "ahead of" if off > 0 else "behind"
        raise ConfigurationError(
            f"The clock of this machine is {abs(off) / 60:.0f} minutes {way} that of the answer.",
            hint="Set it, for example with: timedatectl set-ntp true",
        )
    return f"within {counted(max(1, round(abs(off))), 'second')} of the answer's"


def _service(kit: EmbedKit) -> str:
    from embedkit.web import create_blueprint

    create_blueprint(kit)
    settings = kit.settings
    contact = "set" if settings.contact else "not set"
    return f"embedkit serve would start; EMBEDKIT_METRICS is {settings.metrics}, EMBEDKIT_CONTACT is {contact}"


def _change_feed(settings: Settings, *, ask: bool) -> str:
    """Whether the key has Getty's feed of asset changes; nothing is taken from it."""
    with EmbedKit(settings, background=False) as kit:
        state = kit.engine.changes().status()["state"]
        if not ask:
            return f"every {settings.change_feed:g} seconds; {state} when it was last looked at"
        channels = kit.api.changes.channels()
    if not channels:
        raise ConfigurationError("The key has no channel of asset changes.", hint="Ask Getty Images for one.")
    return f"{', '.join(channel.family or str(channel.id) for channel in channels)}; {state}"


def _customer(kit: EmbedKit, *, ask: bool) -> str:
    """Who downloads and has boards; what is wrong with the credentials is told of the search."""
    if not kit.api.login.is_customer:
        return "nobody is logged in; downloads and boards need embedkit login"
    how = "by embedkit login" if kit.api.login.source == "login" else "by EMBEDKIT_USERNAME"
    try:
        name = kit.api.customer().name if ask else ""
    except ProviderError as error:
        return f"not known: Getty Images does not say ({error.code})"
    return f"{name or 'somebody'}, {how}"


def _downloads(settings: Settings) -> str:
    """Where downloads are written down, and what counts against the month."""
    journal = open_journal(settings)
    try:
        used = spent(read_orders(journal.lines()), time.strftime("%Y-%m", time.gmtime()))
    except OSError as error:
        message = f"The journal of downloads {journal.path} can't be read: {error.strerror}."
        raise ConfigurationError(message, hint="Set EMBEDKIT_DOWNLOAD_JOURNAL to a folder of yours.") from None
    budget = "" if settings.download_budget is None else f", of {settings.download_budget} at the most"
    return f"{counted(used, 'licence')} this month{budget}, by the journal {journal.path}"


def _search(kit: EmbedKit, *, ask: bool) -> str:
    """Whether the credentials go together, and whether the API takes them: by a search of one picture."""
    settings, source = kit.settings, kit.api.login.source
    if not settings.api_key:
        if settings.api_secret or settings.username or settings.password:
            raise ConfigurationError("A secret, user name and password need a key.", hint="Set EMBEDKIT_API_KEY.")
        return "no key: search is off, all else works; EMBEDKIT_API_KEY turns it on"
    if bool(settings.username) != bool(settings.password):
        missing = "EMBEDKIT_PASSWORD" if settings.username else "EMBEDKIT_USERNAME"
        raise ConfigurationError("User name and password go together.", hint=f"Set {missing}, too.")
    if not ask:
        return f"EMBEDKIT_API_KEY is set; {settings.api_base} would be asked {GRANT_TEXTS[source]}"
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
    """A search of one picture, asked anew."""
    with EmbedKit(settings, background=False) as kit:
        kit.api.search.images(PHRASE, page_size=1)


def _refused(settings: Settings) -> str:
    """Which setting is at fault: what comes before it is taken, where it is left out."""
    nobody = replace(settings, username="", password=Secret())
    without = {
        "EMBEDKIT_USERNAME and EMBEDKIT_PASSWORD": nobody,
        "EMBEDKIT_API_SECRET": replace(nobody, api_secret=Secret()),
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
    """All settings, secrets hidden; lists as they would be written in the environment."""
    found = {name: getattr(settings, name.lower()) for name, _, _ in rows()}
    found["CACHE"] = _without_password(settings.cache)
    found |= {name: ",".join(map(str, value)) for name, value in found.items() if isinstance(value, tuple)}
    return {name: value if isinstance(value, int | float) else str(value) for name, value in found.items()}


def _changed(settings: Settings) -> dict[str, Any]:
    """Those that are not the default."""
    values = _values(settings)
    return {name: values[name] for name, default, _ in rows() if getattr(settings, name.lower()) != default}
