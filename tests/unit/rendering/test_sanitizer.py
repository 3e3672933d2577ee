"""The sanitizers: both libraries fulfill the same contract."""

from __future__ import annotations

import sys
from dataclasses import replace

import html5lib
import pytest

from embedkit.errors import ConfigurationError
from embedkit.models import AssetRef, Options
from embedkit.rendering.renderer import Renderer
from embedkit.rendering.sanitizer import NhSanitizer, Sanitizer, sanitizer
from embedkit.settings import RenderSettings, Settings
from embedkit.targets import ROWS, Target
from tests.support.embeds import (
    HOSTILE,
    HTML_TARGETS,
    RENDER_SAMPLES,
    hostile,
    hosts,
    record,
    skeleton,
)

ORIGIN = "https://embed.gettyimages.com"
VIEWER = f"{ORIGIN}/embed/1?et=a&amp;sig=b"
OWN = '<figure class="ek"><figcaption class="ek-caption">A</figcaption></figure>'


def canonical(html: str) -> str:
    """Parse HTML as a browser does, and serialize it."""
    text: str = html5lib.serialize(
        html5lib.parseFragment(html),
        quote_attr_values="always",
        omit_optional_tags=False,
        alphabetical_attributes=True,
    )
    return text


class Uncleaned:
    """Changes nothing, which shows the output of the templates."""

    def clean(self, html: str, /) -> str:
        return html


def raw(target: Target, text: str) -> str:
    renderer = Renderer(Settings().rendering)
    renderer._sanitizer = Uncleaned()
    embed, options = hostile(text)
    return str(
        renderer.render(replace(embed, frame=replace(embed.frame, bar=49)), replace(options, align="left"), target)
    )


def outputs(renderer: Renderer, target: Target) -> list[str]:
    """Render a picture, a slideshow with all options, and a fallback."""
    options = Options(caption="Our words", title="A title", align="left")
    slideshow = record("74917285", "1131502286")
    rendered = (
        renderer.render(record(), Options(), target),
        renderer.render(replace(slideshow, frame=replace(slideshow.frame, bar=49)), options, target),
        renderer.fallback(AssetRef(("74917285",)), options, target, texts={"title": "A title"}),
    )
    return [canonical(str(one)) for one in rendered]


class SanitizerContract:
    name: str

    @pytest.fixture
    def net(self) -> Sanitizer:
        return sanitizer(self.name, frame_origin=ORIGIN)

    @pytest.mark.parametrize("setting", RenderSettings._fields)
    def test_the_markup_of_every_setting_is_allowed(self, setting: str) -> None:
        assert setting in RENDER_SAMPLES, (
            f"write a value of {setting} in RENDER_SAMPLES of tests/support/embeds.py"
        )
        settings = Settings(sanitizer=self.name).rendering._replace(**{setting: RENDER_SAMPLES[setting]})
        renderer, uncleaned = Renderer(settings), Renderer(settings)
        uncleaned._sanitizer = Uncleaned()
        for target in (name for name, row in ROWS.items() if row.is_markup and row.cleaned):
            assert outputs(renderer, target) == outputs(uncleaned, target), (
                f"the sanitizer takes away what {setting} puts into {target}: "
                "add it to ALLOWED in embedkit/rendering/sanitizer.py"
            )

    @pytest.mark.slow
    @pytest.mark.parametrize("target", [one for one in HTML_TARGETS if ROWS[one].cleaned])
    def test_our_own_output_is_unchanged(self, net: Sanitizer, target: Target) -> None:
        for text in ("Harbour at dusk", 'Tom & "Jerry" <3', *HOSTILE):
            html = raw(target, text)
            assert canonical(net.clean(html)) == canonical(html), (
                f"the sanitizer takes away some of {ROWS[target].template}: "
                "add it to ALLOWED in embedkit/rendering/sanitizer.py"
            )

    @pytest.mark.parametrize(
        "addition",
        [
            "<script>alert(1)</script>",
            "<script src=https://evil.example/x.js></script>",
            "<style>*{display:none}</style>",
            '<link rel="stylesheet" href="https://evil.example/x.css">',
            '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
            '<base href="https://evil.example/">',
            '<form action="https://evil.example/"><button>x</button></form>',
            '<object data="https://evil.example/"></object>',
            '<embed src="https://evil.example/">',
            '<img src="https://evil.example/x.png" onerror="alert(1)">',
            "<svg onload=alert(1)><script>alert(1)</script></svg>",
            '<math><mi href="javascript:alert(1)">x</mi></math>',
            "<template><img src=x></template>",
            "<video src=https://evil.example/x></video>",
            "<noscript><img src=x></noscript>",
            "<!-- comment -->",
        ],
    )
    def test_elements_that_are_not_ours_are_removed(self, net: Sanitizer, addition: str) -> None:
        assert skeleton(net.clean(OWN + addition)) == skeleton(OWN)

    @pytest.mark.parametrize(
        "html",
        [
            '<iframe src="https://evil.example/embed/1?et=a&amp;sig=b"></iframe>',
            '<iframe src="https://embed.gettyimages.com.evil.example/embed/1?et=a"></iframe>',
            '<iframe src="https://embed.gettyimages.com@evil.example/embed/1?et=a"></iframe>',
            '<iframe src="//embed.gettyimages.com/embed/1?et=a"></iframe>',
            '<iframe src="/embed/1?et=a&amp;sig=b"></iframe>',
            '<iframe src="javascript:alert(1)"></iframe>',
            '<iframe src="https://embed.gettyimages.com/embed/1?et=a&#10;"></iframe>',
            '<iframe src="https://embed.gettyimages.com/redirect?to=x"></iframe>',
            '<iframe src="https://embed.gettyimages.com/embed/../x?et=a"></iframe>',
            '<iframe srcdoc="&lt;script&gt;"></iframe>',
            '<iframe onload="alert(1)"></iframe>',
            '<iframe style="position:fixed"></iframe>',
            '<iframe style="border:0;width:1px;max-width:100%;height:auto;aspect-ratio:1/1;position:fixed"></iframe>',
            '<iframe style="background:url(//evil.example/x)"></iframe>',
            '<iframe allow="camera"></iframe>',
            '<iframe name="x" id="y"></iframe>',
            '<a href="javascript:alert(1)"></a>',
            '<a href="JaVaScRiPt:alert(1)"></a>',
            '<a href="java&#10;script:alert(1)"></a>',
            '<a href="data:text/html,x"></a>',
            '<a href="http://www.gettyimages.com/detail/1"></a>',
            '<a href="/relative"></a>',
            '<a href="//evil.example/"></a>',
            '<a href="https:\\\\evil.example/"></a>',
            '<a onclick="alert(1)" target="_blank" style="color:red" ping="https://evil.example/"></a>',
            '<a rel="opener"></a>',
            '<div id="x" style="color:red" onclick="alert(1)" class="host-modal"></div>',
            '<div class="ek-box host-modal"></div>',
            '<figure data-ek-src="https://evil.example/"></figure>',
            '<figure data-ek-src="//evil.example/embed/1?et=a"></figure>',
            '<figure data-ek-src="/embed/1?et=a&quot;x"></figure>',
            '<figure data-ek-unknown="x" data-x="y"></figure>',
            '<input type="image" src="x" formaction="https://evil.example/">',
            '<canvas onclick="alert(1)" width="1e9" style="x"></canvas>',
        ],
    )
    def test_attributes_that_are_not_ours_are_removed(self, net: Sanitizer, html: str) -> None:
        (only,) = skeleton(net.clean(html))
        assert only[1] == ()

    def test_frames_of_the_configured_origin_are_allowed(self) -> None:
        sandbox = sanitizer(self.name, frame_origin="http://127.0.0.1:8081")
        html = '<iframe src="http://127.0.0.1:8081/embed/1?et=a&amp;sig=b"></iframe>'
        assert sandbox.clean(html) == html
        assert "src" not in sandbox.clean(f'<iframe src="{VIEWER}"></iframe>')

    @pytest.mark.parametrize("text", HOSTILE)
    def test_a_template_that_forgets_to_escape_does_no_harm(self, net: Sanitizer, text: str) -> None:
        cleaned = net.clean(f'<figure class="ek" title="{text}">{text}</figure>')
        assert {tag for tag, _ in skeleton(cleaned)} <= {"figure", "iframe", "a", "p"}
        assert hosts(cleaned) <= {"evil.example"}  # links can lead to any https URL, frames can't
        assert not any(name.startswith("on") for _, names in skeleton(cleaned) for name in names)


class TestNh3(SanitizerContract):
    name = "nh3"

    def test_it_fails_closed_if_its_filter_raises(self) -> None:
        net = NhSanitizer(ORIGIN)

        def broken(tag: str, name: str, value: str) -> bool:
            raise RuntimeError

        net._is_allowed = broken
        assert net.clean('<a href="https://www.gettyimages.com/detail/1">x</a>') == "<a>x</a>"

    def test_the_text_of_a_script_is_removed_with_it(self) -> None:
        assert sanitizer("nh3", frame_origin=ORIGIN).clean("<script>alert(1)</script>a") == "a"


class TestBleach(SanitizerContract):
    name = "bleach"

    def test_the_hint_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "bleach.sanitizer", None)
        with pytest.raises(ConfigurationError, match=r"\[bleach\]"):
            sanitizer("bleach", frame_origin=ORIGIN)


def test_any_other_name_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="nh3 or bleach"):
        sanitizer("regex", frame_origin=ORIGIN)


@pytest.mark.slow
@pytest.mark.parametrize("target", [one for one in HTML_TARGETS if ROWS[one].cleaned])
def test_both_libraries_agree(target: Target) -> None:
    one, two = (Renderer(Settings(sanitizer=name).rendering) for name in ("nh3", "bleach"))
    for text in HOSTILE:
        embed, options = hostile(text)
        assert canonical(str(one.render(embed, options, target))) == canonical(
            str(two.render(embed, options, target))
        )


def test_output_without_a_sandbox_is_unchanged_too() -> None:
    html = str(Renderer(Settings(frame_sandbox="").rendering).render(record(), Options(), "web"))
    assert "sandbox" not in html
    assert sanitizer("bleach", frame_origin=ORIGIN).clean(html) == html
