"""The application, and the blueprint with all its routes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flask import Blueprint, Flask, g, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.middleware.proxy_fix import ProxyFix

from embedkit.errors import ConfigurationError
from embedkit.kit import EmbedKit
from embedkit.process import Repeating
from embedkit.settings import Settings
from embedkit.validation import instance
from embedkit.web import errors, logs, response
from embedkit.web.auth import authorize
from embedkit.web.bulkhead import leave_place, take_place
from embedkit.web.context import AppContext, Authorize
from embedkit.web.errors import Refused
from embedkit.web.metrics import ROUTE, Metrics, RequestObserver, count_answer
from embedkit.web.openapi import MAX_QUERY_BYTES, ROUTES, home
from embedkit.web.pages import missing, static_file
from embedkit.web.picker_files import picker_files
from embedkit.web.rate_limit import RateLimiter, add_headers, count_credential, count_misses, count_request
from embedkit.web.response_cache import ResponseCacheMiddleware
from embedkit.web.routes import Route

WORKER = "embedkit.changes"  # in the extensions of an application


def create_app(
    settings: Settings | EmbedKit | None = None, *, kit: EmbedKit | None = None, authorize: Authorize | None = None
) -> Flask:
    """Create the service as a standalone Flask application.

    :param settings: the settings, or a kit; by default those of ``kit``, or of the environment (``EMBEDKIT_…``).
    :param kit: the kit; by default one created from the settings.
    :param authorize: the host's own login, used instead of TOKENS, ADMIN_TOKEN and SEARCH_ACCESS: called with the
        action (``search``, ``grant``, ``purge`` or ``metrics``), it returns whether the current request is
        allowed.
    :returns: the application, for any WSGI server.
    :raises ConfigurationError: if a setting is invalid.

    >>> app = create_app(Settings(cache="memory:"))
    >>> app.test_client().get("/healthz").json
    {'status': 'ok'}
    """
    if isinstance(settings, EmbedKit):
        settings, kit = None, settings
    blueprint, context, limiter = _mounted(settings, kit, authorize, None)
    blueprint.add_url_rule("/", "index", partial(home, context))
    app = Flask("embedkit.web", static_folder=None)
    app.url_map.merge_slashes = False  # the redirect from "//" would repeat Host, which can't be trusted
    app.config["TRUSTED_HOSTS"] = list(context.settings.trusted_hosts) or None
    app.register_blueprint(blueprint)
    app.extensions[WORKER] = context.worker
    errors.handle(app)
    app.register_error_handler(404, partial(missing, context))
    app.before_request(errors.redirect_without_host)
    app.after_request(response.harden)
    app.after_request(response.only_https)
    app.after_request(partial(count_misses, limiter))
    log_format = context.settings.log_format
    logs.listen(log_format)
    cached = ResponseCacheMiddleware(app, context, limiter)
    app.wsgi_app = RequestObserver(cached, context.metrics, log=log_format != "none")  # type: ignore[method-assign]
    if hops := context.settings.trusted_hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    return app


def create_blueprint(
    kit: EmbedKit | None = None,
    *,
    settings: Settings | None = None,
    authorize: Authorize | None = None,
    url_prefix: str | None = None,
) -> Blueprint:
    """Create the service as a blueprint for another Flask application. It doesn't affect URLs outside its prefix.

    Pass a prefix; without one, the application's own ``/static`` hides ours. The other arguments are those of
    :func:`create_app`. Trusted hosts and proxies are up to the application.

    >>> site = Flask("site")
    >>> site.register_blueprint(create_blueprint(settings=Settings(cache="memory:")), url_prefix="/getty")
    >>> site.test_client().get("/getty/healthz").json
    {'status': 'ok'}
    """
    blueprint, context, _ = _mounted(settings, kit, authorize, url_prefix)
    blueprint.record(partial(_mount, context.kit))
    if context.metrics:
        blueprint.after_request(partial(count_answer, context.metrics))
    return blueprint


def _mounted(
    settings: Settings | None, kit: EmbedKit | None, authorize: Authorize | None, url_prefix: str | None
) -> tuple[Blueprint, AppContext, RateLimiter]:
    kit = EmbedKit(settings) if kit is None else instance(kit, EmbedKit, "kit")
    settings = kit.settings if settings is None else instance(settings, Settings, "settings")
    if not kit.settings.frozen:
        kit.cache  # noqa: B018 - opened now, so that an invalid setting fails at startup, not on the first request
    counts = _metrics(settings, kit, host=authorize is not None)
    context = AppContext(kit, settings, authorize, metrics=counts, worker=_worker(kit))
    blueprint = Blueprint("embedkit", "embedkit.web", url_prefix=url_prefix)
    if context.worker:
        blueprint.before_request(context.worker.start)
    blueprint.add_url_rule("/static/<path:filename>", "static", partial(static_file, picker_files()))
    limiter = RateLimiter(context.settings)
    blueprint.before_request(partial(_guard, context, limiter, {route.endpoint: route for route in ROUTES}))
    response.allow_origins(blueprint, context.settings)
    blueprint.after_request(partial(response.allow_all, {route.endpoint for route in ROUTES if route.public}))
    blueprint.after_request(response.harden)
    blueprint.after_request(add_headers)
    blueprint.after_request(partial(count_misses, limiter))
    blueprint.teardown_request(leave_place)
    errors.handle(blueprint)
    for route in ROUTES:
        blueprint.add_url_rule(route.rule, route.endpoint, partial(route.view, context), methods=[route.method])
    return blueprint, context, limiter


def _mount(kit: EmbedKit, state: BlueprintSetupState) -> None:
    """Set the URL of the kit's static files, which only the host knows."""
    if not (kit.settings.assets_url or kit.settings.public_url):
        kit.mounted_at = f"{state.url_prefix or ''}/static"


def watch_changes(app: Flask) -> Repeating | None:
    """Start the worker for CHANGE_FEED, PURGE_URLS and WEBHOOK_URL now, instead of on the first request.

    :param app: created by :func:`create_app`, in the process that is to run the worker.
    :returns: the worker, or None if none of these settings is set.
    """
    worker: Repeating | None = app.extensions[WORKER]
    if worker:
        worker.start()
    return worker


def _worker(kit: EmbedKit) -> Repeating | None:
    """Create the worker that reads the feed in the background, so that an invalid setting fails at startup."""
    if not kit.engine.has_changes:
        return None
    changes = kit.engine.changes()
    return Repeating(changes, type(changes).work, changes.wakes_every, "embedkit-changes")


def _metrics(settings: Settings, kit: EmbedKit, *, host: bool) -> Metrics | None:
    """Create the metrics if METRICS is on; ``host`` is True if the host's own login controls access to them."""
    if settings.metrics == "off":
        return None
    if settings.metrics == "token" and not host and not (settings.admin_token or settings.tokens):
        raise ConfigurationError(
            "EMBEDKIT_METRICS=token needs a token.", hint="Set EMBEDKIT_ADMIN_TOKEN or EMBEDKIT_TOKENS."
        )
    return Metrics(kit)


def _guard(context: AppContext, limiter: RateLimiter, routes: Mapping[str, Route]) -> None:
    """Check every request before its view: the size, the rate limit and the credentials."""
    request.environ[ROUTE] = str(request.url_rule)
    if len(request.query_string) > MAX_QUERY_BYTES:
        raise Refused("invalid-request", f"The query is longer than {MAX_QUERY_BYTES} bytes.", status=414)
    route = routes.get((request.endpoint or "").rpartition(".")[2])
    if route is not None:
        request.max_content_length = route.max_body_bytes
        if request.method != "OPTIONS":
            _enter(context, limiter, route)


def _enter(context: AppContext, limiter: RateLimiter, route: Route) -> None:
    """Count by IP address first, so that guessing tokens is limited like any other request."""
    g.embedkit_limiter = limiter
    if route.limited:
        count_request(limiter)
    g.embedkit_credential = credential = authorize(context, route.access)
    if credential and route.limited:
        count_credential(credential)
    if route.access == "search":
        take_place()
