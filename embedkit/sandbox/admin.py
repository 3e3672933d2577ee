"""The switches of a sandbox over HTTP, for those who cannot reach it in process: demos, other languages.

==============================  ================================================================
/_sandbox/faults                GET lists, POST adds (?kind=…, see faults.py), DELETE clears
/_sandbox/assets/<id>           DELETE withdraws (?status=404), PUT restores
/_sandbox/tokens                DELETE lets all access tokens expire
/_sandbox/calls                 GET counts, DELETE forgets
==============================  ================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Protocol

from embedkit.sandbox.faults import Faults
from embedkit.sandbox.services.http import Call, Reply, json_reply

OPTIONS: dict[str, Callable[[str], Any]] = {
    "kind": str,
    "count": lambda text: None if text == "all" else int(text),
    "route": str,
    "item": str,
    "status": int,
    "seconds": float,
    "retry_after": str,
}


class Switched(Protocol):
    """What the switches act on."""

    faults: Faults

    def counts(self) -> dict[str, int]: ...
    def forget(self) -> None: ...
    def withdraw(self, *asset_ids: str, status: int = 404) -> None: ...
    def restore(self, *asset_ids: str) -> None: ...
    def expire_tokens(self) -> None: ...


def switch(app: Switched, call: Call) -> Reply:
    """Do what a request to ``/_sandbox/…`` says, and answer how things stand."""
    if "origin" in call.headers:
        return json_reply({"message": "Pages may not turn these switches."}, 403)
    subject, _, name = call.path.removeprefix("/_sandbox").strip("/").partition("/")
    try:
        known = _turn(app, call, subject, name)
    except (ValueError, TypeError) as error:
        return json_reply({"message": str(error)}, 400)
    if not known:
        return json_reply({"message": "There is no such switch."}, 404)
    return json_reply({"faults": [asdict(fault) for fault in app.faults], "calls": app.counts()})


def _turn(app: Switched, call: Call, subject: str, name: str) -> bool:
    match subject, call.method:
        case "faults", "POST":
            app.faults.add(**_fault_options(call))
        case "faults", "DELETE":
            app.faults.clear()
        case "calls", "DELETE":
            app.forget()
        case "tokens", "DELETE":
            app.expire_tokens()
        case "assets", "DELETE":
            app.withdraw(name, status=int(call.params.get("status", "404")))
        case "assets", "PUT":
            app.restore(name)
        case (("faults" | "calls"), "GET"):
            pass
        case _:
            return False
    return True


def _fault_options(call: Call) -> dict[str, Any]:
    params = call.params
    if unknown := params.keys() - OPTIONS.keys():
        raise ValueError(f"a fault has no {min(unknown)!r}: use {', '.join(OPTIONS)}")
    if "kind" not in params:
        raise ValueError("kind is required")
    return {name: OPTIONS[name](text) for name, text in params.items()}
