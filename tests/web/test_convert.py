"""Pasted embed code over HTTP, numeric IDs, applications created from a kit, and a blueprint's asset URLs."""

from __future__ import annotations

import pytest
from flask import Flask

from embedkit import ConfigurationError, EmbedKit, Settings, create_app, create_blueprint
from embedkit.sandbox import SandboxTransport
from tests.support.web import EXAMPLE, world

FRAME = f'<iframe src="//embed.gettyimages.com/embed/{EXAMPLE}?et=a&sig=b" width="300" height="200"></iframe>'


def test_pasted_code_becomes_a_shortcode_without_calling_getty() -> None:
    web = world()
    answer = web.client.post("/v1/convert", json={"content": f"<p>a</p>{FRAME}", "input": "html"})
    assert answer.json == {
        "content": f'<p>a</p>[getty src="{EXAMPLE}" width="300" height="200"]',
        "converted": 1,
        "problems": [],
    }
    assert web.sandbox.count() == 0


def test_unconverted_code_is_reported() -> None:
    body = {"content": f'---\nhero: "{FRAME}"\n---\n', "input": "markdown"}
    (problem,) = world().client.post("/v1/convert", json=body).json["problems"]
    assert (problem["line"], problem["code"]) == (2, "embed-code")


def test_an_id_can_be_a_number() -> None:
    answer = world().client.post("/v1/embeds", json={"refs": [int(EXAMPLE), {"ref": int(EXAMPLE)}, 1.5]})
    first, second, third = answer.json["embeds"]
    assert first["ref"] == second["ref"] == EXAMPLE
    assert third["error"]["code"] == "invalid-request"


@pytest.fixture(name="kit")
def fixture_kit() -> EmbedKit:
    return EmbedKit(Settings(cache="memory:", secret="s" * 40), transport=SandboxTransport())


def test_an_application_can_be_created_from_a_kit(kit: EmbedKit) -> None:
    assert create_app(kit).test_client().get(f"/v1/embeds/{EXAMPLE}").json["ref"] == EXAMPLE
    with pytest.raises(ConfigurationError, match="settings is 'x', not a Settings"):
        create_app("x")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="kit is 'x', not an EmbedKit"):
        create_blueprint("x")  # type: ignore[arg-type]


def test_asset_urls_follow_the_blueprints_prefix(kit: EmbedKit) -> None:
    app = Flask("blog")
    app.register_blueprint(create_blueprint(kit), url_prefix="/getty")
    client = app.test_client()
    told = client.get(f"/getty/v1/embeds/{EXAMPLE}?target=facade").json["assets"]
    assert told == kit.assets("facade")
    for url in told["css"] + told["js"]:
        assert url.startswith("/getty/static/")
        with client.get(url) as answer:
            assert answer.status_code == 200


def test_pasted_code_is_rendered_on_request() -> None:
    code = f'<p>a</p><iframe src="//embed.gettyimages.com/embed/{EXAMPLE}?et=a&sig=b" width="300"></iframe>'
    client = world().client
    assert client.post("/v1/render", json={"content": code}).json["embeds"] == []
    one = client.post("/v1/render", json={"content": code, "pasted": True}).json
    (many,) = client.post("/v1/render", json={"texts": [{"content": code}], "pasted": True}).json["texts"]
    assert one == many
    assert [embed["ref"] for embed in one["embeds"]] == [EXAMPLE]
    assert 'width="300"' in one["content"]
