"""Commands that run a server: serve, demo, sandbox; and openapi, the description of the service."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import secrets
import signal
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, get_args, get_type_hints

import click

from embedkit.cli.output import WholeNumber, print_json, say
from embedkit.errors import missing_package
from embedkit.kit import EmbedKit
from embedkit.settings import LOG_FORMATS, PREFIX, Secret, Settings
from embedkit.web import logs
from embedkit.web.picker_files import picker_files

if TYPE_CHECKING:
    from embedkit.sandbox import SandboxConfig

host_option = click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
port_option = partial(
    click.option,
    "--port",
    show_default=True,
    type=WholeNumber(0, 65535),
    help="The port to listen on; 0 selects a free one.",
)


@click.command()
@host_option
@port_option(default=8080)
@click.option("--upstream", metavar="URL", help="Use the sandbox at this URL instead of Getty's services.")
@click.option(
    "--threads", default=16, show_default=True, type=WholeNumber(1, 256), help="Number of worker threads."
)
@click.option(
    "--log-format",
    type=click.Choice(LOG_FORMATS),
    help="The format of the log on stderr; by default EMBEDKIT_LOG_FORMAT.",
)
def serve(host: str, port: int, upstream: str | None, threads: int, log_format: str | None) -> None:
    """Run the web service.

    On SIGTERM or Ctrl+C it finishes the requests in progress, for at most EMBEDKIT_TIMEOUT plus one second, and
    exits with 0 or 130. A second signal stops it immediately.
    """
    from embedkit.web import create_app, watch_changes

    settings = Settings.from_env(os.environ)
    if log_format:
        settings = replace(settings, log_format=log_format)
    try:
        kit = EmbedKit(settings.with_upstream(upstream) if upstream else settings)
    except ValueError as error:
        raise click.BadParameter(f"{upstream} {error}.", param_hint="--upstream") from None
    app = create_app(kit=kit)
    logs.listen(settings.log_format, name="waitress")  # in the same format as all other log lines

    def greeting(url: str) -> str:
        lines = [f"embedkit serves on {url} (Ctrl+C to stop)", _links(settings, url)]
        if settings.api_key:
            lines += ["To use the picker, add to the head of a page:", _picker(settings, url)]
        return "\n".join(lines)

    worker = watch_changes(app)
    try:
        _run(app, host, port, threads, greeting, settings)
    finally:
        kit.close()
        if worker:
            worker.stop(settings.timeout)


@click.command()
@host_option
@port_option(default=8080)
@click.option("--open", "open_", is_flag=True, help="Open the page in a browser.")
def demo(host: str, port: int, open_: bool) -> None:
    """Try embedkit in a browser, without a key or network.

    Runs the web service with the sandbox, and a page with a sample post.
    """
    from embedkit.sandbox import SandboxServer
    from embedkit.web.demo import create_demo

    with SandboxServer(host="127.0.0.1") as sandbox:  # another port, and so another origin, as in production
        settings = replace(
            Settings.from_env(os.environ).with_upstream(sandbox.url),
            cache=os.environ.get("EMBEDKIT_CACHE", "memory:"),
            **sandbox.credentials,  # never send real credentials from the environment to the sandbox
            search_access="open",
            # settings for a real service in the environment would break a local demo
            frozen=False,
            change_feed=0.0,
            purge_urls=(),
            webhook_url=Secret(),
            on_error="card",
            public_url="",
            assets_url="",
            trusted_hops=0,
            trusted_hosts=(),
            rate_limit="600/minute",
            secret=(Secret(secrets.token_hex(32)),),
        )

        def greeting(url: str) -> str:
            if open_:
                webbrowser.open(url)
            return (
                f"Open {url} in a browser to see a sample post. (Ctrl+C to stop)\n"
                f"Picker: {url}picker  Docs: {url}docs\n"
                "Next: see README.md for WordPress, static sites, Python apps, newsrooms, and oEmbed."
            )

        _run(create_demo(settings, sandbox.app.count), host, port, 16, greeting, settings)


class Switches(click.Command):
    """A command with an option for each field of SandboxConfig, which is only imported when needed."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        return [*self.params, *_switches(), *super().get_params(ctx)[len(self.params) :]]


@cache
def _switches() -> tuple[click.Option, ...]:
    from embedkit.sandbox import SandboxConfig

    words = dict(re.findall(r":param (\w+):(.*?)(?=\n *:param|\n\n)", str(SandboxConfig.__doc__), re.DOTALL))
    rows, hints = fields(SandboxConfig), get_type_hints(SandboxConfig)
    return tuple(_switch(row.name, hints[row.name], row.default, _sentence(words[row.name])) for row in rows)


def _sentence(text: str) -> str:
    """Return a parameter's documentation as help text."""
    plain = " ".join(re.sub(r":\w+:|`", "", text).split())
    return plain[0].upper() + plain[1:]


def _switch(name: str, kind: Any, default: Any, text: str) -> click.Option:
    """Return an option: an on/off flag, a choice, a number or a text."""
    option = f"--{name.replace('_', '-')}"
    if kind is bool:
        flag = f"{option}/--no-{option[2:]}"
        return click.Option([flag], default=default, show_default=True, help=text)
    if values := [value for value in _literals(kind) if value not in ("", 0)]:
        chosen = click.Choice([str(value) for value in values])
        read = {str(value): value for value in values}.get
        return click.Option(
            [option], type=chosen, callback=lambda _, __, value: read(value, default), help=text, default=None
        )
    return click.Option([option], type=kind, default=default, help=text)


def _literals(kind: Any) -> list[Any]:
    """Return the values of a Literal, or of a union of Literals."""
    return [value for part in get_args(kind) for value in (_literals(part) or [part])]


@click.command(cls=Switches)
@host_option
@port_option(default=8081)
@click.option(
    "--against",
    type=click.File(encoding="utf-8"),
    metavar="FILE",
    help="Only list differences from this copy of Getty's OpenAPI document; exit with 1 if any is unexplained.",
)
def sandbox(host: str, port: int, against: TextIO | None, **switches: Any) -> None:
    """Run an offline emulator of Getty's services."""
    from embedkit.sandbox import SandboxConfig, SandboxServer

    if against:
        _compare(against, SandboxConfig(**switches))
    try:
        server = SandboxServer(SandboxConfig(**switches), host=host, port=port)
    except OSError as error:
        raise _taken(host, port, error) from None
    say(f"The sandbox serves on {server.url}/ (Ctrl+C to stop).{_usage(server.url)}")
    with suppress(KeyboardInterrupt):
        server.run()
    server.stop()


def _compare(file: TextIO, config: SandboxConfig) -> NoReturn:
    """Print the differences between the sandbox and an OpenAPI document."""
    from embedkit.sandbox.against import differences

    try:
        found = differences(json.load(file), config)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{file.name} is no OpenAPI document: {error}.", param_hint="--against") from None
    for difference in found:
        click.echo(difference)
    unexplained = sum(not difference.why for difference in found)
    say(f"{len(found)} differences, {unexplained} of them unexplained.")
    raise SystemExit(1 if unexplained else 0)


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of the web service."""
    from embedkit.web import openapi_document

    print_json(openapi_document())


def _usage(url: str) -> str:
    """Return instructions for using the sandbox instead of Getty's services, to paste into another shell."""
    from embedkit.sandbox import SandboxServer

    usual, moved = vars(Settings()), vars(Settings().with_upstream(url))
    changed = {name: value for name, value in moved.items() if value != usual[name]}
    changed |= SandboxServer.credentials
    variables = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in changed.items()}
    exports = "\n".join(f"  export {PREFIX}{name.upper()}={value}" for name, value in variables.items())
    return f"""
To use it instead of Getty's services as a licensed customer, run in another shell:

{exports}

  embedkit resolve 74917285
  embedkit search "solar eclipse"

A key that can only search: {", ".join(SandboxServer.search_credentials.values())}.
To run the web service without search, you only need: embedkit serve --upstream {url}"""


def _links(settings: Settings, url: str) -> str:
    """Return the URLs of picker and documentation, or say that search is off."""
    search = f"Picker: {url}picker" if settings.api_key else "Search is off: set EMBEDKIT_API_KEY."
    return f"{search}  Docs: {url}docs"


def _picker(settings: Settings, url: str) -> str:
    """Return the tags that load exactly this release of the picker (with Subresource Integrity)."""
    base = settings.static_url if settings.static_url.startswith("http") else f"{url}static"
    return "\n".join(f"  {tag}" for tag in picker_files().tags(base))


def _taken(host: str, port: int, error: OSError) -> click.ClickException:
    why = str(error.strerror or error).partition(" (while attempting")[0]  # socket's messages are longer
    option = "--port" if error.errno in (errno.EADDRINUSE, errno.EACCES) else "--host"
    return click.ClickException(f"Can't listen on {host}:{port} ({why}). Choose another with {option}.")


def _run(app: Any, host: str, port: int, threads: int, greeting: Callable[[str], str], settings: Settings) -> None:
    """Listen first and then print the greeting, so that its URLs work.

    :raises Abort: if it was stopped with Ctrl+C.
    """
    try:
        from embedkit.cli.server import SEND_S, Server
    except ImportError:
        raise missing_package("embedkit serve", "waitress", "server") from None
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise _taken(host, port, error) from None
    with listening:
        server = Server(
            app,
            listening,
            threads=threads,
            grace=settings.timeout + SEND_S,
            hops=settings.trusted_hops,
            knows_ready_only=True,
        )
        gc.set_threshold(100_000)  # unlike a build, a server runs for long
        message = greeting(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}/")
        if server.run(lambda: say(message)) == signal.SIGINT:
            raise click.Abort
