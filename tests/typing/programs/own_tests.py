"""A user's own tests, with the fixtures of the pytest plugin."""

from embedkit import EmbedKit
from embedkit.sandbox import SandboxServer


def test_a_withdrawn_picture_is_a_card(embedkit_kit: EmbedKit, embedkit_sandbox: SandboxServer) -> None:
    embedkit_sandbox.app.withdraw("74917285")
    assert "<iframe" not in embedkit_kit.html("74917285")


def test_an_outage_shows_the_copy(embedkit_kit: EmbedKit, embedkit_sandbox: SandboxServer) -> None:
    before = embedkit_kit.html("74917285")
    embedkit_sandbox.app.faults.add("status", status=503, count=None)
    assert embedkit_kit.html("74917285") == before
