"""Embeds kept out of a text while other software processes it, and embeds in finished HTML."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bleach
import jinja2
import markdown
import markdown_it
import mistune
import nh3
import pytest
from cachelib import SimpleCache
from markupsafe import Markup

from embedkit import EmbedKit, Options, Settings
from embedkit.errors import ConfigurationError
from embedkit.sandbox import SandboxTransport
from embedkit.targets import Target
from tests.unit.engine.test_kit import ID, Harness

POST = f"""A post.

[getty {ID}]

Words [getty {ID} width=300] in a sentence, and [[getty 1]].

| a |
|---|
| [getty {ID}] |

`[getty {ID}]` [getty 500000404]
"""


@pytest.fixture(name="kit")
def fixture_kit() -> EmbedKit:
    return Harness().kit


PROCESSORS = {
    "Python-Markdown": lambda text: markdown.markdown(text, extensions=["tables", "smarty", "fenced_code"]),
    "markdown-it-py": markdown_it.MarkdownIt("commonmark", {"typographer": True}).enable("table").render,
    "mistune": mistune.create_markdown(plugins=["table"]),
    "bleach": lambda text: bleach.clean(mistune.html(text), tags=["p", "code", "table", "tbody", "tr", "td"]),
    "nh3": lambda text: nh3.clean(mistune.html(text)),
}


@pytest.mark.parametrize("name", PROCESSORS)
def test_a_text_is_shelved_processed_and_restored(kit: EmbedKit, name: str) -> None:
    shelf = kit.shelve(POST, input="markdown")
    assert "[getty 7" not in shelf.text.replace(f"`[getty {ID}]`", "")
    html = shelf.restore(PROCESSORS[name](shelf.text))
    assert html.count("<iframe") == 3
    assert '<span role="figure"' in html  # within the sentence
    assert "<p><figure" not in html
    assert f"<code>[getty {ID}]</code>" in html
    assert "[getty 1]" in html
    assert "no longer available" in html
    assert [problem.code for problem in shelf.problems] == ["not-found"]
    assert [embed.ref.items for embed in shelf.embeds] == [(ID,)] * 3


def test_text_replaces_an_embed_where_markup_is_not_allowed(kit: EmbedKit) -> None:
    shelf = kit.shelve(f"[getty {ID}]")
    word = shelf.text
    for before, after in (
        ('<a title="', '">x</a>'),
        ("<title>", "</title>"),
        ("<!-- ", " -->"),
        ("<script>'", "'</script>"),
    ):
        restored = shelf.restore(f"{before}{word}{after}")
        assert "<iframe" not in restored
        assert restored.startswith(before + "Under the lights")
    assert "<iframe" not in shelf.restore(f'<a href="/x">{word}</a>')
    assert shelf.restore(f"<p> {word} </p>").startswith("<figure")
    assert shelf.restore(f"<p>a {word}</p>").startswith('<p>a <span role="figure"')


def test_placeholders_of_another_call_are_left_alone(kit: EmbedKit) -> None:
    one, other = kit.shelve(f"[getty {ID}]"), kit.shelve(f"[getty {ID}]")
    assert one.restore(other.text) == other.text
    assert one.restore(one.text.replace("n0x", "n7x")) == one.text.replace("n0x", "n7x")


def test_figures_are_shown_for_a_feed(kit: EmbedKit) -> None:
    page = f"<p>a</p>{kit.render(f'[getty {ID} align=left width=300 caption=Ours]')}<p>b</p>"
    feed = kit.retarget(page, "feed")
    assert "<iframe" not in feed
    assert "Ours" in feed
    assert feed.startswith("<p>a</p>")
    assert feed.endswith("<p>b</p>")
    sentence = kit.retarget(kit.render(f"<p>See [getty {ID}].</p>"), "feed")
    assert sentence.startswith("<p>See <span><a ")
    assert sentence.endswith("</a>, Photo&#58; Ivo Lindqvist &#47; Touchline Sport &#47; Getty Images</span>.</p>")
    for target in ("facade", "card", "amp"):
        assert kit.retarget(kit.render(f"[getty {ID}]", target=target), "web").count("<iframe") == 1
    for other in (
        '<figure class="ek ek--web">',
        '<figure class="ek ek--web"></figure>',
        "<figure class=x></figure>",
    ):
        assert kit.retarget(other, "feed") == other
    fake = '<figure class="ek ek--web"><iframe src="https://x/embed/!,?"></iframe><b>x</b></figure>'
    assert kit.retarget(fake, "feed") == fake
    with pytest.raises(ConfigurationError):
        kit.retarget("", "fed")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options", ["", "tld=de", "tld=co.uk width=300 align=left", "caption=true", "caption=Ours"]
)
@pytest.mark.parametrize("target", ["web", "facade", "amp"])
def test_the_options_of_a_figure_are_kept(kit: EmbedKit, options: str, target: Target) -> None:
    page = kit.render(f"[getty {ID} {options}]", target=target)
    assert kit.retarget(page, target) == page
    assert kit.retarget(page, "feed") == kit.render(f"[getty {ID} {options}]", target="feed")


def test_a_fingerprint_changes_with_what_a_page_shows() -> None:
    harness = Harness()
    text = f"[getty {ID}]"
    before = harness.kit.fingerprint(text)
    harness.kit.warm([text])
    warm = harness.kit.fingerprint(text)
    assert warm != before
    assert harness.kit.fingerprint(f"{text} words") != warm
    assert harness.kit.fingerprint(f"[getty {ID} width=300]") != warm
    harness.clock.now += 60
    assert harness.kit.fingerprint(text) == warm
    harness.sandbox.withdraw(ID)
    harness.kit.purge(ID)
    unknown = harness.kit.fingerprint(text)
    assert unknown != warm
    harness.kit.warm([text])
    assert harness.kit.fingerprint(text) not in (unknown, warm)


def test_a_fingerprint_changes_with_settings_and_templates(tmp_path: Path) -> None:
    def fingerprint(**settings: str) -> str:
        kit = EmbedKit(
            Settings(cache="memory:", secret="s" * 40, **settings),  # type: ignore[arg-type]
            transport=SandboxTransport(),
            cache=store,
            clock=lambda: 1e9,
        )
        kit.warm([text])
        return kit.fingerprint(text)

    text, templates, store = f"[getty {ID}]", {"templates": str(tmp_path)}, SimpleCache()
    assert fingerprint() == fingerprint()
    found = {fingerprint(), fingerprint(target="feed"), fingerprint(on_error="link"), fingerprint(**templates)}
    (tmp_path / "embedkit").mkdir()
    (tmp_path / "embedkit" / "web.html").write_text("a")
    found.add(fingerprint(**templates))
    (tmp_path / "embedkit" / "web.html").write_text("b")
    found.add(fingerprint(**templates))
    assert len(found) == 6


def test_numbers_are_references(kit: EmbedKit) -> None:
    assert kit.html(74917285) == kit.html("74917285")
    assert kit.resolve(74917285).ref.items == (ID,)
    for wrong in (True, 1.5, None, -5, 74917285.0):  # the last one equals an ID that is memoized
        assert "<iframe" not in kit.html(wrong)  # type: ignore[arg-type]


def test_markup_in_gives_markup_out(kit: EmbedKit) -> None:
    assert isinstance(kit.render(Markup(f"<p>[getty {ID}]</p>")), Markup)
    assert not isinstance(kit.render("x"), Markup)
    assert kit.filter(f"<b>[getty {ID} caption='x']").startswith("&lt;b&gt;<figure")
    assert kit.filter(Markup("<b>")) == kit.filter("<b>", autoescape=False) == "<b>"
    shelf = kit.shelve(Markup(f"<p>[getty {ID}]</p>"))
    assert shelf.restore(Markup(shelf.text)).startswith("<figure")
    assert isinstance(shelf.restore(Markup(shelf.text)), Markup)
    assert isinstance(kit.retarget(Markup("<p>a & b</p>"), "feed"), Markup)
    assert kit.convert(Markup("<p>a &amp; b</p>")).content == Markup("<p>a &amp; b</p>")
    assert isinstance(kit.convert(Markup("x")).content, Markup)


def test_a_jinja_filter_works_like_urlize(kit: EmbedKit) -> None:
    jinja = jinja2.Environment(autoescape=True)
    jinja.filters["getty"] = kit.filter
    for body, start in ((f"<hr>[getty {ID}]", "&lt;hr&gt;<figure"), (Markup(f"<hr>[getty {ID}]"), "<hr><figure")):
        assert jinja.from_string("{{ body|getty }}").render(body=body).startswith(start)


@pytest.mark.parametrize(
    ("call", "names"),
    [
        (lambda kit: kit.html(ID, "feed"), "options is 'feed', not an Options"),
        (lambda kit: kit.resolve(ID, {"max_width": 3}), "options is {'max_width': 3}, not an Options"),
        (lambda kit: kit.show(ID), f"embed is '{ID}', not an Embed"),
        (lambda kit: kit.show(kit.resolve(ID), "feed"), "options is 'feed', not an Options"),
        (lambda kit: kit.render(5), "text is 5, not a str"),
        (lambda kit: kit.find(None), "text is None, not a str"),
        (lambda kit: kit.shelve(b"x"), "text is b'x', not a str"),
        (lambda kit: kit.fingerprint(5), "text is 5, not a str"),
        (lambda kit: kit.convert(5), "text is 5, not a str"),
        (lambda kit: kit.retarget(5, "feed"), "text is 5, not a str"),
        (lambda kit: EmbedKit({"cache": "memory:"}), "settings is {'cache': 'memory:'}, not a Settings"),
    ],
)
def test_an_argument_in_the_wrong_place_is_named(kit: EmbedKit, call: Callable[[Any], Any], names: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(names)):
        call(kit)


def test_pasted_code_is_rendered_without_changing_the_source(kit: EmbedKit) -> None:
    code = f'<iframe src="//embed.gettyimages.com/embed/{ID}?et=a&sig=b" width="300" height="200"></iframe>'
    assert kit.render(code) == code
    assert "ek--web" in kit.render(code, pasted=True)
    assert kit.convert(code).content.startswith(f'[getty src="{ID}"')
    both = kit.document(f"---\nhero: {code}\n---\n[getty 500000404]", input="markdown", pasted=True)
    assert [one.code for one in both.problems] == ["embed-code", "not-found"]
    front = f"---\nhero: {code}\n---\n"
    assert [one.line for one in kit.convert(front, input="markdown", first_line=5).problems] == [6]


def test_problems_have_the_line_numbers_of_the_file(kit: EmbedKit) -> None:
    assert kit.document("[getty 500000404]", first_line=9).problems[0].line == 9


def test_options_from_the_names_that_hosts_use() -> None:
    words = {
        "width": "300px",
        "max-height": 200,
        "ALT": "A b",
        "align": "alignright",
        "tld": None,
        "caption": "yes",
    }
    options, problems = Options.from_words(words)
    assert (options, problems) == (
        Options(max_width=300, max_height=200, title="A b", align="right", caption=True),
        (),
    )
    options, problems = Options.from_words({"widht": 1, "zzz": 1, "width": True, "align": "up", "caption": False})
    assert options == Options(caption=False)
    assert [one.code for one in problems] == ["unknown-attribute"] * 2 + ["invalid-attribute"] * 2


def test_options_from_any_values_raise_nothing() -> None:
    options, problems = Options.from_words({"width": 10**5000, 10**5000: 1, b"x": 1})  # type: ignore[dict-item]
    assert options == Options()
    assert [one.code for one in problems] == ["invalid-attribute"] + ["unknown-attribute"] * 2


def test_values_have_a_short_repr(kit: EmbedKit) -> None:
    assert len(repr(kit)) < 80
    assert len(repr(kit.resolve(ID))) < 120


def test_assets_are_copied(kit: EmbedKit, tmp_path: Path) -> None:
    assert kit.copy_assets(tmp_path / "static") == ["embedkit.css", "embedkit-facade.js"]
    assert (tmp_path / "static" / "embedkit.css").exists()


def test_the_id_of_a_heading_is_the_same_in_every_build(kit: EmbedKit) -> None:
    html = []
    for _ in range(2):
        shelf = kit.shelve("# A [getty 74917285]", input="markdown")
        word = shelf.text.split()[-1]
        made = f'<a href="#a-{word}">{word}</a><h1 id="a-{word}" title="{word}">A</h1>'
        html.append(shelf.restore(made))
        assert shelf.anchor(f"a-{word}") == "a-picture-1"
        assert shelf.words(f"A {word}") == "A Under the lights at the corner court"
        assert shelf.words("ek0n1x") == "ek0n1x"
    assert html[0] == html[1]
    assert '<h1 id="a-picture-1" title="Under the lights' in html[0]
    assert '<a href="#a-picture-1">Under the lights' in html[0]
