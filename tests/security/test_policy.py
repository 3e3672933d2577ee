"""Every promise in SECURITY.md has a test, and the CI checks work as described."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from embedkit import ConfigurationError, Settings
from tests.support.tools import ROOT, Clock
from tests.support.web import settings, world

POLICY = ROOT / "SECURITY.md"
FLOORS = {"nh3": "0.3.8", "bleach": "6.4"}  # why: see pyproject.toml
LOCKS = [*sorted(ROOT.glob("examples/*/package-lock.json")), *sorted(ROOT.glob("tests/hosts/*/package-lock.json"))]
SECURITY_TXT = "/.well-known/security.txt"


# -- the promises ---------------------------------------------------------------------------------------


def promises() -> list[tuple[str, str]]:
    table = POLICY.read_text("utf-8").partition("## Promises")[2]
    return re.findall(r"^\| (.+) \| `(tests/[\w/]+\.py::\w+)` \|$", table, re.M)


@pytest.mark.parametrize("test", [test for _, test in promises()])
def test_every_promise_has_its_test(test: str) -> None:
    path, _, name = test.partition("::")
    tree = ast.parse(ROOT.joinpath(path).read_text("utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert name.startswith("test_")


def test_every_row_is_a_promise_with_a_test() -> None:
    table = POLICY.read_text("utf-8").partition("## Promises")[2]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) - 1 == len(promises()) == len({promise for promise, _ in promises()})
    assert len(promises()) >= 30


def test_the_policy_has_the_sections_a_reporter_needs() -> None:
    text = POLICY.read_text("utf-8")
    for heading in ("Supported versions", "How to report a vulnerability", "Threat model"):
        assert f"## {heading}\n" in text
    assert all(ROOT.joinpath(target).exists() for target in re.findall(r"\]\(([^):#]+)\)", text))


# -- security.txt ---------------------------------------------------------------------------------------


def fields(text: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (line.partition(": ") for line in text.splitlines())]


def test_without_a_contact_there_is_no_security_txt() -> None:
    answer = world().client.get(SECURITY_TXT)
    assert (answer.status_code, answer.json["code"]) == (404, "no-route")


def test_security_txt_has_contact_expiry_and_url() -> None:
    answer = world(contact="mailto:security@example.org, https://example.org/report", locale="de-DE").client.get(
        SECURITY_TXT
    )
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    found = fields(answer.text)
    assert [name for name, _ in found] == ["Contact", "Contact", "Expires", "Canonical", "Preferred-Languages"]
    assert [value for name, value in found if name == "Contact"] == [
        "mailto:security@example.org",
        "https://example.org/report",
    ]
    assert dict(found)["Canonical"] == f"https://embeds.example.org{SECURITY_TXT}"
    assert dict(found)["Preferred-Languages"] == "de"
    expires = datetime.fromisoformat(dict(found)["Expires"])
    assert timedelta(days=100) < expires - datetime.now(UTC) < timedelta(days=365)


def test_security_txt_without_public_url_has_no_canonical_url() -> None:
    text = world(contact="tel:+1-201-555-0123", public_url="").client.get(SECURITY_TXT).text
    assert [name for name, _ in fields(text)] == ["Contact", "Expires", "Preferred-Languages"]
    assert "localhost" not in text


def test_security_txt_expiry_is_updated_daily() -> None:
    from embedkit.web.context import AppContext
    from embedkit.web.health import _text

    clock = Clock(1_700_000_000.0)
    made = world(contact="mailto:a@example.org")
    service = AppContext(made.kit, made.kit.settings, clock=clock)
    first = _text(service)
    clock.now += 86_400
    assert fields(first)[1] == ("Expires", "2024-05-12T00:00:00Z")
    assert fields(_text(service))[1] == ("Expires", "2024-05-13T00:00:00Z")


@pytest.mark.parametrize(
    "contact",
    [
        "security@example.org",
        "http://example.org/report",
        "mailto:",
        "mailto:a b@example.org",
        "https://",
        "https://exa mple.org",
        "mailto:a@example.org\nExpires: 2099-01-01T00:00:00Z",
        "javascript:alert(1)",
        "tel:call me",
        "mailto:ä@example.org",
    ],
)
def test_a_contact_must_be_a_uri_of_the_rfc(contact: str) -> None:
    with pytest.raises(ConfigurationError, match="CONTACT must be URIs such as mailto:"):
        Settings(contact=contact)  # type: ignore[arg-type]


def test_valid_contacts() -> None:
    many = "mailto:security@example.org,https://example.org/a?b=c#d,tel:+49-30-1234"
    assert Settings(contact=many).contact == tuple(many.split(","))  # type: ignore[arg-type]
    assert settings(contact=()).contact == ()


# -- CI checks ------------------------------------------------------------------------------------------


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


@pytest.mark.parametrize("name", FLOORS)
def test_sanitizers_include_their_last_security_fix(name: str) -> None:
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["bleach"]]
    assert f"{name}>={FLOORS[name]}" in wanted
    assert numbers(version(name)) >= numbers(FLOORS[name])


def test_no_lock_file_contains_a_url() -> None:
    assert len(LOCKS) >= 3
    for path in [*LOCKS, ROOT / ".ci" / "tools.txt"]:
        assert "://" not in path.read_text("utf-8"), path


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.parent.name)
def test_every_npm_package_is_locked_by_hash(path: Path) -> None:
    lock = json.loads(path.read_text("utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages
    assert all(row["integrity"].startswith("sha512-") for row in packages.values())
    assert not any("resolved" in row for row in packages.values())


def test_every_ci_tool_is_locked_by_hash() -> None:
    text = re.sub(r"^#.*\n", "", ROOT.joinpath(".ci", "tools.txt").read_text("utf-8"), flags=re.M)
    entries = re.findall(r"^([\w.-]+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", text, re.M)
    assert {"bandit", "mypy", "pip-audit", "ruff"} <= {name for name, _, _ in entries}
    assert len(entries) == len(re.findall("==", text))
    run = ROOT.joinpath(".ci", "run").read_text("utf-8")
    assert "--require-hashes -r .ci/tools.txt" in run
    assert all(f'"$tools/{tool}"' in run for tool in ("ruff", "mypy", "bandit", "pip-audit"))


HOLE = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "code", "expected"),
    [
        ([SOUND], 0, "tools: 1 packages, 0 known holes"),
        ([HOLE, SOUND], 1, "HOLE: tools: a 1: X-1, mended in 2"),
        ([HOLE, SKIPPED], 1, "HOLE: tools: a 1"),
        ([SKIPPED, SOUND], 0, "!!!! NOT AUDITED: tools: 1 of 2 packages."),
        ([], 0, "!!!! NOT AUDITED: tools: everything."),
        (None, 0, "!!!! NOT AUDITED: tools: everything."),
        ([SOUND, {"name": "embedkit-getty", "skip_reason": "ours"}], 0, "tools: 1 packages, 0 known holes"),
    ],
)
def test_an_audit_fails_on_findings_and_reports_what_it_skipped(
    found: list[object] | None, code: int, expected: str
) -> None:
    text = "No network" if found is None else json.dumps({"dependencies": found, "fixes": []})
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit"), "tools"],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (code, "")
    assert expected in done.stdout
