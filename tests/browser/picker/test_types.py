"""TypeScript checks the picker's modules by their JSDoc, and pages that use it by embedkit-picker.d.ts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from embedkit.files.installed import static_dir
from tests.support.tools import need

OPTIONS = [
    *("--noEmit", "--target", "es2024", "--lib", "es2024,esnext,dom,dom.iterable"),
    *("--module", "esnext", "--moduleResolution", "bundler"),
]
VERSION = "5.9"
# Types that modules use without importing them, to be small, and what TypeScript's DOM types lack.
GLOBALS = """export {{}};
declare global {{
  interface IntersectionObserverInit {{ scrollMargin?: string }}
  type PickerConfig = import("./picker/model.js").PickerConfig;
{types}
}}
"""
USES = """import { EmbedKit, shortcode, type Choice } from "./embedkit-picker.js";

export async function choose(grant: string): Promise<string> {
  const choice: Choice | null = await EmbedKit.open({ endpoint: "https://embeds.example.org", grant, multiple: true, max: 3 });
  return choice ? `${choice.credit.line} ${choice.shortcode} ${choice.html ?? ""}` : shortcode("74917285", { width: 300 });
}

const picker = document.querySelector("embedkit-picker");
picker?.addEventListener("embedkit-error", ({ detail }) => console.log(detail.status, detail.retryAfter));
picker?.addEventListener("embedkit-select", (event) => { if (!event.detail.alt) event.preventDefault(); });
void picker?.search("harbour", { family: "editorial", sort_order: "newest", show: "events" });
void picker?.search("", { similar: "74917285" });
"""
SLIPS = [
    ("EmbedKit.open({ endpont: 'x' });", "endpont"),
    ("EmbedKit.open({ output: 'htm' });", "htm"),
    ("EmbedKit.open({ max: '3' });", "number"),
    ("picker?.search('x', { family: 'news' });", "news"),
    ("picker?.addEventListener('embedkit-quota', ({ detail }) => detail.seconds);", "seconds"),
    ("shortcode('1', { widht: 300 });", "widht"),
    ("EmbedKit.open().then((choice) => choice.id);", "null"),
]


@pytest.fixture(name="tsc", scope="module")
def fixture_tsc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install TypeScript from npm, outside of the tree."""
    folder = tmp_path_factory.mktemp("typescript")
    install = [need("npm"), "install", "--ignore-scripts", "--no-audit", "--no-fund", f"typescript@{VERSION}"]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode and not os.environ.get("CI"):
        pytest.skip("npm can't install TypeScript")
    assert done.returncode == 0, done.stderr
    return folder / "node_modules" / "typescript" / "bin" / "tsc"


def check(tsc: Path, *arguments: str | Path) -> list[str]:
    """Return the errors that TypeScript finds."""
    command = [need("node"), tsc, *OPTIONS, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False)
    return [line for line in done.stdout.splitlines() if "error TS" in line]


def modules(folder: Path) -> Path:
    """Copy the modules, with the types of types.d.ts as globals, and return the entry under another name."""
    shutil.copytree(static_dir() / "picker", folder / "picker")
    shutil.copy(static_dir() / "embedkit-picker.d.ts", folder)
    shapes = (folder / "picker" / "types.d.ts").read_text("utf-8")
    names = [*re.findall(r"^export interface (\w+)", shapes, re.MULTILINE), "Choice", "Credit", "EmbedOptions"]
    types = "\n".join(f'  type {name} = import("./picker/types.js").{name};' for name in names)
    (folder / "globals.d.ts").write_text(GLOBALS.format(types=types), "utf-8")
    return Path(shutil.copy(static_dir() / "embedkit-picker.js", folder / "entry.js"))


def test_modules_are_as_their_comments_say(tsc: Path, tmp_path: Path) -> None:
    entry = modules(tmp_path)
    assert check(tsc, "--allowJs", "--checkJs", entry, tmp_path / "globals.d.ts") == []
    details = tmp_path / "picker" / "details.js"
    slip = details.read_text("utf-8").replace("state.editsOf(", "state.editOf(", 1)
    details.write_text(slip, "utf-8")
    [error] = check(tsc, "--allowJs", "--checkJs", entry, tmp_path / "globals.d.ts")
    assert "'editOf' does not exist on type 'PickerState'" in error


def test_a_page_that_uses_it_is_checked(tsc: Path, tmp_path: Path) -> None:
    shutil.copy(static_dir() / "embedkit-picker.d.ts", tmp_path)
    page = tmp_path / "page.ts"
    page.write_text(USES, "utf-8")
    assert check(tsc, "--strict", page) == []
    page.write_text(USES + "\n".join(code for code, _ in SLIPS), "utf-8")
    found = check(tsc, "--strict", page)
    assert len(found) == len(SLIPS), found
    assert [name for (_, name), error in zip(SLIPS, found, strict=True) if name not in error] == []
