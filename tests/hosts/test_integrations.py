"""Each integration in its real host: one contract for all, and what only one of them has."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version
from pathlib import Path
from pkgutil import iter_modules
from types import MappingProxyType
from typing import Any, NamedTuple

import html5lib
import pytest
from markupsafe import Markup
from packaging.version import Version

from embedkit import Build, ConfigurationError, EmbedKit, Settings, Source, integrations, static_dir
from embedkit.integrations.site import Lost, Site
from embedkit.sandbox import SandboxServer
from tests.readme import README
from tests.support.sites import GENERATORS, frames
from tests.support.tools import ROOT, python_packages

ID, WITHDRAWN, FORBIDDEN = "74917285", "500000404", "500000403"
MARKDOWN = f"""# A match

[getty {ID} caption="One < two & 'three'"]

Words [getty {ID} width=300] and more.

- an item [getty {WITHDRAWN}]

`[getty 1]`

```
[getty 2]
```

https://gty.im/{ID}

Last [getty {FORBIDDEN}].
"""
SHOWN = 3  # number of pictures that are shown


@pytest.fixture(name="getty")
def fixture_getty(
    embedkit_sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SandboxServer:
    """Getty's services, configured in the environment."""
    settings = embedkit_sandbox.settings()
    for name, value in {
        "OEMBED_ENDPOINT": settings.oembed_endpoint,
        "FRAME_ORIGIN": settings.frame_origin,
        "IMAGE_ORIGINS": ",".join(settings.image_origins),
        "CACHE": f"sqlite:{tmp_path / 'cache.sqlite'}",
        "TIMEOUT": "60",
    }.items():
        monkeypatch.setenv(f"EMBEDKIT_{name}", value)
    return embedkit_sandbox


class Built(NamedTuple):
    """The result of a build.

    :param page: the page with the pictures.
    :param plain: a page without pictures; empty if the host does not create pages.
    :param feed: the feed; empty if the host does not create one.
    """

    page: str
    log: str
    failed: bool = False
    plain: str = ""
    feed: str = ""


def run(
    *command: str, folder: Path, packages: Path | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    own = environ.pop("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    path = [one for one in (str(packages or ""), own) if one]
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path), **environ},
        capture_output=True,
        text=True,
        timeout=300,
    )


class Contract:
    """Tests for every host.

    A subclass implements :meth:`build`, and overrides the source text if it is not ``MARKDOWN``.
    """

    lost = "<markdown>:7:11"  # the position of the withdrawn picture
    forbidden = "<markdown>:17:6"
    option = "{}"  # the format of an option's name in messages
    shown = SHOWN
    lock_folder = ".."  # the folder of the lock file, relative to the site
    raises = False  # whether the host shows the exception that ends a strict build
    code: tuple[str, ...] = ("[getty 1]", "[getty 2]")

    @pytest.fixture
    def folder(self, tmp_path: Path, getty: SandboxServer) -> Path:
        """The site's folder."""
        folder = tmp_path / "site"
        folder.mkdir()
        return folder

    def build(self, folder: Path, options: Mapping[str, Any]) -> Built:
        """Build or rebuild the site."""
        raise NotImplementedError

    def test_pictures_are_rendered_problems_reported_and_code_unchanged(
        self, folder: Path, getty: SandboxServer
    ) -> None:
        built = self.build(folder, {})
        assert not built.failed, built.log
        tree = html5lib.parse(built.page, namespaceHTMLElements=False)
        assert len(list(tree.iter("iframe"))) == self.shown
        assert "One < two & " in "".join(tree.itertext())
        code = ["".join(one.itertext()).strip() for one in tree.iter("code")] or [
            "".join(one.itertext()).strip() for one in tree.iter("pre")
        ]
        assert tuple(one for one in code if "getty" in one) == self.code
        for paragraph in tree.iter("p"):
            assert list(paragraph) or (paragraph.text or "").strip()
            assert not list(paragraph.iter("figure"))
        assert "no longer available" in built.page
        assert f"{self.lost}: not-found" in built.log
        assert f"{self.forbidden}: not-embeddable" in built.log
        if built.plain:
            assert built.page.count("embedkit.css") == 1
            assert "embedkit.css" not in built.plain
        assert "<iframe" not in built.feed
        assert "&lt;iframe" not in built.feed

    def test_a_strict_build_fails_with_all_problems(self, folder: Path, getty: SandboxServer) -> None:
        built = self.build(folder, {"strict": True})
        assert built.failed
        assert ("Traceback" in built.log) == self.raises
        assert f"{self.lost}: not-found" in built.log
        assert f"{self.forbidden}: not-embeddable" in built.log

    def test_messages_name_options_as_written(self, folder: Path, getty: SandboxServer) -> None:
        built = self.build(folder, {"max_age": "soon"})
        assert built.failed
        assert f"{self.option.format('max_age')} must be" in built.log
        assert "EMBEDKIT_MAX_AGE" not in built.log

    def test_an_outage_shows_cards(self, folder: Path, getty: SandboxServer) -> None:
        getty.app.faults.add("drop", count=None)
        built = self.build(folder, {"on_error": "card"})
        assert not built.failed, built.log
        assert "<iframe" not in built.page
        assert built.page.count("ek--card") >= self.shown
        assert f"{self.lost}: unavailable" in built.log

    def test_a_frozen_build_needs_no_network_and_drops_withdrawn_pictures(
        self, folder: Path, getty: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("EMBEDKIT_LOCKFILE", str((folder / self.lock_folder).resolve() / "lock.json"))
        texts = [Source(MARKDOWN, "markdown")]
        with EmbedKit(background=False) as kit:
            Build(kit).lock(texts)
        asked = len(getty.app.calls)
        frozen = {"frozen": True, "cache": "null:"}
        assert self.build(folder, frozen).page.count("<iframe") == self.shown
        getty.app.withdraw(ID)
        assert self.build(folder, frozen).page.count("<iframe") == self.shown
        assert len(getty.app.calls) == asked
        with EmbedKit(background=False) as kit:
            Build(kit).lock(texts, refresh=True)
        after = self.build(folder, frozen)
        assert "<iframe" not in after.page
        assert after.page.count("no longer available") > 1

    def test_a_withdrawn_picture_disappears_from_an_unchanged_page(
        self, folder: Path, getty: SandboxServer
    ) -> None:
        assert self.build(folder, {}).page.count("<iframe") == self.shown
        getty.app.withdraw(ID)
        with EmbedKit(background=False) as kit:
            kit.purge(ID)
        assert "<iframe" not in self.build(folder, {}).page


class Processor(Contract):
    """A Markdown processor, run in this process."""

    @pytest.fixture(autouse=True)
    def listen(self, caplog: pytest.LogCaptureFixture) -> None:
        self.caplog = caplog
        caplog.set_level(logging.WARNING)

    def convert(self, options: Mapping[str, Any]) -> str:
        raise NotImplementedError

    def build(self, folder: Path, options: Mapping[str, Any]) -> Built:
        self.caplog.clear()
        try:
            page, error = self.convert(options), ""
        except (Lost, ConfigurationError) as raised:
            page, error = "", str(raised)
        return Built(page, "\n".join([*(one.getMessage() for one in self.caplog.records), error]), bool(error))


class TestPythonMarkdown(Processor):
    def convert(self, options: Mapping[str, Any]) -> str:
        import markdown

        extensions = ["embedkit", "fenced_code", "smarty"]
        return markdown.markdown(MARKDOWN, extensions=extensions, extension_configs={"embedkit": dict(options)})


class TestMarkdownIt(Processor):
    def convert(self, options: Mapping[str, Any]) -> str:
        from markdown_it import MarkdownIt

        from embedkit.integrations.markdown_it import getty_plugin

        return MarkdownIt("commonmark", {"typographer": True}).use(getty_plugin, **options).render(MARKDOWN)

    def test_inline_text_gets_inline_markup(self, getty: SandboxServer) -> None:
        from markdown_it import MarkdownIt

        from embedkit.integrations.markdown_it import getty_plugin

        html = MarkdownIt().use(getty_plugin).renderInline(f"*See* [getty {ID}] `[getty 1]`")
        assert html.startswith("<em>See</em> <span")
        assert "<iframe" in html
        assert "<figure" not in html
        assert "<code>[getty 1]</code>" in html


class TestMistune(Processor):
    def convert(self, options: Mapping[str, Any]) -> str:
        from mistune import create_markdown

        from embedkit.integrations.mistune import getty_plugin

        return str(create_markdown(plugins=[partial(getty_plugin, **options)])(MARKDOWN))


def once(path: Path, text: str) -> None:
    """Write a page unless it exists, so that rebuilding does not change its modification time."""
    if not path.exists():
        path.write_text(text)


@pytest.mark.slow
class Generator(Contract):
    """A site generator, run with its own command."""

    def build(self, folder: Path, options: Mapping[str, Any]) -> Built:
        self.write(folder, options)
        done = self.command(folder)
        texts = [folder / self.pages[0], folder / self.pages[1], folder / self.feed_file]
        page, plain, feed = (path.read_text("utf-8") if path.is_file() else "" for path in texts)
        log = re.sub(r"\s+", " ", done.stdout + done.stderr)  # some generators wrap lines
        return Built(page, log, done.returncode != 0, plain, feed)

    pages: tuple[str, str]
    feed_file = "none"

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        raise NotImplementedError


class TestMkDocs(Generator):
    lost, forbidden = "index.md:11:11", "index.md:21:6"
    pages = "site/index.html", "site/plain/index.html"

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        (folder / "docs").mkdir(exist_ok=True)
        once(folder / "docs/index.md", f"---\ntitle: Home\n---\n\n{MARKDOWN}")
        once(folder / "docs/plain.md", "# Plain\n\nNo picture.\n")
        config = "site_name: A site\ntheme: {name: mkdocs}\nplugins:\n  - search\n  - embedkit:"
        (folder / "mkdocs.yml").write_text(f"{config} {json.dumps(options)}\n")

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        return run("-m", "mkdocs", "build", *(["--dirty"] if (folder / "site").exists() else []), folder=folder)

    def test_titles_and_search_have_text_and_every_material_page_has_the_style(
        self, folder: Path, getty: SandboxServer
    ) -> None:
        (folder / "docs").mkdir()
        (folder / "docs/index.md").write_text(f"# Home\n\n## B [getty {ID}]\n\n[[getty 1]]\n")
        (folder / "docs/plain.md").write_text("# Plain\n\nNo picture.\n")
        (folder / "mkdocs.yml").write_text(
            "site_name: A site\ntheme: {name: material, font: false, features: [navigation.instant]}\n"
            "plugins: [search, {embedkit: {target: facade}}]\nsite_url: https://example.org/\n"
        )
        done = run("-m", "mkdocs", "build", "--strict", folder=folder)
        assert done.returncode == 0, done.stderr
        page, plain = ((folder / name).read_text() for name in self.pages)
        assert "[getty 1]" in page
        contents = "".join(re.findall(r'<a href="#[^"]+" class="md-nav__link">.*?</a>', page, re.S))
        assert "B Under the lights" in " ".join(contents.split())
        for place in (contents, (folder / "site/search/search_index.json").read_text()):
            assert "ek-box" not in place
            assert re.search(r"ek[0-9a-f]{16}n", place) is None
        (script,) = re.findall(r'<script src="(assets/embedkit/[^"]*)" defer>', page)
        assert "origin=http%3A%2F%2F127.0.0.1" in script  # the sandbox's, not Getty's
        assert (folder / "site/assets/embedkit/embedkit-facade.js").is_file()
        assert "../assets/embedkit/embedkit.css" in plain

    def test_serve_sees_a_new_lock_file(
        self, folder: Path, getty: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from mkdocs.commands.build import build
        from mkdocs.config import load_config

        monkeypatch.chdir(folder)
        self.write(folder, {"frozen": True, "cache": "null:"})
        config = load_config("mkdocs.yml")
        texts = [Source(MARKDOWN, "markdown")]
        for count in (self.shown, 0):
            with EmbedKit() as kit:
                Build(kit).lock(texts, refresh=True)
            build(config)
            assert (folder / self.pages[0]).read_text().count("<iframe") == count
            getty.app.withdraw(ID)

    def test_findings_are_warnings_for_mkdocs_strict(self, folder: Path, getty: SandboxServer) -> None:
        self.write(folder, {})
        done = run("-m", "mkdocs", "build", "--strict", folder=folder)
        assert done.returncode == 1
        assert "Aborted with 2 warnings" in done.stdout + done.stderr


AUTORELOAD = """
import json, pathlib, shutil
from pelican import get_instance, parse_arguments
for _ in range(2):  # as pelican.autoreload does where the settings have changed
    pelican, _ = get_instance(parse_arguments(["-s", "pelicanconf.py"]))
pelican.run()
shutil.copy("output/a-match.html", "first.html")
held = json.loads(pathlib.Path("lock.json").read_text())
pathlib.Path("lock.json").write_text(json.dumps({**held, "embeds": []}))
pelican.run()
"""

STRICT = """
import pelican
from pathlib import Path
page = Path("content/match.md")
text, seen = page.read_text(), []
texts = [text + " [getty 500000404]", text + " More."]
def build(_):
    seen.append("build")
    if len(seen) > 20:
        raise KeyboardInterrupt
def wait(*_):
    seen.append("wait")
    if not texts:
        raise KeyboardInterrupt
    page.write_text(texts.pop())
    return ()
pelican.signals.get_generators.connect(build)
pelican.wait_for_changes = wait
try:
    pelican.autoreload(pelican.parse_arguments(["-s", "pelicanconf.py"]))
except KeyboardInterrupt:
    print(*seen)
"""


class TestPelican(Generator):
    raises = True
    lost, forbidden = "content/match.md:11:11", "content/match.md:21:6"
    pages = "output/a-match.html", "output/plain.html"
    feed_file = "output/feeds/all.atom.xml"

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        (folder / "content").mkdir(exist_ok=True)
        head = f"Title: A match\nDate: 2026-11-01\nSummary: See [getty {ID}]\n\n"
        once(folder / "content/match.md", head + MARKDOWN)
        once(
            folder / "content/plain.rst",
            f"Plain\n#####\n\n:date: 2026-11-02\n:summary: None\n\nNo picture. ``[getty {ID}]``\n",
        )
        once(
            folder / "content/second.rst",
            f"A second\n########\n\n:date: 2026-11-02\n:summary: None\n\nhttps://gty.im/{ID}\n\n"
            f"https://gty.im/{WITHDRAWN}\n",
        )
        (folder / "pelicanconf.py").write_text(
            "SITENAME = 'A site'\nSITEURL = 'https://example.org'\nPATH = 'content'\nTIMEZONE = 'UTC'\nAUTHOR = 'A'\n"
            "FEED_DOMAIN = SITEURL\nFEED_ALL_ATOM = 'feeds/all.atom.xml'\nRSS_FEED_SUMMARY_ONLY = False\n"
            "CACHE_CONTENT = LOAD_CONTENT_CACHE = True\nPLUGINS = ['embedkit.integrations.pelican']\n"
            f"EMBEDKIT = {dict(options)!r}\n"
        )

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        packages = python_packages("pelican==4.12.0")
        return run("-m", "pelican", "-s", "pelicanconf.py", folder=folder, packages=packages, COLUMNS="1000")

    def test_autoreload_builds_again_and_again(self, folder: Path, getty: SandboxServer) -> None:
        page, lock = folder / self.pages[0], folder / "lock.json"
        self.write(folder, {"frozen": True, "cache": "null:", "lockfile": str(lock)})
        with EmbedKit(Settings.from_env({**os.environ, "EMBEDKIT_LOCKFILE": str(lock)})) as kit:
            Build(kit).lock([Source(MARKDOWN, "markdown")])
        done = run("-c", AUTORELOAD, folder=folder, packages=python_packages("pelican==4.12.0"))
        assert done.returncode == 0, done.stdout + done.stderr
        assert (folder / "first.html").read_text().count("<iframe") == self.shown
        assert page.read_text().count("embedkit.css") == 1
        assert "<iframe" not in page.read_text()

    def test_autoreload_fails_once_for_what_a_strict_build_finds(self, folder: Path, getty: SandboxServer) -> None:
        self.write(folder, {"strict": True})
        done = run("-c", STRICT, folder=folder, packages=python_packages("pelican==4.12.0"))
        builds = "build build wait build wait build build wait"
        assert done.stdout.splitlines()[-1] == builds, done.stdout + done.stderr

    def test_restructured_text_and_feeds(self, folder: Path, getty: SandboxServer) -> None:
        built = self.build(folder, {})
        assert "content/second.rst:9:1: not-found" in built.log
        assert (folder / "output/a-second.html").read_text().count("<iframe") == 1
        assert built.page.count("https://example.org/embedkit/embedkit.css") == 1
        assert (folder / "output/embedkit/embedkit.css").is_file()
        assert "gettyimages.com/detail" in built.feed


class TestNikola(Generator):
    lost, forbidden = "posts/match.md:9:1", "posts/match.md:13:1"
    pages = "output/posts/match/index.html", "output/posts/plain/index.html"
    feed_file = "output/rss.xml"
    shown = 2
    code = ()

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        if not (folder / "conf.py").exists():
            run("-m", "nikola", "init", "-q", ".", folder=folder, packages=self.packages)
            run("-m", "embedkit", "integrations", "nikola", "plugins", folder=folder)
            head = ".. title: {0}\n.. slug: {0}\n.. date: 2026-11-01 12:00:00 UTC\n\n"
            (folder / "posts/match.md").write_text(
                head.format("match")
                + f"{{{{% getty {ID} caption=\"One < two & 'three'\" %}}}}\n\nWords {{{{% getty {ID} width=300 %}}}}\n\n"
                + f"- {{{{% getty {WITHDRAWN} %}}}}\n\n{{{{% raw %}}}}{{{{% getty 1 %}}}}{{{{% /raw %}}}}\n\n"
                + f"{{{{% getty src={FORBIDDEN} %}}}}\n"
            )
            (folder / "posts/plain.md").write_text(head.format("plain") + "No picture.\n")
            (folder / "conf.org.py").write_text((folder / "conf.py").read_text())
        (folder / "conf.py").write_text(f"{(folder / 'conf.org.py').read_text()}\nEMBEDKIT = {dict(options)!r}\n")

    @property
    def packages(self) -> Path:
        return python_packages("nikola==8.3.3")

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        return run("-m", "nikola", "build", "-n", "2", folder=folder, packages=self.packages)

    def test_problems_are_reported_without_stopping_the_build(self, folder: Path, getty: SandboxServer) -> None:
        self.write(folder, {})
        with (folder / "posts/plain.md").open("a") as post:
            post.write(
                f"\n{{{{% getty {ID} %}}}} Words. {{{{% getty %}}}}{ID}{{{{% /getty %}}}}\n\n{{{{% getty %}}}}\n"
            )
        built = self.build(folder, {})
        assert not built.failed, built.log
        assert "posts/plain.md:7:1: shortcode: Everything up to the next {{% /getty %}} is omitted" in built.log
        assert "posts/plain.md:9:1: shortcode: The shortcode getty has no reference." in built.log
        assert "<p><p>" not in built.feed.replace("&lt;", "<").replace("&gt;", ">")


class TestSphinx(Generator):
    lost, forbidden = "index.rst:10:1", "index.rst:14:1"
    option = "embedkit_{}"
    pages = "out/index.html", "out/plain.html"
    code = ("[getty 1]",)
    text = (
        f"A book\n======\n\n.. getty:: {ID}\n   :width: 300\n   :caption: One < two & 'three'\n\n"
        f"In :getty:`{ID}` text.\n\n.. getty:: {WITHDRAWN}\n\n``[getty 1]``\n\n.. getty:: {FORBIDDEN}\n\n"
        f"A title :getty:`{ID}`\n-------{24 * '-'}\n"
    )
    files: Mapping[str, str] = {"index.rst": text, "plain.rst": ":orphan:\n\nPlain\n=====\n\nNo picture.\n"}
    extensions: tuple[str, ...] = ("embedkit.integrations.sphinx",)
    packages: Path | None = None

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        (folder / "conf.py").write_text(
            f"project = 'A book'\nextensions = {list(self.extensions)}\nexclude_patterns = ['out']\n"
            "man_pages = [('index', 'book', 'A book', [], 1)]\nsuppress_warnings = ['epub.unknown_project_files']\n"
            + "".join(f"embedkit_{name} = {value!r}\n" for name, value in options.items())
        )
        for name, text in self.files.items():
            once(folder / name, text)

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        return run("-m", "sphinx", "-j", "2", ".", "out", folder=folder, packages=self.packages)

    def test_an_unknown_option_is_reported(self, folder: Path, getty: SandboxServer) -> None:
        built = self.build(folder, {"targt": "facade"})
        assert built.failed
        assert "Unknown option embedkit_targt. Did you mean target?" in built.log

    @pytest.mark.parametrize("builder", ["text", "latex", "epub", "man"])
    def test_other_builders_get_text_and_a_link(self, folder: Path, getty: SandboxServer, builder: str) -> None:
        self.write(folder, {})
        done = run("-m", "sphinx", "-q", "-j", "2", "-b", builder, ".", "out", folder=folder)
        assert done.returncode == 0, done.stderr
        assert "index.rst:10:1: not-found" in done.stderr
        files = [path for path in (folder / "out").rglob("*") if path.suffix in (".txt", ".tex", ".xhtml", ".1")]
        written = "".join(path.read_text() for path in files)
        assert "Ivo Lindqvist" in written
        assert "<iframe" not in written
        assert "embedkit.css" not in written
        assert "gettyimages.com/detail/74917285" in written


class TestMyST(TestSphinx):
    lost, forbidden = "index.md:11:1", "index.md:15:1"
    text = (
        f"# A book\n\n```{{getty}} {ID}\n:width: 300\n:caption: One < two & 'three'\n```\n\n"
        f"In {{getty}}`{ID}` text.\n\n\n```{{getty}} {WITHDRAWN}\n```\n\n`[getty 1]`\n```{{getty}} {FORBIDDEN}\n```\n\n"
        f"## A title {{getty}}`{ID}`\n"
    )
    files: Mapping[str, str] = {"index.md": text, "plain.md": "---\norphan: true\n---\n\n# Plain\n\nNo picture.\n"}
    extensions = ("embedkit.integrations.sphinx", "myst_parser")

    @property
    def packages(self) -> Path:
        return python_packages("myst-parser==5.2.0")

    test_other_builders_get_text_and_a_link = None  # type: ignore[assignment]


class TestLektor(Generator):
    lost, forbidden = "page.html (text):5:13", "page.html (text):11:9"  # of the HTML that Lektor made
    pages = "out/index.html", "none"
    lock_folder = "."

    def write(self, folder: Path, options: Mapping[str, Any]) -> None:
        if not (folder / "a.lektorproject").exists():
            for name in ("content", "models", "templates", "configs"):
                (folder / name).mkdir()
            (folder / "a.lektorproject").write_text("[project]\nname = A site\n")
            (folder / "models/page.ini").write_text("[model]\nname = Page\n[fields.body]\ntype = markdown\n")
            (folder / "content/contents.lr").write_text(f"_model: page\n---\nbody:\n\n{MARKDOWN}")
            (folder / "templates/page.html").write_text("<head>{{ getty_assets() }}</head>{{ this.body|getty }}")
            # installing a site's own packages is the slowest part of Lektor, so it is done in advance
            run("-m", "embedkit", "integrations", "lektor", "plugin", folder=folder)
            run("setup.py", "-q", "egg_info", folder=folder / "plugin/lektor-embedkit", packages=self.packages)
        lines = [f"{name} = {str(value).lower()}\n" for name, value in options.items()]
        (folder / "configs/embedkit.ini").write_text("".join(lines))

    @property
    def packages(self) -> Path:
        return python_packages("lektor==3.4.0b15")

    def command(self, folder: Path) -> subprocess.CompletedProcess[str]:
        plugin = str(folder / "plugin/lektor-embedkit")
        path = os.pathsep.join([plugin, os.environ.get("PYTHONPATH", "")])
        return run("-m", "lektor", "build", "-O", "out", folder=folder, packages=self.packages, PYTHONPATH=path)

    @pytest.mark.parametrize(
        "template",
        [
            f'{{% getty "{ID}", tld="de" %}}',
            f'{{{{ "<iframe src=//embed.gettyimages.com/embed/{ID}?et=a&sig=b></iframe>"|safe|getty(pasted=true) }}}}',
        ],
    )
    def test_a_page_is_rebuilt_when_its_pictures_have_changed(
        self, folder: Path, getty: SandboxServer, template: str
    ) -> None:
        self.write(folder, {})
        (folder / "templates/page.html").write_text(template)
        assert "<iframe" in self.build(folder, {}).page
        assert "U index.html" not in self.build(folder, {}).log
        getty.app.withdraw(ID)
        with EmbedKit(background=False) as kit:
            kit.purge(ID)
        built = self.build(folder, {})
        assert "U index.html" in built.log
        assert "<iframe" not in built.page

    def test_its_own_package_is_found(self, folder: Path, getty: SandboxServer) -> None:
        self.write(folder, {})
        (folder / "plugin").rename(folder / "packages")
        done = run("-m", "lektor", "build", "-O", "out", folder=folder, packages=self.packages, HOME=str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
        assert (folder / "out/index.html").read_text().count("<iframe") == self.shown


HTML = f"""<h1>A match</h1>

<p>[getty {ID} caption="One &lt; two &amp; 'three'"]</p>

<p>Words [getty {ID} width=300] and more.</p>

<ul><li>an item [getty {WITHDRAWN}]</li></ul>

<p><code>[getty 1]</code></p>

<pre><code>
[getty 2]
</code></pre>

<p>https://gty.im/{ID}</p>

<p>Last [getty {FORBIDDEN}].</p>
"""
TEMPLATE = "<html><head>{{ getty_assets() }}</head><body>{{ body|getty }}</body></html>"


class Template(Processor):
    """A template filter applied to HTML."""

    lost, forbidden = "page.html (text):7:17", "page.html (text):17:9"


class TestJinja(Template):
    def convert(self, options: Mapping[str, Any]) -> str:
        from jinja2 import DictLoader, Environment

        loader = DictLoader({"page.html": TEMPLATE})
        made = Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"], loader=loader)
        made.embedkit = site = Site(options)  # type: ignore[attr-defined]
        try:
            return made.get_template("page.html").render(body=Markup(HTML), getty_assets=site.head)
        finally:
            site.close()


class TestFlask(Template):
    option = "EMBEDKIT {}"

    def convert(self, options: Mapping[str, Any]) -> str:
        from flask import Flask, render_template
        from jinja2 import DictLoader

        from embedkit.integrations.flask import EmbedKitExtension

        app = Flask(__name__)
        app.config["EMBEDKIT"] = dict(options)
        app.jinja_loader = DictLoader({"page.html": TEMPLATE})  # type: ignore[misc]
        EmbedKitExtension(app, url_prefix=None)
        try:
            with app.app_context():
                return render_template("page.html", body=Markup(HTML))
        finally:
            app.extensions["embedkit"].close()


@pytest.mark.slow
class TestDjango(Contract):
    raises = True
    lost, forbidden = "<text>:7:17", "<text>:17:9"  # a Django filter does not know its template's name

    def build(self, folder: Path, options: Mapping[str, Any]) -> Built:
        template = "{% load embedkit %}" + TEMPLATE.replace("{{ getty_assets() }}", "{% getty_assets %}")
        (folder / "page.html").write_text(template)
        done = django(folder, more={"max_age": 600, **options}, code=SHOW_HTML)
        return Built(done.stdout, done.stderr, done.returncode != 0)


@pytest.mark.slow
class TestWagtail(Contract):
    """Rich text with shortcodes, and with a link that Wagtail's editor has turned into an embed."""

    raises = True
    lost, forbidden = "<text>:7:17", "<text>:20:9"  # Wagtail's own template renders the link on four lines

    def build(self, folder: Path, options: Mapping[str, Any]) -> Built:
        body = HTML.replace(f"<p>https://gty.im/{ID}</p>", f'<embed embedtype="media" url="https://gty.im/{ID}"/>')
        (folder / "show.py").write_text(
            WAGTAIL.replace("OPTIONS", repr(dict(options))) + RICH_TEXT + f"show({body!r})"
        )
        done = run("show.py", folder=folder)
        return Built(done.stdout, done.stderr, done.returncode != 0)


WAGTAIL = """
import django, json
from django.conf import settings
settings.configure(
    USE_TZ=True,
    INSTALLED_APPS=[
        "django.contrib.contenttypes", "django.contrib.auth", "wagtail.embeds", "wagtail", "embedkit.integrations.django"
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    STATIC_URL="/static/",
    WAGTAILEMBEDS_FINDERS=[{"class": "embedkit.integrations.wagtail.GettyEmbedFinder"}],
    EMBEDKIT=OPTIONS,
)
django.setup()
from django.core.management import call_command
call_command("migrate", "wagtailembeds", verbosity=0)
"""
RICH_TEXT = """
from django.template import engines
def show(body):
    text = "{% load wagtailcore_tags embedkit %}{% getty_assets %}{{ body|richtext|getty }}"
    print(engines["django"].from_string(text).render({"body": body}))
"""


BY_ITSELF = {"Pelican", "Nikola", "Lektor", "MyST"}  # installed by python_packages
INSTALLED = {
    "MkDocs": "mkdocs",
    "Material": "mkdocs-material",
    "Sphinx": "sphinx",
    "Python-Markdown": "markdown",
    "markdown-it-py": "markdown-it-py",
    "mistune": "mistune",
    "Jinja": "jinja2",
    "Flask": "flask",
    "Django": "django",
    "Wagtail": "wagtail",
}


@pytest.mark.parametrize("name", INSTALLED)
def test_the_table_of_hosts_has_the_tested_versions(name: str) -> None:
    named = re.search(rf"^\| (?:[^|]+, )?{name} ([0-9.]+)[ ,]", README.read_text("utf-8"), re.M)
    assert named
    assert Version(named[1]) <= Version(version(INSTALLED[name])), (
        "the newest tested version; hosts are updated independently"
    )


def test_every_host_has_a_row_and_an_extra_and_is_tested() -> None:
    hosts = {one.name.replace("_", "-") for one in iter_modules(integrations.__path__)} - {"options", "site"}
    table = re.search(r"\| host \(tested with\) .*?\n\n", README.read_text("utf-8"), re.S)
    assert table
    cells = " ".join(re.findall(r"^\| ([^|]+) \|", table[0], re.M))
    assert {host for host in hosts if host not in cells.lower()} == set(), "write a row in the README's table"
    tested = set(re.findall(r"([\w-]+) [0-9]+\.", cells))
    assert tested == INSTALLED.keys() | BY_ITSELF, "write in INSTALLED which package is tested"
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert hosts - {"jinja"} <= extras.keys(), "write an extra in pyproject.toml"  # jinja is always there
    classes = [
        name.lower() for name, one in globals().items() if isinstance(one, type) and issubclass(one, Contract)
    ]
    built = {host for host in hosts if any(name.endswith(host.replace("-", "")) for name in classes)}
    assert built == hosts, "write a class TestHost that inherits Contract or what is made of it"


@pytest.mark.slow
@pytest.mark.parametrize("name", GENERATORS)
def test_a_build_requests_each_picture_once_and_the_next_build_none(
    name: str, getty: SandboxServer, tmp_path: Path
) -> None:
    builder = GENERATORS[name]
    builder.write(tmp_path / "site", 40, 20)
    packages = python_packages(*builder.packages) if builder.packages else None
    for _ in range(2):
        done = run(*builder.command, folder=tmp_path / "site", packages=packages)
        assert done.returncode == 0, done.stdout + done.stderr
        assert getty.app.count("oembed") == 20
        assert frames(tmp_path / "site" / builder.output) >= 40


def test_jinja(getty: SandboxServer) -> None:
    from jinja2 import Environment, TemplateSyntaxError

    made = Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"], autoescape=True)
    page = made.from_string("{% getty id, max_width=300 align='left' %}<p>{{ body|getty }}")
    html = page.render(id=int(ID), body=f"<b> [getty {ID}]")
    assert html.count("<iframe") == 2
    assert 'width="300"' in html
    assert "ek--left" in html
    assert "&lt;b&gt;" in html
    with pytest.raises(TemplateSyntaxError, match="Did you mean width"):
        made.from_string("{% getty 1 widht=3 %}").render()


def test_a_template_reports_what_it_can_not_show(getty: SandboxServer, caplog: pytest.LogCaptureFixture) -> None:
    from jinja2 import DictLoader, Environment

    pages = DictLoader({"post.html": "<p>\n{% getty picture %}{{ body|getty }}"})
    made = Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"], loader=pages)
    for picture in ("nonsense", None, made.undefined(name="picture")):
        caplog.clear()
        made.get_template("post.html").render(picture=picture, body="")
        assert [one.getMessage()[:28] for one in caplog.records] == ["post.html:2:1: unsupported: "]
    caplog.clear()
    made.get_template("post.html").render(picture="", body=f"\n[getty {WITHDRAWN}]")
    assert [one.getMessage()[:33] for one in caplog.records] == ["post.html (text):2:1: not-found: "]


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


DJANGO = """
import django, sys
from django.conf import settings
from django.core.management import execute_from_command_line
settings.configure(
    **{"INSTALLED_APPS": ["embedkit.integrations.django"], **SETTINGS},
    CACHES={"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": "kept"}},
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": ["."]}],
    EMBEDKIT={"max_age": 600, "TARGET": "web", **MORE},
)
django.setup()
"""
SHOW = """
from django.template.loader import get_template
print(get_template("post.html").render({"id": PICTURE, "body": "<b> [getty 74917285]"}))
"""


SHOW_HTML = f"""
from django.template.loader import get_template
from django.utils.safestring import mark_safe
print(get_template("page.html").render({{"body": mark_safe({HTML!r})}}))
"""


def django(
    folder: Path,
    *command: str,
    more: Mapping[str, Any] = MappingProxyType({}),
    settings: Mapping[str, Any] = MappingProxyType({}),
    code: str = "",
) -> Any:
    script = code or "execute_from_command_line(sys.argv)"
    (folder / "manage.py").write_text(
        f"MORE = {dict(more)!r}\nSETTINGS = {dict(settings)!r}\n{DJANGO}\n{script}\n"
    )
    return run("manage.py", *command, folder=folder)


def test_django(getty: SandboxServer, tmp_path: Path) -> None:
    (tmp_path / "post.html").write_text(
        "{% load embedkit %}{% getty_assets %}\n{% getty id max_width=300 as picture %}[{{ picture }}]{{ body|getty }}"
    )
    html = django(tmp_path, code=SHOW.replace("PICTURE", ID)).stdout
    assert html.count("<iframe") == 2
    assert html.startswith('<link rel="stylesheet" href="/static/embedkit.css?v=')
    moved = django(tmp_path, code=SHOW.replace("PICTURE", ID), settings={"STATIC_URL": "files/"}).stdout
    assert moved.startswith('<link rel="stylesheet" href="/files/embedkit.css?v=')
    assert 'width="300"' in html
    assert "&lt;b&gt;" in html
    for picture in ("'nonsense'", "None"):
        assert "post.html:2:1: unsupported: " in django(tmp_path, code=SHOW.replace("PICTURE", picture)).stderr
    (tmp_path / "post.html").write_text("{% load embedkit %}{% getty id widht=300 %}")
    assert "Did you mean width" in django(tmp_path, code=SHOW.replace("PICTURE", ID)).stderr


def test_djangos_cache_can_be_the_store(getty: SandboxServer, tmp_path: Path) -> None:
    (tmp_path / "post.html").write_text("{% load embedkit %}{{ body|getty }}")
    for _ in range(2):
        done = django(tmp_path, code=SHOW.replace("PICTURE", ID), more={"cache": "django:default"})
        assert done.stdout.count("<iframe") == 1, done.stderr
        assert getty.app.count() == 1
    wrong = django(tmp_path, "check", more={"cache": "django:other"})
    assert wrong.returncode == 1
    assert "CACHES has no 'other'" in wrong.stderr


def test_djangos_commands_and_checks(getty: SandboxServer, tmp_path: Path) -> None:
    assert "EMBEDKIT_MAX_AGE=600" in django(tmp_path, "embedkit", "config", "show", "max_age").stdout
    (tmp_path / "post.md").write_text(f"A post.\n\n[getty {WITHDRAWN}]\n")
    checked = django(tmp_path, "embedkit", "check", "post.md")
    assert checked.returncode == 1
    assert "post.md:3:1: not-found" in checked.stdout
    assert django(tmp_path, "check").returncode == 0
    served = {"INSTALLED_APPS": ["django.contrib.staticfiles", "embedkit.integrations.django"], "STATIC_URL": "s/"}
    assert "embedkit.W002" in django(tmp_path, "check", settings=served).stderr
    found = {**served, "STATICFILES_DIRS": [str(static_dir())]}
    assert "embedkit.W002" not in django(tmp_path, "check", settings=found).stderr
    wrong = django(tmp_path, "check", more={"tarqet": "x"})
    assert wrong.returncode == 1
    assert "embedkit.E001" in wrong.stderr
    assert "Unknown option tarqet." in wrong.stderr
    assert "Did you mean target?" in wrong.stderr


EMBEDS = """
from django.utils import timezone
from wagtail.embeds.embeds import get_embed
from wagtail.embeds.finders import get_finders
for url in URLS:
    found = get_embed(url, max_width=300)
    print(json.dumps([found.html, found.title, found.author_name, found.width, found.type]))
    assert (found.cache_until - timezone.now()).seconds <= 300  # what is withdrawn shall not stay in Wagtail's database
print(json.dumps([get_finders()[0].accept(url) for url in ("https://example.org/", "https://gty.im/1")]))
"""


def test_wagtail(getty: SandboxServer, tmp_path: Path) -> None:
    urls = [f"https://gty.im/{ID}", f"https://gty.im/{WITHDRAWN}"]
    (tmp_path / "embeds.py").write_text(WAGTAIL.replace("OPTIONS", "{}") + EMBEDS.replace("URLS", repr(urls)))
    done = run("embeds.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    shown, lost, accepted = map(json.loads, done.stdout.splitlines())
    assert shown[0].count("<iframe") == 1
    assert shown[1:] == ["Under the lights at the corner court", "Ivo Lindqvist", 300, "rich"]
    assert "no longer available" in lost[0]
    assert accepted == [False, True]
    assert f"'https://gty.im/{WITHDRAWN}': not-found: " in done.stderr
