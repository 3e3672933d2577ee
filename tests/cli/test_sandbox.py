"""embedkit sandbox: an option for each field of its config."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from embedkit.cli.serve import sandbox
from embedkit.sandbox import SandboxConfig
from tests.support.cli import Run


def config_of(*args: str) -> SandboxConfig:
    """The config of the sandbox that a command line starts."""
    params = dict(sandbox.make_context("sandbox", list(args)).params)
    del params["host"], params["port"], params["against"]
    return SandboxConfig(**params)


def test_every_row_is_an_option_with_its_default() -> None:
    assert config_of() == SandboxConfig()
    options = {param.name for param in sandbox.get_params(sandbox.make_context("sandbox", []))}
    assert {row.name for row in fields(SandboxConfig)} <= options


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["--era", "2014"], SandboxConfig(era="2014")),
        (["--generation", "div"], SandboxConfig(generation="div")),
        (["--throttle-status", "403"], SandboxConfig(throttle_status=403)),
        (["--none-found-status", "200"], SandboxConfig(none_found_status=200)),
        (["--no-password-grant", "--no-strict"], SandboxConfig(password_grant=False, strict=False)),
        (["--calls-per-second", "2", "--deterministic"], SandboxConfig(calls_per_second=2, deterministic=True)),
        (["--cors", ""], SandboxConfig(cors="")),
    ],
)
def test_options(args: list[str], expected: SandboxConfig) -> None:
    assert config_of(*args) == expected


def test_another_era_is_refused(run: Run) -> None:
    result = run("sandbox", "--era", "2016")
    assert result.code == 2
    assert "2014" in result.err


def test_every_option_has_a_sentence(run: Run) -> None:
    told = run("sandbox", "--help").out
    assert "`" not in told
    assert told.count("  --") >= len(fields(SandboxConfig))


def test_a_contract_is_compared(run: Run, tmp_path: Path) -> None:
    contract = tmp_path / "openapi.json"
    contract.write_text('{"openapi": "3.0.1", "paths": {"/v3/ai/x": {"get": {}}, "/v3/y": {"get": {}}}}')
    result = run("sandbox", "--against", str(contract))
    assert result.code == 1
    assert (
        "GET /v3/ai/x: the sandbox has no such operation (the sandbox does not generate pictures)\n" in result.out
    )
    assert "GET /v3/y: the sandbox has no such operation\n" in result.out
    assert "GET /v3/images/{}: is not in the contract\n" in result.out


LOOP = (
    '{"paths": {"/v3/images": {"get": {"responses": {"200": {"content": {"x": {"schema": {"$ref": "#/a"}}}}}}}},'
    ' "a": {"$ref": "#/a"}}'
)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", "openapi: 3.0.1", "[" * 100_000, LOOP),
        *('{"paths": {"/v3/images": []}}', '{"paths": {"/v3/images": {"get": null}}}'),
        '{"paths": {"/v3/images": {"get": {"parameters": [{"$ref": "#/components/parameters/x"}]}}}}',
    ],
    ids=lambda text: text[:40],
)
def test_a_file_that_is_not_an_openapi_document_is_reported(run: Run, tmp_path: Path, text: str) -> None:
    contract = tmp_path / "openapi.json"
    contract.write_text(text)
    result = run("sandbox", "--against", str(contract))
    assert (result.code, result.out) == (2, "")
    assert "openapi.json is no OpenAPI document" in result.err
