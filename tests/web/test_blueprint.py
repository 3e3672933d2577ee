"""The service mounted on another application."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from embedkit import Settings, create_app, create_blueprint
from embedkit.errors import ConfigurationError
from tests.support.web import ADMIN, ANY, kit


def host(**rows: Any) -> Flask:
    """An application with its own pages and handlers."""
    app = Flask("host", static_folder=None)
    app.secret_key = "host"
    app.add_url_rule("/", "front", lambda: "host's front page")
    app.add_url_rule("/fail", "fail", lambda: 1 // 0)
    app.register_error_handler(404, lambda _: ("host's 404", 404))
    app.register_error_handler(ZeroDivisionError, lambda _: ("host's 500", 500))
    app.register_error_handler(405, lambda _: ("host's 405", 405))
    app.register_blueprint(create_blueprint(kit(public_url="", **rows)), url_prefix="/getty")
    return app


@pytest.fixture(name="client")
def fixture_client() -> FlaskClient:
    return host(rate_limit="5/hour").test_client()


def test_passing_settings_as_a_kit_is_a_helpful_error() -> None:
    settings = Settings(cache="memory:")
    for call in (lambda: create_app(kit=settings), lambda: create_blueprint(settings)):  # type: ignore[arg-type]
        with pytest.raises(ConfigurationError) as caught:
            call()
        assert "kit=" in str(caught.value.hint)


def test_routes_work_below_the_prefix(client: FlaskClient) -> None:
    assert client.get(f"/getty/v1/embeds/{ANY}").json["ref"] == ANY
    assert client.get("/getty/oembed", query_string={"url": ANY}).json["type"] == "rich"
    page = client.get(f"/getty/embed/{ANY}").text
    assert "/getty/static/embedkit-frame.js" in page
    assert "/getty/oembed?url=" in page
    assert client.get("/getty/static/embedkit-frame.js", buffered=True).status_code == 200
    assert client.get("/getty/oembed/providers.json", headers={"Host": "localhost"}).json[0]["endpoints"][0][
        "url"
    ] == ("http://localhost/getty/oembed")
    assert client.get("/getty/oembed").headers["X-Content-Type-Options"] == "nosniff"


def test_urls_outside_the_prefix_are_unaffected(client: FlaskClient) -> None:
    front = client.get("/")
    assert front.text == "host's front page"
    for header in (
        "Content-Security-Policy",
        "RateLimit-Limit",
        "Vary",
        "X-Content-Type-Options",
        "Cache-Control",
    ):
        assert header not in front.headers
    assert [client.get(path).text for path in ("/nothing", "/getty/nothing", "/fail")] == [
        *("host's 404", "host's 404", "host's 500")
    ]
    assert client.post("/").text == "host's 405"


def test_the_blueprint_handles_its_own_errors(client: FlaskClient) -> None:
    answer = client.get("/getty/v1/embeds/nonsense")
    assert (answer.status_code, answer.json["code"]) == (404, "unsupported")
    assert answer.json["type"] == "/getty/docs#error-unsupported"
    large = client.post("/getty/v1/embeds", data=b"x" * 70_000, content_type="application/json")
    assert (large.status_code, large.json["code"]) == (413, "too-large")


def test_only_the_blueprints_own_requests_are_counted(client: FlaskClient) -> None:
    assert [client.get("/").status_code for _ in range(9)] == [200] * 9
    codes = [client.get("/getty/oembed").status_code for _ in range(6)]
    assert codes == [400] * 5 + [429]
    assert client.get("/").status_code == 200


def test_the_hosts_limiter_and_cookies_keep_working() -> None:
    app = host()
    app.config["RATELIMIT_ENABLED"] = False

    @app.after_request
    def habit(response: Response) -> Response:
        response.headers["X-Host"] = "1"
        return response

    answer = app.test_client().get("/getty/healthz")
    assert answer.headers["X-Host"] == "1"
    assert "Set-Cookie" not in answer.headers


def test_two_blueprints_are_independent() -> None:
    app = Flask("host")
    for name in ("one", "two"):
        app.register_blueprint(
            create_blueprint(kit(tld="de" if name == "two" else "com")), url_prefix=f"/{name}", name=name
        )
    client = app.test_client()
    found = [dict(client.get(f"/{name}/v1/embeds/{ANY}").json["frame"]["query"])["tld"] for name in ("one", "two")]
    assert found == ["com", "de"]
    assert client.get("/two/oembed").json["type"] == "/two/docs#error-invalid-request"


def test_the_prefix_can_be_passed_to_create_blueprint() -> None:
    app = Flask("host")
    app.register_blueprint(create_blueprint(kit(), url_prefix="/media/getty"))
    assert app.test_client().get("/media/getty/healthz").status_code == 200


def test_the_hosts_login_replaces_tokens() -> None:
    app = Flask("host")
    app.register_blueprint(create_blueprint(kit(admin_token=ADMIN), authorize=lambda _: False), url_prefix="/g")
    bearer = {"Authorization": f"Bearer {ADMIN}"}
    assert app.test_client().delete(f"/g/v1/embeds/{ANY}", headers=bearer).status_code == 403


@pytest.mark.parametrize("make", [create_app, create_blueprint])
def test_settings_alone_are_sufficient(make: Callable[..., object]) -> None:
    assert make(settings=Settings(cache="memory:", secret="s" * 40))


def test_settings_default_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDKIT_CACHE", "memory:")
    monkeypatch.setenv("EMBEDKIT_RATE_LIMIT", "1/hour")
    client = create_app().test_client()
    assert [client.get("/oembed").status_code for _ in range(2)] == [400, 429]
    monkeypatch.setenv("EMBEDKIT_RATE_LIMIT", "often")
    with pytest.raises(ConfigurationError, match="RATE_LIMIT"):
        create_app()
