"""The output of each target, which no text can change beyond the text itself."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from markupsafe import Markup

from embedkit.engine.rendered import assets
from embedkit.errors import ConfigurationError
from embedkit.files import installed
from embedkit.files.installed import static_dir, templates_dir
from embedkit.models import AssetRef, Frame, Options
from embedkit.rendering import renderer as rendering
from embedkit.rendering.renderer import (
    INERT,
    Renderer,
)
from embedkit.settings import RenderSettings, Settings
from embedkit.targets import ROWS, TARGETS, Target
from tests.support.embeds import (
    HOSTILE,
    HTML_TARGETS,
    QUERY,
    RENDER_SAMPLES,
    SIG,
    elements,
    hostile,
    hosts,
    record,
    skeleton,
    tree,
)
from tests.support.tools import reference_dir

GETTY = {"embed.gettyimages.com", "www.gettyimages.com", "embed-cdn.gettyimages.com"}
PAGE = "https://www.gettyimages.com/detail/74917285"
RENDERER = Renderer(Settings().rendering)
NONE = Options()


def html(target: Target, options: Options = NONE, **changes: object) -> str:
    return str(RENDERER.render(record(**changes), options, target))


def iframe(text: str) -> dict[str, str]:
    (frame,) = [one for one in elements(text) if one.tag == "iframe"]
    return dict(frame.attrib)


def words(text: str) -> str:
    return " ".join("".join(tree(text).itertext()).split())


# -- targets ---------------------------------------------------------------------------------------------


def test_the_frame_is_responsive_lazy_titled_and_confined() -> None:
    frame = iframe(html("web"))
    assert frame == {
        "src": f"https://embed.gettyimages.com/embed/74917285?et={'e' * 22}&tld=com&sig={SIG}",
        "title": "Harbour at dusk, photo by Ada Berg / Moment, Getty Images",
        "width": "594",
        "height": "396",
        "loading": "lazy",
        "referrerpolicy": "strict-origin-when-cross-origin",
        "sandbox": "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"
        " allow-top-navigation-by-user-activation",
        "allow": "",
        "frameborder": "0",
    }


def test_web_is_a_figure_with_frame_title_and_credit() -> None:
    text = html("web")
    assert [tag for tag, _ in skeleton(text)] == [
        *("figure", "div", "datalist", "canvas", "iframe", "figcaption", "span", "cite", "a"),
    ]
    assert words(text) == "Harbour at dusk — Photo: Ada Berg / Moment / Getty Images"
    assert f'href="{PAGE}" rel="noopener nofollow"' in text


@pytest.mark.parametrize("target", [one for one in TARGETS if one not in ("widget", "oembed", "jsonld")])
def test_no_target_but_widget_and_oembed_has_inline_script_or_style(target: Target) -> None:
    assert not re.search(r"<script|<style|style=|\son[a-z]+=", html(target, Options(caption="x", align="left")))


@pytest.mark.parametrize("target", HTML_TARGETS)
def test_output_is_one_line(target: Target) -> None:
    broken = "One\n\nTwo\r\nThree\u2028Four\x85Five\x0bSix\tSeven"
    text = html(target, Options(caption=broken, title=broken), title=broken, photographer=broken)
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("target", [one for one in HTML_TARGETS if one not in ("wordpress", "feed")])
def test_output_has_one_root_that_is_not_a_paragraph(target: Target) -> None:
    (root,) = tree(html(target, Options(caption="x")))
    assert root.tag != "p"
    assert not root.tail


def test_the_facade_has_a_path_and_a_link_but_loads_nothing() -> None:
    text = html("facade")
    figure, box, *rest = elements(text)
    assert figure.attrib["data-ek-src"] == f"/embed/74917285?et={'e' * 22}&tld=com&sig={SIG}"
    assert box.attrib["data-ek-title"].startswith("Harbour at dusk, photo by")
    assert {str(one.tag) for one in rest}.isdisjoint({"iframe", "img", "script", "link"})
    assert hosts(text) == {"www.gettyimages.com"}
    assert "Show picture: Harbour at dusk" in words(text)
    assert "Your IP address and cookies are sent to Getty Images when the picture loads." in words(text)


def test_the_widget_is_gettys_own_markup() -> None:
    assert (
        "<a id='eeeeeeeeeeeeeeeeeeeeee' class='gie-single' href='https://www.gettyimages.com/detail/74917285'"
        " target='_blank' style='color:#a7a7a7;text-decoration:none;font-weight:normal !important;border:none;"
        "display:inline-block;'>Embed from Getty Images</a>"
        "<script>window.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};gie(function(){gie.widgets.load("
        f"{{id:'eeeeeeeeeeeeeeeeeeeeee',sig:'{SIG}',w:'594px',h:'396px',items:'74917285',caption: true ,"
        "tld:'com',is360: false })});</script>"
        "<script src='https://embed-cdn.gettyimages.com/widgets.js' charset='utf-8' async></script>"
    ) in html("widget", Options(caption=True))


def test_oembed_is_a_bare_responsive_frame() -> None:
    (only,) = elements(html("oembed"))
    assert only.tag == "iframe"
    assert only.attrib["style"] == "border:0;width:594px;max-width:100%;height:auto;aspect-ratio:594/396"
    assert (only.attrib["width"], only.attrib["height"]) == ("594", "396")


def test_wordpress_is_a_blockquote_and_a_frame() -> None:
    quote, frame = tree(html("wordpress"))
    assert (quote.tag, frame.tag) == ("blockquote", "iframe")
    assert "".join(quote.itertext()) == "Harbour at duskPhoto: Ada Berg / Moment / Getty Images"


def test_amp_has_a_frame_with_placeholder() -> None:
    (frame,) = [one for one in elements(html("amp")) if one.tag == "amp-iframe"]
    assert frame.attrib["layout"] == "responsive"
    assert frame.attrib["sandbox"] == "allow-scripts allow-same-origin allow-popups"
    assert [one.attrib for one in frame] == [{"placeholder": ""}]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (
            "feed",
            f'<p><a href="{PAGE}" rel="noopener nofollow">Harbour at dusk</a>, Photo&#58; Ada Berg &#47; Moment &#47; Getty Images</p>',
        ),
        (
            "email",
            f'<div><a href="{PAGE}" rel="noopener nofollow">Harbour at dusk</a><br>Photo&#58; Ada Berg &#47; Moment &#47; Getty Images</div>',
        ),
        ("text", f"Harbour at dusk — Photo: Ada Berg / Moment / Getty Images — {PAGE}"),
        ("markdown", f"[Harbour at dusk]({PAGE}) — Photo&#58; Ada Berg &#47; Moment &#47; Getty Images"),
    ],
)
def test_link_and_credit_where_no_frame_can_be(target: Target, expected: str) -> None:
    assert html(target) == expected


def test_jsonld_describes_the_picture_for_search_engines() -> None:
    text = html("jsonld")
    (script,) = elements(text)
    assert script.attrib == {"type": "application/ld+json"}
    assert json.loads(script.text or "") == {
        "@context": "https://schema.org",
        "@type": "ImageObject",
        "contentUrl": "https://media.gettyimages.com/photos/harbour-picture-id74917285?s=170x170",
        "width": 170,
        "height": 113,
        "name": "Harbour at dusk",
        "caption": "Boats come home.",
        "creator": {"@type": "Person", "name": "Ada Berg"},
        "creditText": "Ada Berg / Moment / Getty Images",
        "license": "https://www.gettyimages.com/company/terms",
        "acquireLicensePage": PAGE,
    }


def test_jsonld_is_empty_without_a_thumbnail() -> None:
    assert html("jsonld", thumbnail_url=None) == ""


def test_the_card_is_a_credited_link() -> None:
    text = html("card")
    assert words(text) == "Harbour at dusk: View on Getty ImagesPhoto: Ada Berg / Moment / Getty Images"
    assert hosts(text) == {"www.gettyimages.com"}


@pytest.mark.parametrize("target", TARGETS)
def test_markup_is_markup_and_text_is_text(target: Target) -> None:
    assert isinstance(RENDERER.render(record(), NONE, target), Markup) == ROWS[target].is_markup


def test_html_is_ascii() -> None:
    assert html("web", Options(caption="The last tide.")).isascii()


# -- options -----------------------------------------------------------------------------------------------


def test_a_caption_is_the_authors_text_or_that_of_the_frame() -> None:
    assert "The last tide. — Harbour at dusk" in words(html("web", Options(caption="The last tide.")))
    assert "caption=true" not in html("web", Options(caption="The last tide."))
    assert iframe(html("web", Options(caption=True)))["src"].endswith(f"&sig={SIG}&caption=true")
    assert "caption" not in iframe(html("web", Options(caption=False)))["src"]


@pytest.mark.parametrize(
    ("align", "suffix"), [("left", " ek--left"), ("center", " ek--center"), ("none", ""), (None, "")]
)
def test_alignment_is_a_class(align: str, suffix: str) -> None:
    text = html("web", Options(align=align))  # type: ignore[arg-type]
    assert text.startswith(f'<figure class="ek ek--web{suffix}" ')


def test_a_title_names_the_frame() -> None:
    assert iframe(html("web", Options(title="Three boats")))["title"] == "Three boats"
    assert 'data-ek-title="Three boats"' in html("facade", Options(title="Three boats"))


def test_a_slideshow_has_one_frame_of_all_items() -> None:
    show = record("1", "2", "3-4")
    frame = iframe(str(RENDERER.render(show, NONE, "web")))
    assert frame["src"].startswith("https://embed.gettyimages.com/embed/1,2,3-4?et=")
    assert frame["title"].startswith("Harbour at dusk and 2 more, photo by")
    widget = str(RENDERER.render(show, NONE, "widget"))
    assert "class='gie-slideshow'" in widget
    assert "items:'1,2,3-4'" in widget


def test_the_bar_of_old_markup_is_excluded_from_the_ratio() -> None:
    old = record(width=395, height=643, frame=replace(record().frame, bar=49))
    text = str(RENDERER.render(old, NONE, "web"))
    assert '<datalist class="ek-ratio" aria-hidden="true"><canvas width="395" height="594"' in text


@pytest.mark.parametrize(
    ("photographer", "collection", "credit", "title"),
    [
        ("Ada", "Moment", "Ada / Moment / Getty Images", "Dusk, photo by Ada / Moment, Getty Images"),
        ("Ada", "", "Ada / Getty Images", "Dusk, photo by Ada, Getty Images"),
        ("", "Moment", "Moment / Getty Images", "Dusk, photo by Moment, Getty Images"),
        ("Ada", "Getty Images", "Ada / Getty Images", "Dusk, photo by Ada, Getty Images"),
        ("", "", "Getty Images", "Dusk, Getty Images"),
    ],
)
def test_the_credit_has_the_known_names(photographer: str, collection: str, credit: str, title: str) -> None:
    text = html("web", title="Dusk", photographer=photographer, collection=collection)
    assert words(text) == f"Dusk — Photo: {credit}"
    assert iframe(text)["title"] == title


@pytest.mark.parametrize(
    ("locale", "says"),
    [
        ("en-US", "Show picture"),
        ("de", "Bild anzeigen"),
        ("pt-BR", "Mostrar imagem"),
        ("ja_JP", "画像を表示"),
        ("tlh", "Show picture"),
    ],
)
def test_our_own_words_follow_the_locale(locale: str, says: str) -> None:
    assert says in str(Renderer(Settings(locale=locale).rendering).render(record(), NONE, "facade"))


@pytest.mark.parametrize("name", sorted({*RenderSettings._fields} - {"sanitizer", "templates"}))
def test_every_render_setting_changes_the_markup(name: str) -> None:
    """Except those two, whose samples give the same output."""
    assert name in RENDER_SAMPLES, f"write a value of {name} in RENDER_SAMPLES of tests/support/embeds.py"
    other = Renderer(RENDERER._settings._replace(**{name: RENDER_SAMPLES[name]}))
    shown = [
        [
            (made.render(record(), NONE, target), made.fallback(AssetRef(("1",)), NONE, target))
            for target in TARGETS
        ]
        for made in (RENDERER, other)
    ]
    assert shown[0] != shown[1], (
        f"no target shows {name}: see _context and _frame_context in rendering/renderer.py"
    )


def test_template_variables_are_documented() -> None:
    renderer = Renderer(Settings(templates=str(templates_dir())).rendering)
    context = renderer._context(AssetRef(("1",)), NONE, {}, "", "web")
    context |= renderer._frame_context(record(), NONE, context, "web")
    missing = [name for name in context if not re.search(rf"\b{name}\b", str(rendering.__doc__))]
    assert not missing, "name them at the top of embedkit/rendering/renderer.py"


# -- no embed ----------------------------------------------------------------------------------------------


def fallback(on_error: str, target: Target, **texts: str) -> str:
    renderer = Renderer(Settings(on_error=on_error).rendering)
    return str(renderer.fallback(AssetRef(("74917285",)), NONE, target, texts=texts))


@pytest.mark.parametrize("target", ["web", "facade", "widget", "card"])
def test_without_an_embed_a_page_shows_a_card(target: Target) -> None:
    text = fallback("card", target, title="Harbour at dusk", photographer="Ada Berg")
    assert text.startswith('<figure class="ek ek--card" ')
    assert words(text) == "Harbour at dusk: View on Getty ImagesPhoto: Ada Berg / Getty Images"


@pytest.mark.parametrize(
    ("on_error", "target", "expected"),
    [
        (
            "link",
            "web",
            f'<span class="ek-link"{INERT}><a href="{PAGE}" rel="noopener nofollow">Dusk</a>, Photo&#58; Getty Images</span>',
        ),
        ("text", "web", f'<span class="ek-link"{INERT}>Dusk, Photo&#58; Getty Images</span>'),
        (
            "card",
            "oembed",
            f'<span class="ek-link"><a href="{PAGE}" rel="noopener nofollow">Dusk</a>, Photo&#58; Getty Images</span>',
        ),
        ("card", "feed", f'<p><a href="{PAGE}" rel="noopener nofollow">Dusk</a>, Photo&#58; Getty Images</p>'),
        ("text", "feed", '<span class="ek-link">Dusk, Photo&#58; Getty Images</span>'),
        ("card", "text", f"Dusk — Photo: Getty Images — {PAGE}"),
        ("text", "text", "Dusk — Photo: Getty Images"),
        ("link", "markdown", f"[Dusk]({PAGE}) — Photo&#58; Getty Images"),
        ("text", "markdown", "Dusk — Photo&#58; Getty Images"),
        ("card", "jsonld", ""),
    ],
)
def test_fallbacks_by_on_error(on_error: str, target: Target, expected: str) -> None:
    assert fallback(on_error, target, title="Dusk") == expected


@pytest.mark.parametrize("target", TARGETS)
def test_on_error_text_leaves_no_link_in_any_target(target: Target) -> None:
    shown = fallback("text", target, title="A title")
    for link in ("href", "=>", "](", "://", "//www"):
        assert link not in shown, f"{ROWS[target].template} prints a link though page_url is empty"


@pytest.mark.parametrize("target", [one for one, row in ROWS.items() if row.fallback != "nothing"])
def test_a_fallback_is_never_empty(target: Target) -> None:
    assert "Getty Images picture 74917285" in unescape(fallback("card", target))


def test_a_fallback_links_to_the_requested_site() -> None:
    text = str(RENDERER.fallback(AssetRef(("1", "2")), Options(tld="co.uk"), "web"))
    assert 'href="https://www.gettyimages.co.uk/detail/1"' in text
    assert "Getty Images picture 1 and 1 more" in text


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("web", f"<span{INERT}>&#60;b&#62; &#91;x&#93;</span>"),
        ("feed", "&#60;b&#62; &#91;x&#93;"),
        ("text", "<b> [x]"),
        ("markdown", r"&#60;b&#62; \[x\]"),
        ("jsonld", ""),
    ],
)
def test_plain_text_is_escaped(target: Target, expected: str) -> None:
    assert str(RENDERER.plain("<b>\n[x]", target)) == expected


@pytest.mark.parametrize("value", ["');alert(1)//", 'x"y', "a b", "x\\", "é", "a&b=<"])
@pytest.mark.parametrize("target", HTML_TARGETS)
def test_a_frame_that_is_not_gettys_is_not_rendered(target: Target, value: str) -> None:
    embed = record(frame=replace(record().frame, query=(*QUERY[:2], ("sig", value))))
    text = str(RENDERER.render(embed, NONE, target))
    assert text == str(
        RENDERER.fallback(
            embed.ref,
            NONE,
            target,
            texts={"title": embed.title, "photographer": "Ada Berg", "collection": "Moment"},
        )
    )


@pytest.mark.parametrize(
    "page", ["javascript:alert(1)", "https://evil.example/", "https://www.gettyimages.com.evil.example/", "'"]
)
@pytest.mark.parametrize("target", [one for one in TARGETS if one != "oembed"])
def test_links_lead_to_getty_whatever_is_in_the_record(target: Target, page: str) -> None:
    text = html(target, page_url=page)
    assert page not in text.replace("&#39;", "") or page == "'"
    assert PAGE in text, "every target but a bare frame links to the picture's page"


# -- hostile texts -----------------------------------------------------------------------------------------

PLAIN = {target: skeleton(str(RENDERER.render(*hostile("Harbour"), target))) for target in HTML_TARGETS}


def assert_harmless(text: str, target: Target) -> None:
    out = str(RENDERER.render(*hostile(text), target))
    assert skeleton(out) == PLAIN[target]
    assert hosts(out) <= GETTY


@pytest.mark.parametrize("target", HTML_TARGETS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_changes_the_markup(text: str, target: Target) -> None:
    assert_harmless(text, target)


@bounds(max_examples=120, deadline=None)
@given(text=st.text(st.characters(codec=None)), target=st.sampled_from(HTML_TARGETS))
def test_nor_does_any_other_text(text: str, target: Target) -> None:
    assert_harmless(text, target)


@bounds(max_examples=100, deadline=None)
@given(text=st.text(st.characters(codec=None)))
def test_every_output_can_be_encoded_and_is_one_line(text: str) -> None:
    for target in TARGETS:
        out = str(RENDERER.render(*hostile(text), target))
        assert len(out.encode().decode().splitlines()) == 1


@pytest.mark.parametrize("text", HOSTILE)
def test_fallbacks_are_as_harmless(text: str) -> None:
    ref, texts = AssetRef(("1",)), dict.fromkeys(("title", "photographer", "collection"), text)
    for target in HTML_TARGETS:
        plain = RENDERER.fallback(ref, NONE, target, texts=dict.fromkeys(texts, "x"))
        out = RENDERER.fallback(ref, NONE, target, texts=texts)
        assert skeleton(str(out)) == skeleton(str(plain))
        assert hosts(str(out)) == {"www.gettyimages.com"}


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_ends_the_jsonld_script(text: str) -> None:
    out = str(RENDERER.render(*hostile(text), "jsonld"))
    (script,) = elements(out)
    assert not re.search("[<>&]", script.text or "")
    assert json.loads(script.text or "")["name"] == " ".join(rendering._one_line(text).split())


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("a * b _ c", r"a \* b \_ c"),
        ("[x](y)", r"\[x\]&#40;y&#41;"),
        ("`code` \\", r"&#96;code&#96; \\"),
        ("<b> & &amp; AT&T", "&#60;b&#62; &#38; &#38;amp&#59; AT&#38;T"),
        ("{{ x }} | ~y~", "&#123;&#123; x &#125;&#125; &#124; &#126;y&#126;"),
        (
            "www.evil.example https://evil.example me@evil.example",
            r"www\.evil\.example https&#58;&#47;&#47;evil\.example me&#64;evil\.example",
        ),
        ("Ms. Berg: 3.5 (three)", r"Ms\. Berg&#58; 3\.5 &#40;three&#41;"),
    ],
)
def test_markdown_escapes_texts(title: str, shown: str) -> None:
    assert html("markdown", title=title).startswith(f"[{shown}]({PAGE}) — ")


def test_control_characters_and_bidirectional_overrides_are_dropped() -> None:
    assert html("text", title="a\x00b\x1b[31m\u202ec\ud800\u2066\ufffed").startswith("ab[31mcd — ")


def payloads() -> Iterator[str]:
    with gzip.open(reference_dir() / "corpora" / "xss.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield from (json.loads(line)["p"] for line in lines)


@pytest.mark.slow
def test_a_sample_of_the_corpus_changes_no_markup() -> None:
    """tests/browser/test_embeds.py reads the whole corpus in Chromium."""
    targets = HTML_TARGETS
    for number, text in enumerate(payloads()):
        if number % 25 == 0:
            assert_harmless(text, targets[(number // 25) % len(targets)])


# -- templates and assets ------------------------------------------------------------------------------------


def host(tmp_path: Path, **files: str) -> Renderer:
    folder = tmp_path / "embedkit"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.html").write_text(text, "utf-8")
    return Renderer(Settings(templates=str(tmp_path)).rendering)


def test_a_host_template_is_not_sanitized(tmp_path: Path) -> None:
    renderer = host(tmp_path, web='<section onclick="x()">\n  <b>{{ title }}</b>\n</section>\n')
    out = renderer.render(record(title="A < B"), NONE, "web")
    assert out == '<section onclick="x()">\n  <b>A &#60; B</b>\n</section>'
    assert str(renderer.render(record(), NONE, "feed")).startswith("<p><a ")


def test_a_host_can_override_a_part_of_a_template(tmp_path: Path) -> None:
    renderer = host(tmp_path, figcaption="<figcaption><b>{{ credit }}</b></figcaption>")
    assert "<b>Ada Berg &#47; Moment &#47; Getty Images</b>" in str(renderer.render(record(), NONE, "web"))


def test_a_host_overrides_only_the_words_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "embedkit").mkdir()
    own = {"en": {"note": "Our English."}, "de": {"note": "Bilder kommen von <Getty>."}}
    (tmp_path / "embedkit" / "words.json").write_text(json.dumps(own), "utf-8")
    settings = Settings(templates=str(tmp_path))
    assert "Our English." in words(str(Renderer(settings.rendering).render(record(), NONE, "facade")))
    german = words(str(Renderer(replace(settings, locale="de-AT").rendering).render(record(), NONE, "facade")))
    assert "Bilder kommen von <Getty>." in german
    assert "Bilder von Getty Images immer laden" in german, "other words are not overridden"
    french = words(str(Renderer(replace(settings, locale="fr").rendering).render(record(), NONE, "facade")))
    assert "Votre adresse IP" in french, "a host's English doesn't override our French"


def test_words_that_are_not_json_are_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "embedkit").mkdir()
    (tmp_path / "embedkit" / "words.json").write_text("{", "utf-8")
    with pytest.raises(ConfigurationError, match=r"words\.json can't be read: .*EMBEDKIT_TEMPLATES"):
        Renderer(Settings(templates=str(tmp_path)).rendering)


def test_the_facade_links_to_the_privacy_policy() -> None:
    url = "https://site.example/privacy?a=1&b=2#getty"
    for name in ("nh3", "bleach"):
        renderer = Renderer(Settings(privacy_url=url, sanitizer=name).rendering)
        links = [one for one in elements(str(renderer.render(record(), NONE, "facade"))) if one.tag == "a"]
        assert url in [one.get("href") for one in links]
    assert "ek-privacy" not in str(RENDERER.render(record(), NONE, "facade"))


def test_credentialless_frames_have_the_attribute() -> None:
    settings = Settings(credentialless=True)
    for target in ("web", "oembed", "wordpress"):
        frames = [
            one
            for one in elements(str(Renderer(settings.rendering).render(record(), NONE, target)))
            if one.tag == "iframe"
        ]
        assert [one.get("credentialless") for one in frames] == [""]
        assert "credentialless" not in str(RENDERER.render(record(), NONE, target))
    (script,) = assets("facade", settings.rendering, "/static")["js"]
    assert parse_qs(urlsplit(script).query, keep_blank_values=True)["credentialless"] == [""]


@pytest.mark.parametrize("text", ["{% if %}", "{{ nothing.such }}", '{% include "embedkit/nothing.html" %}'])
def test_a_template_that_fails_is_a_configuration_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"embedkit/web\.html"):
        host(tmp_path, web=text).render(record(), NONE, "web")


def test_a_missing_template_folder_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="TEMPLATES"):
        Renderer(Settings(templates="/nothing/such").rendering)


def test_templates_are_in_the_package_or_next_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "embedkit"
    monkeypatch.setattr(installed, "PACKAGE", str(package))
    with pytest.raises(ConfigurationError, match="missing"):
        templates_dir()
    for root in (tmp_path, package):
        (root / "templates" / "embedkit").mkdir(parents=True)
        (root / "templates" / "embedkit" / "web.html").touch()
        assert templates_dir() == root / "templates"


@pytest.mark.parametrize("target", ["web", "facade", "widget", "oembed"])
@pytest.mark.parametrize("item", ["SB10079129C-001", "DV1992014", "a0075-000067A", "74917285"])
def test_an_id_is_framed_as_getty_signed_it(item: str, target: Target) -> None:
    embed = replace(record(item.lower()), frame=Frame((item,), QUERY))
    assert item in str(RENDERER.render(embed, NONE, target))


def test_assets_are_the_files_that_a_page_must_load() -> None:
    settings = Settings(public_url="https://embeds.example.org")
    css = r"https://embeds\.example\.org/static/embedkit\.css\?v=\d+\.\d+\.\d+"
    rendered = settings.rendering
    assert re.fullmatch(css, assets("web", rendered, settings.static_url)["css"][0])
    assert assets("web", rendered, settings.static_url)["js"] == []
    (script,) = assets("facade", rendered, settings.static_url)["js"]
    assert re.fullmatch(r"https://embeds\.example\.org/static/embedkit-facade\.js\?v=[\d.]+", script)
    for target in (name for name, row in ROWS.items() if not row.assets):
        assert assets(target, rendered, settings.static_url) == {"css": [], "js": []}


def test_the_facade_script_gets_the_frame_origin_and_sandbox() -> None:
    settings = Settings(frame_origin="http://127.0.0.1:8081", frame_sandbox="")
    (script,) = assets("facade", settings.rendering, "/static")["js"]
    query = parse_qs(urlsplit(script).query, keep_blank_values=True)
    assert query["origin"] == ["http://127.0.0.1:8081"]
    assert query["sandbox"] == [""]


@pytest.mark.parametrize(("name", "most"), [("embedkit-facade.js", 3400), ("embedkit.css", 4000)])
def test_static_files_are_small(name: str, most: int) -> None:
    assert len(gzip.compress((static_dir() / name).read_bytes(), mtime=0)) < most
