"""Each integration in its real host: one contract for all, and what only one of them has."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import html5lib
import pytest

from embedkit import ConfigurationError
from embedkit.integrations.site import Lost, Site
from embedkit.sandbox import SandboxServer
from tests.support.tools import python_packages

ID, WITHDRAWN = "74917285", "500000404"
POST = f"""# A match

[getty {ID} caption="One < two & 'three'"]

Words [getty {ID} width=300] and more.

- an item [getty {WITHDRAWN}]

`[getty 1]`

```
[getty 2]
```

https://gty.im/{ID}
"""


@pytest.fixture(name="getty")
def fixture_getty(
    embedkit_sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """Getty's services, for whatever reads the environment."""
    for name, value in environment(embedkit_sandbox, tmp_path).items():
        monkeypatch.setenv(name, value)
    return embedkit_sandbox


def environment(server: SandboxServer, folder: Path) -> dict[str, str]:
    settings = server.settings()
    return {
        "EMBEDKIT_OEMBED_ENDPOINT": settings.oembed_endpoint,
        "EMBEDKIT_FRAME_ORIGIN": settings.frame_origin,
        "EMBEDKIT_IMAGE_ORIGINS": ",".join(settings.image_origins),
        "EMBEDKIT_CACHE": f"sqlite:{folder / 'cache.sqlite'}",
        "EMBEDKIT_TIMEOUT": "60",
    }


def python_markdown(text: str, **options: Any) -> str:
    import markdown

    return markdown.markdown(
        text, extensions=["embedkit", "fenced_code", "smarty"], extension_configs={"embedkit": options}
    )


def markdown_it(text: str, **options: Any) -> str:
    from markdown_it import MarkdownIt

    from embedkit.integrations.markdown_it import getty_plugin

    return MarkdownIt("commonmark", {"typographer": True}).use(getty_plugin, **options).render(text)


def mistune(text: str, **options: Any) -> str:
    from mistune import create_markdown

    from embedkit.integrations.mistune import getty_plugin

    return str(create_markdown(plugins=[lambda md: getty_plugin(md, Site(options))])(text))


PROCESSORS = [python_markdown, markdown_it, mistune]


@pytest.mark.parametrize("convert", PROCESSORS)
class TestContract:
    """What every Markdown processor does with embedkit in it."""

    def test_renders_and_leaves_code_alone(self, convert: Callable[..., str], getty: SandboxServer) -> None:
        html = convert(POST)
        tree = html5lib.parse(html, namespaceHTMLElements=False)
        frames = list(tree.iter("iframe"))
        assert [frame.get("width") for frame in frames] == ["395", "300", "395"]
        assert [code.text.strip() for code in tree.iter("code")] == ["[getty 1]", "[getty 2]"]
        assert "One < two & 'three'" in "".join(tree.itertext())
        assert not any(list(paragraph.iter("figure")) for paragraph in tree.iter("p"))
        assert not any("".join(one.itertext()).strip() == "" and len(one) == 0 for one in tree.iter("p"))

    def test_a_dead_picture_breaks_nothing_and_is_told(
        self, convert: Callable[..., str], getty: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            assert "no longer available" in convert(POST)
        assert [one.getMessage().partition(": ")[0] for one in caplog.records] == ["<markdown>:7:11"]

    def test_strict_fails(self, convert: Callable[..., str], getty: SandboxServer) -> None:
        with pytest.raises(Lost, match="<markdown>:7:11: not-found"):
            convert(POST, strict=True)

    def test_options_are_settings(self, convert: Callable[..., str], getty: SandboxServer) -> None:
        assert "ek--facade" in convert(f"[getty {ID}]", target="facade")
        assert "ek-link" in convert(f"[getty {WITHDRAWN}]", on_error="link")
        with pytest.raises(ConfigurationError, match="Did you mean EMBEDKIT_TARGET"):
            convert("x", tarqet="facade")

    def test_an_outage_shows_a_card(self, convert: Callable[..., str], getty: SandboxServer) -> None:
        getty.app.faults.add("drop", count=None)
        assert convert(f"[getty {ID}]").count("ek--card") == 1


def test_jinja(getty: SandboxServer) -> None:
    from jinja2 import Environment

    made = Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"], autoescape=True)
    page = made.from_string("{% getty id, max_width=300 align='left' %}<p>{{ body|getty }}")
    html = page.render(id=int(ID), body=f"<b> [getty {ID}]")
    assert html.count("<iframe") == 2
    assert 'width="300"' in html
    assert "ek--left" in html
    assert "&lt;b&gt;" in html
    with pytest.raises(ValueError, match="Did you mean width"):
        made.from_string("{% getty 1 widht=3 %}").render()


def test_flask(getty: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from flask import Flask, render_template_string
    from flask.cli import FlaskGroup

    from embedkit.integrations.flask import EmbedKitExtension

    app = Flask(__name__)
    app.config["EMBEDKIT"] = {"target": "facade", "max_age": 600}
    EmbedKitExtension().init_app(app)

    @app.get("/")
    def post() -> str:
        return render_template_string(
            "{{ getty_assets() }}{{ getty(74917285) }}{{ '<i> [getty 74917285]'|getty }}"
        )

    with app.test_client() as client:
        html = client.get("/").text
        assert html.count("ek--facade") == 2
        assert "&lt;i&gt;" in html
        assert "<script defer src=" in html
        with client.get(html.partition('<link rel="stylesheet" href="')[2].partition('"')[0]) as style:
            assert style.status_code == 200
        assert client.get(f"/getty/v1/embeds/{ID}").json["ref"] == ID
    group = FlaskGroup(create_app=lambda: app)
    done = app.test_cli_runner().invoke(group, ["embedkit", "config", "show", "MAX_AGE"])
    assert "EMBEDKIT_MAX_AGE=600" in done.output


def run(*command: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=300,
    )


MKDOCS = "site_name: A site\ntheme: {name: mkdocs}\nplugins:\n  - search\n  - embedkit: {OPTIONS}\n"


@pytest.mark.slow
def test_mkdocs(getty: SandboxServer, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"---\ntitle: Home\n---\n\n{POST}\n## B [getty {ID}]\n")
    (tmp_path / "docs" / "other.md").write_text(f"# Other\n\n[getty {WITHDRAWN}] [[getty 1]]\n")
    (tmp_path / "mkdocs.yml").write_text(MKDOCS.replace("OPTIONS", "target: web"))
    done = run("-m", "mkdocs", "build", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "index.md:11:11: not-found" in done.stderr
    html = (tmp_path / "site" / "index.html").read_text()
    assert html.count("<iframe") == 4
    assert html.count("assets/embedkit/embedkit.css") == 1
    other = (tmp_path / "site" / "other" / "index.html").read_text()
    assert "no longer available" in other
    assert "[getty 1]" in other
    assert (tmp_path / "site" / "assets" / "embedkit" / "embedkit.css").is_file()
    contents = "".join(re.findall(r'<a href="#[^"]+" class="nav-link">.*?</a>', html))
    index = (tmp_path / "site" / "search" / "search_index.json").read_text()
    assert "B Under the lights" in contents
    for place in (contents, index):
        assert "<iframe" not in place
        assert re.search(r"ek[0-9a-f]{16}n", place) is None
    asked = len(getty.app.calls)
    assert run("-m", "mkdocs", "build", "--strict", folder=tmp_path).returncode == 1
    assert [
        call.path for call in list(getty.app.calls)[asked:] if ID in call.query
    ] == []  # the second build asks for nothing
    (tmp_path / "mkdocs.yml").write_text(MKDOCS.replace("OPTIONS", "targt: x"))
    assert "Did you mean" in run("-m", "mkdocs", "build", folder=tmp_path).stderr
    (tmp_path / "mkdocs.yml").write_text(MKDOCS.replace("OPTIONS", "target: facade"))
    run("-m", "mkdocs", "build", folder=tmp_path)
    (script,) = re.findall(
        r'<script src="([^"]*facade[^"]*)"( defer)?', (tmp_path / "site" / "index.html").read_text()
    )
    assert script[1]
    assert "origin=http%3A%2F%2F127.0.0.1" in script[0]  # the sandbox's, not Getty's
    (tmp_path / "mkdocs.yml").write_text(MKDOCS.replace("OPTIONS", "strict: true"))
    assert "Aborted" in run("-m", "mkdocs", "build", folder=tmp_path).stdout


@pytest.mark.slow
@pytest.mark.parametrize("builder", ["html", "text", "latex", "epub", "man"])
def test_sphinx(getty: SandboxServer, tmp_path: Path, builder: str) -> None:
    (tmp_path / "conf.py").write_text(
        "project = 'A book'\nextensions = ['embedkit.integrations.sphinx']\n"
        "man_pages = [('index', 'book', 'A book', [], 1)]\nsuppress_warnings = ['epub.unknown_project_files']\n"
    )
    (tmp_path / "index.rst").write_text(
        f"A book\n======\n\n.. getty:: {ID}\n   :width: 300\n   :caption: One < two\n\nIn :getty:`{ID}` text.\n\n"
        f".. getty:: {WITHDRAWN}\n"
    )
    done = run("-m", "sphinx", "-q", "-j", "2", "-b", builder, ".", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "index.rst:10:1: not-found" in done.stderr
    written = "".join(
        path.read_text()
        for path in sorted((tmp_path / "out").rglob("*"))
        if path.suffix in (".html", ".txt", ".tex", ".xhtml", ".1")
    )
    assert "Ivo Lindqvist" in written
    assert written.count("<iframe") == (2 if builder == "html" else 0)
    if builder == "html":
        assert "_static/embedkit.css" in written
        assert (tmp_path / "out" / "_static" / "embedkit.css").is_file()
    strict = run("-m", "sphinx", "-q", "-D", "embedkit_strict=1", "-E", "-b", builder, ".", "out", folder=tmp_path)
    assert strict.returncode != 0


@pytest.mark.slow
def test_pelican(getty: SandboxServer, tmp_path: Path) -> None:
    packages = python_packages("pelican==4.12.0")
    content = tmp_path / "content"
    content.mkdir()
    (content / "match.md").write_text(f"Title: A match\nDate: 2026-11-01\nSummary: See [getty {ID}]\n\n{POST}")
    (content / "second.rst").write_text(
        f"A second\n########\n\n:date: 2026-11-02\n\nhttps://gty.im/{ID}\n\nhttps://gty.im/{WITHDRAWN}\n"
    )
    (tmp_path / "pelicanconf.py").write_text(
        "SITENAME = 'A site'\nSITEURL = 'https://example.org'\nPATH = 'content'\nTIMEZONE = 'UTC'\nAUTHOR = 'A'\n"
        "FEED_DOMAIN = SITEURL\nFEED_ALL_ATOM = 'feeds/all.atom.xml'\nRSS_FEED_SUMMARY_ONLY = False\n"
        "PLUGINS = ['embedkit.integrations.pelican']\nEMBEDKIT = {'target': 'web'}\n"
    )
    path = os.pathsep.join([str(packages), *filter(None, [os.environ.get("PYTHONPATH", "")])])
    done = run("-m", "pelican", "-s", "pelicanconf.py", folder=tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "not-found" in done.stdout + done.stderr
    page = (tmp_path / "output" / "a-match.html").read_text()
    assert page.count("<iframe") == 3
    assert page.count("https://example.org/embedkit/embedkit.css") == 1
    assert (tmp_path / "output" / "a-second.html").read_text().count("<iframe") == 1
    assert (tmp_path / "output" / "embedkit" / "embedkit.css").is_file()
    feed = (tmp_path / "output" / "feeds" / "all.atom.xml").read_text()
    assert "iframe" not in feed
    assert "gettyimages.com/detail" in feed


DJANGO = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["embedkit.integrations.django"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    EMBEDKIT={"max_age": 600, "TARGET": "web"},
)
django.setup()
"""


def test_django(getty: SandboxServer, tmp_path: Path) -> None:
    (tmp_path / "page.py").write_text(
        DJANGO
        + "from django.template import Context, Template\n"
        + "page = Template('{% load embedkit %}{% getty_assets %}{% getty id max_width=300 %}{{ body|getty }}')\n"
        + f"print(page.render(Context({{'id': {ID}, 'body': '<b> [getty {ID}]'}})))\n"
    )
    html = run("page.py", folder=tmp_path).stdout
    assert html.count("<iframe") == 2
    assert html.startswith('<link rel="stylesheet" href="/static/embedkit.css?v=')
    assert 'width="300"' in html
    assert "&lt;b&gt;" in html

    (tmp_path / "manage.py").write_text(
        DJANGO + "import sys\nfrom django.core.management import execute_from_command_line\n"
        "execute_from_command_line(sys.argv)\n"
    )
    assert (
        "EMBEDKIT_MAX_AGE=600" in run("manage.py", "embedkit", "config", "show", "max_age", folder=tmp_path).stdout
    )
    assert run("manage.py", "check", folder=tmp_path).returncode == 0
    wrong = run("manage.py", "check", folder=tmp_path, EMBEDKIT_TARQET="x")
    assert wrong.returncode == 1
    assert "embedkit.E001" in wrong.stderr
    assert "Did you mean EMBEDKIT_TARGET?" in wrong.stderr


WAGTAIL = """
import django, json
from django.conf import settings
settings.configure(
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "wagtail.embeds"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    WAGTAILEMBEDS_FINDERS=[{"class": "embedkit.integrations.wagtail.GettyEmbedFinder"}],
)
django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from wagtail.embeds.embeds import get_embed
from wagtail.embeds.finders import get_finders
for url in URLS:
    found = get_embed(url, max_width=300)
    print(json.dumps([found.html, found.title, found.author_name, found.width, found.type]))
print(json.dumps([get_finders()[0].accept(url) for url in ("https://example.org/", "https://gty.im/1")]))
"""


def test_wagtail(getty: SandboxServer, tmp_path: Path) -> None:
    urls = [f"https://gty.im/{ID}", f"https://gty.im/{WITHDRAWN}"]
    (tmp_path / "embeds.py").write_text(WAGTAIL.replace("URLS", repr(urls)))
    done = run("embeds.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shown, lost, accepted = map(json.loads, done.stdout.splitlines())
    assert shown[0].count("<iframe") == 1
    assert shown[1:] == ["Under the lights at the corner court", "Ivo Lindqvist", 300, "rich"]
    assert "no longer available" in lost[0]
    assert accepted == [False, True]
