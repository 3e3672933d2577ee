"""WordPress exports on the command line, and ``check`` as a nightly job."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from embedkit.sandbox import SandboxServer
from tests.support.cli import Run
from tests.support.tools import ROOT
from tests.unit.engine.test_wxr import CODE, HEAD, SHORT, TAIL, cdata, comment, export, item

ID = "74917285"
GONE = "500000404"


@pytest.fixture(name="blog")
def fixture_blog(tmp_path: Path) -> Path:
    path = tmp_path / "blog.xml"
    posts = [item(cdata(f"One\n{CODE}\nTwo\n{CODE}"), number=1), item("", number=2)]
    path.write_bytes(export(*posts, item(cdata(f"{CODE}\n\nEnd"), number=3, more=comment(CODE))))
    return path


def converted(blog: Path) -> bytes:
    before, comments = blog.read_bytes().rsplit(b"<wp:comment>", 1)
    return before.replace(CODE.encode(), SHORT.encode()) + b"<wp:comment>" + comments


def test_an_export_is_a_filter(run: Run, blog: Path) -> None:
    done = run("convert", "blog.xml")
    assert (done.code, done.out.encode()) == (0, converted(blog))
    assert "in a comment" in done.err
    assert '(post 3, "Post &amp; 3", https://example.org/?p=3)' in done.err


def test_a_dry_run_counts_and_changes_nothing(run: Run, blog: Path) -> None:
    before = blog.read_bytes()
    done = run("convert", "--check", ".")
    assert (done.code, done.out, blog.read_bytes()) == (1, "", before)
    assert "blog.xml: 3 to convert in 2 of 3 posts; 1 left unchanged\n" in done.err
    found = json.loads(run("convert", "--json", "blog.xml").out)["exports"][0]
    assert (found["posts"], found["changed"], found["converted"]) == (3, 2, 3)
    assert found["problems"][0]["post"] == {"id": "3", "title": "Post &amp; 3", "link": "https://example.org/?p=3"}


def test_a_diff_of_an_export_is_one(run: Run, blog: Path) -> None:
    done = run("convert", "--diff", "blog.xml")
    assert done.out.startswith("--- a/blog.xml\n+++ b/blog.xml\n@@ ")
    assert done.out.count("+++ ") == 1
    assert patched(blog.read_text("utf-8"), done.out) == converted(blog).decode()


def patched(before: str, diff: str) -> str:
    """Apply a diff with patch(1), allowing no offsets."""
    old, new = before.split("\n"), before.split("\n")
    for hunk in re.split(r"^@@ -", diff, flags=re.M)[1:]:
        head, *lines = hunk.removesuffix("\n").split("\n")
        start, size, goal, grown = map(int, re.findall(r"[0-9]+", head))
        assert old[start - 1 :][:size] == [line[1:] for line in lines if line[0] in " -"]
        new[goal - 1 : goal - 1 + size] = [line[1:] for line in lines if line[0] in " +"]
        assert grown == sum(line[0] in " +" for line in lines)
    return "\n".join(new)


def test_an_export_is_modified_in_place_or_written_to_a_folder(run: Run, blog: Path) -> None:
    wanted = converted(blog)
    assert run("convert", "--output", "out", ".").code == 0
    assert (blog.parent / "out" / "blog.xml").read_bytes() == wanted
    done = run("convert", "--in-place", "blog.xml")
    assert (done.code, blog.read_bytes()) == (0, wanted)
    assert "3 converted in 2 of 3 posts" in done.err
    blog.chmod(0o444)
    blog.write_bytes(blog.read_bytes()) if os.access(blog, os.W_OK) else None
    assert run("convert", "--in-place", "blog.xml").code == 2
    assert blog.read_bytes() == wanted


def test_an_export_for_render_is_named(run: Run, blog: Path) -> None:
    done = run("render", blog.name, "--check")
    assert "is a WordPress export, which only convert and check read" in done.err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_fifty_megabytes_take_little_memory(tmp_path: Path) -> None:
    words = "<!-- wp:paragraph -->\n<p>Words of a post.</p>\n<!-- /wp:paragraph -->\n" * 70
    path = tmp_path / "large.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write(HEAD)
        for number in range(10_000):
            file.write(item(cdata(words + CODE * (number % 25 == 0)), number=number))
        file.write(TAIL)
    size = path.stat().st_size
    code = (  # not getrusage, which also counts the process's memory before exec
        "import re; from embedkit.__main__ import main\n"
        "try: main()\n"
        "finally: print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, "convert", "--in-place", str(path)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert size > 50_000_000
    assert path.stat().st_size == size - 400 * (len(CODE) - len(SHORT))
    assert "400 converted in 400 of 10,000 posts" in done.stderr
    assert "%" not in done.stderr  # a progress bar is only for terminals
    assert int(done.stdout) < 100_000  # KiB


# -- check, nightly --------------------------------------------------------------------------------------


@pytest.fixture(name="posts")
def fixture_posts(tmp_path: Path) -> Path:
    folder = tmp_path / "posts"
    folder.mkdir()
    (folder / "good.md").write_text(f"[getty {ID}]\n", "utf-8")
    (folder / "a%,b:\n<c>.md").write_text(f"A\n\n[getty {GONE}]\n[getty x]\n", "utf-8")
    return folder


def test_annotations_of_github(run: Run, posts: Path) -> None:
    done = run("check", posts.name, "--format", "github")
    file = "file=posts/a%25%2Cb%3A%0A<c>.md"
    assert done.out.splitlines() == [
        f"::error {file},line=3,col=1,title=not-found::{GONE}: withdrawn, or the ID is wrong",
        f"::error {file},line=4,col=1,title=unsupported::" + done.out.splitlines()[1].rpartition("::")[2],
    ]
    assert done.code == 1


def test_pictures_that_could_not_be_checked_are_warnings(run: Run, posts: Path, sandbox: SandboxServer) -> None:
    sandbox.app.faults.add("drop", count=None)
    done = run("check", str(posts / "good.md"), "--format", "github")
    assert (done.code, done.out.startswith("::warning file=")) == (3, True)
    suite = ET.fromstring(run("check", str(posts / "good.md"), "--format", "junit").out)[0]
    assert (suite.get("failures"), suite.get("errors"), suite[0][0].tag) == ("0", "1", "error")


def test_a_report_of_junit(run: Run, posts: Path, blog: Path) -> None:
    (posts / "blog.xml").write_bytes(blog.read_bytes().replace(b"82278805", GONE.encode()))
    done = run("check", posts.name, "--format", "junit")
    root = ET.fromstring(done.out)
    assert (root.tag, [one.tag for one in root]) == ("testsuites", ["testsuite"])
    cases = root[0].findall("testcase")
    assert root[0].attrib == {"name": "embedkit check", "tests": "7", "failures": "6", "errors": "0"}
    assert [len(one) for one in cases] == [0, 1, 1, 1, 1, 1, 1]
    assert all(one.get("classname") and one.get("name") for one in cases)
    assert cases[0].attrib == {"classname": "posts/good.md", "file": "posts/good.md", "name": "pictures"}
    assert (cases[1].get("file"), cases[1].get("line")) == ("posts/a%,b:\\n<c>.md", "3")
    failure = cases[1][0]
    assert (failure.tag, failure.get("type")) == ("failure", "not-found")
    assert failure.get("message") == f"{GONE}: withdrawn, or the ID is wrong"
    assert 'post 1, "Post &amp; 1"' in (cases[3][0].get("message") or "")
    assert done.code == 1


def test_json_has_one_name_more(run: Run, posts: Path) -> None:
    assert run("check", posts.name, "--json").out == run("check", posts.name, "--format", "json").out
