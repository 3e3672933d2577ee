"""oEmbed consumers, each configured with the lines from ``examples/oembed``."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import micawber
import pytest
import trustme
from packaging.version import Version

from embedkit import EmbedKit, create_app
from embedkit.sandbox import SandboxServer
from tests.hosts.test_integrations import run
from tests.support.servers import serving, serving_tls
from tests.support.tools import ROOT, need, node_packages
from tests.support.web import ANY, EXAMPLE, WITHDRAWN

PAGE = (ROOT / "examples/oembed/README.md").read_text("utf-8")
PUBLIC = "https://embeds.example.org"
SHORT = f"https://gty.im/{EXAMPLE}"
DETAIL = f"https://www.gettyimages.co.uk/detail/news-photo/words/{ANY}"
LOST = f"https://gty.im/{WITHDRAWN}"


def lines(consumer: str, service: str) -> str:
    """Return the page's configuration for a consumer, with this service's URL."""
    section = PAGE.partition(f"\n### {consumer}\n")[2]
    (block,) = re.findall(r"^```\w+\n(.*?)^```$", section.partition("\n### ")[0], re.M | re.S)
    return str(block).replace(PUBLIC, service)


def pasted(consumer: str, service: str) -> dict[str, Any]:
    """Run these lines as Python, and return the names they define."""
    made: dict[str, Any] = {}
    exec(lines(consumer, service), made)
    return made


@pytest.fixture(name="sandbox", scope="module")
def fixture_sandbox() -> Iterator[SandboxServer]:
    with SandboxServer() as sandbox:
        yield sandbox


def app(sandbox: SandboxServer, url: str) -> Any:
    return create_app(kit=EmbedKit(sandbox.settings(cache="memory:", secret="s" * 40, public_url=url)))


@pytest.fixture(name="service", scope="module")
def fixture_service(sandbox: SandboxServer) -> Iterator[str]:
    """A running service's URL."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with serving(app(sandbox, url), listening=listening):
        yield url


def test_micawber(service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    registry = pasted("micawber", service)["registry"]
    found = registry.request(SHORT, maxwidth=300)
    assert (found["type"], found["provider_name"], found["width"]) == ("rich", "Getty Images", 300)
    assert f"/embed/{ANY}?" in registry.parse_html(f"<p>{DETAIL}</p>")
    with pytest.raises(micawber.ProviderException):
        registry.request(LOST)
    assert registry.parse_html(f"<p>{LOST}</p>") == f'<p><a href="{LOST}">{LOST}</a></p>'
    own = micawber.bootstrap_oembed()
    known = [own.provider_for_url(url) is not None for url in (SHORT.replace("https", "http"), SHORT, DETAIL)]
    assert known == [True, False, False]


def test_oembedpy(service: str) -> None:
    from oembedpy import consumer, discovery

    made = pasted("oEmbedPy", service)
    assert made["content"].provider_name == "Getty Images"
    assert f"/embed/{EXAMPLE}?" in made["content"].html
    assert made["content"].cache_age > 0
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        consumer.fetch_content(*discovery.find_from_registry(LOST, made["registry"]))
    discovered = consumer.fetch_content(*discovery.find_from_content(f"{service}/embed/{ANY}"))
    assert f"/embed/{ANY}?" in discovered.html


WAGTAIL = """
import json
from django.conf import settings
settings.configure(USE_TZ=True, WAGTAILEMBEDS_FINDERS=WAGTAILEMBEDS_FINDERS)
from wagtail.embeds.exceptions import EmbedNotFoundException
from wagtail.embeds.finders import get_finders
ours, other = get_finders()
assert [other.accept(url) for url in URLS] == [False] * 3
for url in URLS[:2]:
    found = ours.find_embed(url, max_width=300)
    print(json.dumps([found["type"], found["width"], found["provider_name"], found["html"]]))
try:
    ours.find_embed(URLS[2])
except EmbedNotFoundException:
    print("lost")
"""


def test_wagtail(service: str, tmp_path: Path) -> None:
    (tmp_path / "embeds.py").write_text(f"URLS = {[SHORT, DETAIL, LOST]}\n{lines('Wagtail', service)}{WAGTAIL}")
    done = run("embeds.py", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    *found, lost = done.stdout.splitlines()
    for line, asset in zip(found, (EXAMPLE, ANY), strict=True):
        *facts, html = json.loads(line)
        assert facts[::2] == ["rich", "Getty Images"]
        assert facts[1] <= 300
        assert f"/embed/{asset}?" in html
    assert lost == "lost"


class Secure(NamedTuple):
    """A service over TLS, and the certificate file of its CA."""

    url: str
    authority: Path


@pytest.fixture(name="secure", scope="module")
def fixture_secure(sandbox: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    authority, file = trustme.CA(), tmp_path_factory.mktemp("tls") / "authority.pem"
    authority.cert_pem.write_to_path(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving_tls(lambda url: app(sandbox, url), context) as url:
        yield Secure(url, file)


EXTRACTUS = """
import { hasProvider } from "@extractus/oembed-extractor"
const own = [SHORT, DETAIL].map(url => hasProvider(url))
LINES
const more = await extract(DETAIL, { maxwidth: 300 })
const lost = await extract(LOST).catch(String)
console.log(JSON.stringify({ own, found, more, lost }))
"""


def test_extractus(secure: Secure) -> None:
    urls = f"const [SHORT, DETAIL, LOST] = {json.dumps([SHORT, DETAIL, LOST])}\n"
    code = urls + EXTRACTUS.replace("LINES", lines("extractus", secure.url))
    done = subprocess.run(
        [need("node"), "--input-type=module", "--eval", code],
        cwd=node_packages(Path(__file__).parent / "consumers"),
        env=os.environ | {"NODE_EXTRA_CA_CERTS": str(secure.authority)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["own"] == [True, False]
    assert found["found"]["provider_name"] == "Getty Images"
    assert found["found"]["width"] <= 500
    assert f"/embed/{EXAMPLE}?" in found["found"]["html"]
    assert f"/embed/{ANY}?" in found["more"]["html"]
    assert "404" in found["lost"]


PHP = """<?php
require '/usr/share/php/Nyholm/Psr7/autoload.php';
require '/usr/share/php/Embed/autoload.php';
LINES
class Client implements Psr\\Http\\Client\\ClientInterface  // Getty's own page, which says nothing that is used
{
    public function sendRequest($request): Psr\\Http\\Message\\ResponseInterface
    {
        $isGettys = $request->getUri()->getHost() !== '127.0.0.1';
        return $isGettys ? new Nyholm\\Psr7\\Response(404) : (new Embed\\Http\\CurlClient())->sendRequest($request);
    }
}
$adapted = new Embed\\Embed(new Embed\\Http\\Crawler(new Client()), $embed->getExtractorFactory());
$found = [];
foreach (URLS as $url) {
    $got = $adapted->get($url);
    $found[] = [$got->title, $got->code?->html];
}
echo json_encode($found);
"""


def test_php_embed(service: str, tmp_path: Path) -> None:
    php = need("php")
    for package in ("Embed", "Nyholm/Psr7"):
        need(f"/usr/share/php/{package}")
    urls = [f"{service}/embed/{EXAMPLE}", f"{service}/embed/{WITHDRAWN}", SHORT, DETAIL, LOST]
    code = PHP.replace("LINES", lines("php-embed", service)).replace("URLS", json.dumps(urls))
    (tmp_path / "embed.php").write_text(code)
    done = subprocess.run([php, "embed.php"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    shown, withdrawn, short, detail, lost = json.loads(done.stdout)
    assert shown[0] == short[0] == "Under the lights at the corner court"
    assert f"/embed/{EXAMPLE}?" in shown[1]
    assert f"/embed/{EXAMPLE}?" in short[1]
    assert f"/embed/{ANY}?" in detail[1]
    assert withdrawn[1] is None
    assert lost[1] is None


CONSUMERS = ("micawber", "oEmbedPy", "wagtail", "@extractus/oembed-extractor")


@pytest.mark.parametrize("name", CONSUMERS)
def test_the_table_names_the_versions_that_are_tested(name: str) -> None:
    packages = json.loads((Path(__file__).parent / "consumers/package.json").read_text())["dependencies"]
    word = {"@extractus/oembed-extractor": "extractus"}.get(name, name)
    named = re.search(rf"^\| \[{word}\]\(#\w+\) ([0-9.]+) \|", PAGE, re.M | re.I)
    assert named
    assert Version(named[1]) <= Version(packages.get(name) or version(name))
