"""Foreign text stays text for whatever parses our output next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from string import punctuation
from typing import Any, get_args

import commonmark
import html5lib
import markdown
import mistune
import pytest
from hypothesis import given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from embedkit import AssetRef, ConfigurationError, EmbedKit, InvalidResponse, Options, Settings
from embedkit.rendering.escaping import (
    BACKSLASHED,
    Own,
    dump_json,
    escape_text,
    mask,
    unmask,
)
from embedkit.rendering.renderer import INERT, Renderer
from embedkit.shortcodes.scan import find
from embedkit.targets import INPUTS, ROWS, TARGETS, Escape, Input, Target
from tests.support.embeds import (
    HOSTILE,
    HTML_TARGETS,
    elements,
    hostile,
    record,
    skeleton,
    tree,
)
from tests.support.processors import PROCESSORS

RENDERER = Renderer(Settings().rendering)
NONE = Options()
CHARACTERS = "[x](/y) *a* {{ 7 }} <b> & \"q\" 'q' -- :x: $x$ `c` www.x.example a@x.example \\"
REFERENCES = "".join(f"&#{ord(one)};" if one in punctuation else one for one in CHARACTERS)
BACKSLASHES = (
    r"\[x\]&#40;&#47;y&#41; \*a\* &#123;&#123; 7 &#125;&#125; &#60;b&#62; &#38; &#34;q&#34; &#39;q&#39; \-\- "
    r"&#58;x&#58; &#36;x&#36; &#96;c&#96; www\.x\.example a&#64;x\.example \\"
)
JSON = "".join(f"\\u{ord(one):04x}" if one in punctuation else one for one in CHARACTERS)

# CHARACTERS in the middle of a line, by escape.
ESCAPED: dict[Escape, str] = {"references": REFERENCES, "markdown": BACKSLASHES, "none": CHARACTERS, "json": JSON}
# CHARACTERS with their context, for combinations that differ.
CELLS: dict[tuple[Target, Input], str] = {
    **{("markdown", input): f"{BACKSLASHES}](" for input in INPUTS},
    **{("jsonld", input): f'"name": "{JSON}"' for input in INPUTS},
    ("text", "html"): f"{REFERENCES} &#8212; ",
    # at the start of a line, a backslash can be a delimiter
    **{("text", input): "&#91;" + BACKSLASHES[2:] for input in ("markdown", "commonmark")},
    ("text", "text"): f"{CHARACTERS} — ",
}


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("target", TARGETS)
def test_every_combination_of_target_and_input(target: Target, input: Input) -> None:
    escape = ROWS[target].escape[input]
    assert escape in ESCAPED, "a new escape: add its output for CHARACTERS to ESCAPED"
    out = str(RENDERER.render(record(title=CHARACTERS), Options(title=CHARACTERS), target, input))
    assert CELLS.get((target, input), ESCAPED[escape]) in out


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("on_error", ["card", "link", "text"])
def test_every_combination_for_fallbacks_and_plain_texts(target: Target, input: Input, on_error: str) -> None:
    renderer = Renderer(Settings(on_error=on_error).rendering)
    shown = str(renderer.fallback(AssetRef(("1",)), NONE, target, texts={"title": f"x {CHARACTERS}"}, input=input))
    plain = str(renderer.plain(f"x {CHARACTERS}", target, input))
    if ROWS[target].fallback == "nothing":
        assert shown == plain == ""
        return
    for out in (shown, plain):
        assert [name for name in ESCAPED if f"x {ESCAPED[name]}" in out] == [ROWS[target].escape[input]]


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("target", TARGETS)
def test_characters_are_unescaped_only_in_plain_text(target: Target, input: Input) -> None:
    row = ROWS[target]
    raw = [char for char in "<&{" if char in escape_text(f"a{char}b", row.escape[input]).replace("&#", "")]
    assert not raw or (input == "text" and not row.is_markup), (
        f"{raw} is read as markup: see BY_INPUT in targets.py"
    )


# -- the same page to a browser --------------------------------------------------------------------------


def walk(html: str) -> list[tuple[object, ...]]:
    """Return everything that a parser finds: elements, attributes with their values, texts."""
    return [(one.tag, dict(one.attrib), one.text, one.tail) for one in tree(html).iter()]


@bounds(max_examples=200, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"])))
def test_character_references_give_the_same_page(text: str) -> None:
    html = html5lib.serializer.serialize(tree(f"<p>{unmask(mask(text), 'references')}</p>"))
    assert walk(html) == walk(f"<p>{text.replace('&', '&amp;').replace('<', '&lt;')}</p>")
    (only,) = elements(f'<p title="{escape_text(text, "references")}"></p>')
    assert only.attrib["title"] == text


@bounds(max_examples=200, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cn"])))  # the masks are in no text
def test_json_has_the_same_value(text: str) -> None:
    value: dict[str, Any] = {"a": text, "b": [text, {"c": text}], "n": 1, "none": None}
    assert json.loads(dump_json(value)) == value


@pytest.mark.parametrize("text", ["\ufdd0", "\ufdd0a", "a\ufdd0[", "\ufdd0\ufdd0b"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_text_that_contains_a_mask_is_harmless(text: str, target: Target) -> None:
    out = str(RENDERER.render(*hostile(f"x{text}y"), target))
    assert "\ufdd0" not in out
    assert "fdd0" not in out


def test_no_mask_is_output() -> None:
    for escape in get_args(Escape):
        out = unmask("".join(map(chr, (*range(0xFDD0, 0xFDF0), 0xFFFE))), escape)
        assert not any("\ufdd0" <= one <= "\ufdef" or one == "\ufffe" for one in out)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("target", HTML_TARGETS)
def test_texts_contain_no_raw_punctuation(text: str, target: Target) -> None:
    raw = str(RENDERER.render(*hostile(f"zzz{text}zzz"), target))
    for piece in raw.split("zzz")[1::2]:
        assert not set(piece.replace("&#", "").replace(";", "")) & set(punctuation)


# -- Markdown --------------------------------------------------------------------------------------------


def paragraph(html: str) -> str:
    return "".join(tree(html).itertext()).strip()


@pytest.mark.parametrize("char", sorted(BACKSLASHED))
@pytest.mark.parametrize("name", PROCESSORS)
def test_every_processor_accepts_our_backslash_escapes(name: str, char: str) -> None:
    html = PROCESSORS[name](f"a \\{char}b\\{char} c")
    assert paragraph(html) == f"a {char}b{char} c"
    assert skeleton(html) == [("p", ())]


@pytest.mark.parametrize("char", sorted(set(punctuation) - BACKSLASHED))
@pytest.mark.parametrize("name", PROCESSORS)
def test_every_processor_accepts_references_for_all_other_characters(name: str, char: str) -> None:
    html = PROCESSORS[name](f"a &#{ord(char)};b&#{ord(char)}; c")
    assert paragraph(html) == f"a {char}b{char} c"
    assert skeleton(html) == [("p", ())]


def test_characters_that_a_backslash_does_not_escape() -> None:
    """For each other character, a processor that doesn't accept it after a backslash."""
    for char in "\"$%&',/:;<=?@^|~":
        assert paragraph(markdown.markdown(f"a \\{char} b")) == f"a \\{char} b"
    assert "<code>b \\</code>" in commonmark.commonmark("a ` b \\` c").replace("<code> ", "<code>")
    assert "arithmatex" in markdown.markdown(r"a \(x\) b", extensions=["pymdownx.arithmatex"])
    assert "{{" in r"\{{ x \}}"  # template engines ignore backslashes


@pytest.mark.parametrize(
    "text",
    [
        *(
            "- x",
            "+ x",
            "* x",
            "1. x",
            "1) x",
            "# x",
            "> x",
            "---",
            "===",
            "***",
            "!!! note",
            "[^1]: x",
            "[x]: /y",
        ),
        *(": x", "*[A]: x", "|a|b|", "    x", "~~~", "```", "<div>", "export const a = 1", "import x", r"\[x\]"),
    ],
)
@pytest.mark.parametrize("name", PROCESSORS)
def test_no_text_starts_a_block(name: str, text: str) -> None:
    shown = str(RENDERER.plain(text, "text", "markdown"))
    html = PROCESSORS[name](f"{shown}\n\nx")
    assert skeleton(html) == [("p", ()), ("p", ())]
    assert paragraph(html).split("\n")[0] == text.strip()


def test_no_text_is_a_statement_in_mdx() -> None:
    for text in ("import x", "export default x"):
        assert str(RENDERER.plain(text, "text", "markdown")).startswith("&#")
    assert str(RENDERER.plain("imports", "text", "markdown")) == "imports"


def test_a_link_with_the_text_x_is_not_a_task_list_item() -> None:
    """Goldmark (and so Hugo) reads "- [x](/y)" as a task list item."""
    assert str(RENDERER.render(record(title="x"), NONE, "markdown")).startswith("[&#120;](https:")
    assert str(RENDERER.render(record(title="xx"), NONE, "markdown")).startswith("[xx](https:")


def test_mistune_and_markdown_it_with_their_defaults() -> None:
    """They show HTML as text; there, too, no foreign text becomes a link."""
    shown = str(RENDERER.plain(CHARACTERS, "markdown"))
    for html in (mistune.html(shown), MarkdownIt("js-default").render(shown)):
        assert skeleton(str(html)) == [("p", ())]


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize("name", PROCESSORS)
def test_an_exclamation_mark_before_a_link_makes_no_image(name: str, input: Input, kit: EmbedKit) -> None:
    for before, shown in (("Look!", "Look!"), ("\\\\!", "\\!"), ("\\!", "!"), ("!!", "!!"), ("[!", "[!")):
        html = PROCESSORS[name](kit.render(f"x {before}[getty 74917285]", input=input, target="markdown"))
        assert dict(skeleton(html)).keys() == {"p", "a"}
        assert paragraph(html).startswith(f"x {shown}[x](y) — ")
    assert kit.render("Look![getty 74917285]", input=input, target="web").startswith(
        ("Look!<figure", "Look!<span")
    )
    assert kit.render("![getty 74917285]", input="text", target="text").startswith("![x](y) — ")


# -- our own scanner -------------------------------------------------------------------------------------

TAGS = (
    "getty 1",
    "GETTY 1",
    "",
    "[getty 1]",
    "[[getty 1]]",
    "[GETTY 1]",
    "[getty src='1']",
    "[getty]1[/getty]",
    "x\n\n[getty 1]",
)


@pytest.mark.parametrize("text", TAGS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_second_pass_finds_nothing_in_texts(target: Target, text: str) -> None:
    for input in INPUTS:
        if ROWS[target].escape[input] == "none":
            continue  # plain text, as the README says
        outputs = RENDERER.render(*hostile(text), target, input), RENDERER.plain(text, target, input)
        for out in map(str, outputs):
            for again in INPUTS:
                for template in ("{}", "<p>{}</p>", "- {}", "x {} y"):
                    assert find(template.format(out), again) == [], (
                        f"{target} in {input} becomes a tag in {again}: see _TAG_NAME and _TABLES in escaping.py"
                    )


@pytest.mark.parametrize("title", ["Getty 1", "getty 74917285", "GETTY 1 width=3", ""])
def test_a_second_pass_finds_nothing_in_brackets_of_a_host_template(title: str, tmp_path: Path) -> None:
    """Such as the text of a link, ``link:URL[Getty 1]``. Without a title, it is "Getty Images picture 1"."""
    (tmp_path / "embedkit").mkdir()
    for name in ("web.html", "markdown.md"):
        (tmp_path / "embedkit" / name).write_text("<p>link:/x[{{ title }}] [[{{ title|e }}]]</p>")
    renderer = Renderer(Settings(templates=str(tmp_path)).rendering)
    targets: tuple[Target, ...] = ("web", "markdown")
    for target in targets:
        for input in INPUTS:
            out = str(renderer.render(record(title=title), NONE, target, input))
            assert [find(out, again) for again in INPUTS] == [[]] * len(INPUTS), out
            assert "".join(tree(out).itertext()).count(f"[{title or 'Getty Images picture'}") == 2


@pytest.mark.parametrize("input", INPUTS)
@pytest.mark.parametrize(
    "text", ["&#91;getty 1&#93;", "&lbrack;getty 1&rbrack;", "&#x5B;getty 1]", "&amp;#91;getty 1]"]
)
def test_the_scanner_does_not_decode_brackets(input: Input, text: str) -> None:
    assert find(text, input) == []


def test_a_character_reference_in_quotes_does_not_end_a_tag() -> None:
    (found,) = find("[getty 1 caption=&quot;a &#93; b&quot;]", "html")
    assert found.options.caption == "a ] b"


def test_an_escape_rendered_twice_is_read_as_documented() -> None:
    kit = EmbedKit(Settings(cache="memory:", secret="s" * 40))
    for input in INPUTS:
        once = kit.render("[[getty cat]]", input=input)
        assert once == "[getty cat]"
        assert kit.document(once, input=input).problems  # it is read
        assert kit.render(kit.render("[[[getty cat]]]", input=input), input=input) == "[getty cat]"


# -- caching ---------------------------------------------------------------------------------------------


@pytest.fixture(name="kit")
def fixture_kit(tmp_path: Path) -> Iterator[EmbedKit]:
    with EmbedKit(Settings(cache=f"sqlite:{tmp_path / 'cache.sqlite'}", secret="s" * 40)) as kit:
        kit.cache.store(record(title="[x](y)"), tld="com")
        yield kit


def test_cached_html_is_not_mixed_up(kit: EmbedKit) -> None:
    tag = "[getty 74917285]"
    starts = {"html": "&#91;x&#93;&#40;", "text": "[x](y)"}
    starts["markdown"] = starts["commonmark"] = r"&#91;x\]&#40;"
    for _ in range(3):
        for input in INPUTS:
            assert kit.render(tag, input=input, target="text").startswith(starts[input])
            assert str(kit.html("74917285", target="text")).startswith("[x](y)")
            assert kit.render(tag, input=input, target="markdown").startswith(r"[\[x\]&#40;")
    kept = kit.cache.get(("74917285",), "com").html
    assert len(kept) == 4  # text three times, Markdown once


def test_markup_is_cached_once_for_all_inputs(kit: EmbedKit) -> None:
    assert len({kit.render("[getty 74917285]", input=input) for input in INPUTS}) == 1
    assert len(kit.cache.get(("74917285",), "com").html) == 1


def test_every_method_passes_the_input_on(kit: EmbedKit) -> None:
    embed = kit.resolve("74917285")
    text = Options(target="text")
    assert str(kit.show(embed, text, "markdown")).startswith("&#91;x")
    assert str(kit.show(embed, text)).startswith("[x](y)")
    refused = InvalidResponse("x", texts={"title": "[x](y)"})
    assert str(kit.fallback("74917285", refused, text, "markdown")).startswith("&#91;x")
    assert str(kit.fallback("74917285", refused, text)).startswith("[x](y)")
    assert str(kit.fallback("no *reference*", refused, text, "markdown")) == r"no \*reference\*"


# -- host templates --------------------------------------------------------------------------------------


def host(tmp_path: Path, **files: str) -> Renderer:
    for name, text in files.items():
        path = tmp_path / "embedkit" / name.replace("_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    return Renderer(Settings(templates=str(tmp_path)).rendering)


def test_a_host_template_escapes_texts_and_prints_our_values_unchanged(tmp_path: Path) -> None:
    renderer = host(
        tmp_path,
        web_html="""<b title="{{ title }}" data-{{ ref }}>{{ title|upper }} {{ '[host]' }} [mine] {{ words.view }}</b>
        <script>f('{{ frame.et }}', '{{ frame.sig }}', '{{ items }}', '{{ frame_path }}', {{ title|tojson }})</script>
        <a href="{{ page_url }}">{{ frame.path() }} {{ width }}</a>{{ data|tojson }}""",
    )
    out = str(renderer.render(record(title="[a_b](c)"), NONE, "web"))
    assert 'title="&#91;a&#95;b&#93;&#40;c&#41;" data-74917285' in out
    assert "&#91;A&#95;B&#93;&#40;C&#41;" in out
    assert "[mine]" in out
    assert f"f('{'e' * 22}', '{'s' * 43}=', '74917285', '/embed/74917285?" in out
    assert r'"\u005ba\u005fb\u005d\u0028c\u0029"' in out
    assert 'href="https://www.gettyimages.com/detail/74917285"' in out


def test_a_host_template_for_markdown_can_use_the_filter_or_not(tmp_path: Path) -> None:
    renderer = host(
        tmp_path, markdown_md="{{ title|markdown }} {{ title }}", text_txt="> {{ title }}\n{{ caption }}"
    )
    assert renderer.render(record(title="a [x]"), NONE, "markdown") == r"a \[x\] a \[x\]"
    shown = renderer.render(record(title="a [x]"), Options(caption="- b"), "text", "markdown")
    assert shown == "> a \\[x\\]\n&#45; b"


def test_own_values_are_strings() -> None:
    assert Own("a") == "a"
    assert mask("") == ""


# Expressions in a host template, and their output for the title "[x](y) 1st {{ 7 }}".
TEXT = "[x](y) 1st {{ 7 }}"
PRINTED = "&#91;x&#93;&#40;y&#41; 1&#115;t &#123;&#123; 7 &#125;&#125;"
EXPRESSIONS = {
    **dict.fromkeys(
        (
            *(
                "{{ title }}",
                "{{ title|e }}",
                "{{ title|escape|e }}",
                "{{ title|forceescape }}",
                "{{ title|safe }}",
            ),
            *("{{ title|trim|e }}", "{{ title|string|e }}", "{{ data.name|e }}", "{{ title|urlize }}"),
            *(
                "{{ ''|safe ~ title }}",
                "{{ ''|safe + title }}",
                "{{ title + ''|safe }}",
                "{{ '%s'|safe|format(title) }}",
            ),
            *("{{ ('{}'|safe).format(title) }}", "{{ [title]|join(''|safe) }}", "{{ [title]|map('e')|join }}"),
            *("{{ ''|safe ~ title|replace('z', 'q') }}", "{{ title[:99]|e }}", "{{ title.split('z')[0]|e }}"),
            *("{% macro m(t) %}{{ t }}{% endmacro %}{{ m(title) }}", "{% set s %}{{ title }}{% endset %}{{ s }}"),
            *(
                "{% filter trim %}{{ title }}{% endfilter %}",
                "{% autoescape true %}{{ title|e }}{% endautoescape %}",
            ),
            "{% if title == '[x](y) 1st {{ 7 }}' and '](' in title and title|length == 18 %}{{ title }}{% endif %}",
        ),
        PRINTED,
    ),
    "{% set s %}<b>{{ title }}</b>{% endset %}{{ s|e }}": f"<b>{PRINTED}</b>",
    "{{ '<b>'|safe|escape|e }}{{ '<i>'|e }}": "<b>&#60;i&#62;",
    "{{ {'title': title}|xmlattr }}": f'title="{PRINTED}"',
    "{{ 3 / 2 }} {{ width }} {{ none }} {{ true }} {{ slideshow }}": "1.5 594 None True False",
    "{{ [title] }}": f"&#91;&#39;{PRINTED}&#39;&#93;",
    "{% filter upper %}{{ title }}{% endfilter %}": PRINTED.upper().replace("1&#115;T", "1ST"),
    "{% macro m(t) %}{{ t }}{% endmacro %}{{ m(title)|upper }}": PRINTED.upper().replace("1&#115;T", "1ST"),
    "{{ title|upper|e }}": PRINTED.upper().replace("1&#115;T", "1ST"),
    "{% filter truncate(2, true, '') %}{{ title }}{% endfilter %}": "&#91;x",
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_texts_are_escaped_whatever_a_host_template_does_with_them(tmp_path: Path, expression: str) -> None:
    renderer = host(tmp_path, web_html=expression)
    assert renderer.render(record(title=TEXT), NONE, "web") == EXPRESSIONS[expression]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_texts_are_escaped_in_host_templates_for_markdown_too(tmp_path: Path, expression: str) -> None:
    shown = host(tmp_path, markdown_md=f"x {expression}").render(record(title=TEXT), NONE, "markdown")
    assert find(shown, "markdown") == []
    for raw in ("](", "{{", "1st", "\ufffe"):
        assert raw not in shown
    assert not any("\ufdd0" <= one <= "\ufdef" for one in shown)


def test_a_macro_in_markdown_is_not_escaped(tmp_path: Path) -> None:
    template = "{% macro link(t) %}*[{{ t }}]({{ page_url }})*{% endmacro %}{{ link(title) }}"
    shown = host(tmp_path, markdown_md=template).render(record(title="a [x]"), NONE, "markdown")
    assert shown == r"*[a \[x\]](https://www.gettyimages.com/detail/74917285)*"


@pytest.mark.parametrize("text", ["1st place", "The 2nd of 3rd", "11th and 21st", "a 4th"])
@pytest.mark.parametrize("name", PROCESSORS)
def test_ordinal_numbers_are_unchanged(name: str, text: str) -> None:
    """pymdownx.smartsymbols would make their letters superscript."""
    for input in INPUTS:
        html = PROCESSORS[name](f"x {RENDERER.plain(text, 'web', input)}\n")
        assert "sup" not in dict(skeleton(html))
        assert paragraph(html) == f"x {text}"


def test_a_failing_host_template_raises(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no_such_name"):
        host(tmp_path, web_html="{{ no_such_name }}").render(record(), NONE, "web")


# -- template engines that read the live page ------------------------------------------------------------


@pytest.mark.parametrize("sanitizer", ["nh3", "bleach"])
@pytest.mark.parametrize("on_error", ["card", "link", "text"])
def test_the_root_element_is_inert_on_pages(sanitizer: str, on_error: str) -> None:
    renderer = Renderer(Settings(sanitizer=sanitizer, on_error=on_error).rendering)
    inert = {"v-pre", "x-ignore", "ng-non-bindable"}
    for target in HTML_TARGETS:
        shown = (
            renderer.render(record(), NONE, target),
            renderer.fallback(AssetRef(("1",)), NONE, target),
            renderer.plain("x", target),
        )
        for html in map(str, shown):
            root = next(elements(html), None)
            has = root is not None and inert <= set(root.attrib)
            assert has is ROWS[target].is_inert, (
                target,
                html,
                "a target for pages prints {{ inert }} at its root",
            )
            assert html.count("v-pre") == has


def test_no_other_value_of_these_attributes_passes_the_sanitizers() -> None:
    for name in ("nh3", "bleach"):
        net = Renderer(Settings(sanitizer=name).rendering)._sanitizer
        assert "alert" not in net.clean('<figure v-pre="alert(1)" x-ignore="alert(1)" v-html="alert(1)"></figure>')
    assert INERT.count('=""') == 3
