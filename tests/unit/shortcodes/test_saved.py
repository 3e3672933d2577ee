"""What authors write and editors save: which of it refers to a picture, and which markup is replaced."""

from __future__ import annotations

import pytest

from embedkit.engine import documents
from embedkit.models import Options
from embedkit.shortcodes.editors import linked_url
from embedkit.shortcodes.scan import find, front_matter_end

URL = "https://gty.im/74917285"
PAGE = "https://www.gettyimages.com/detail/photo/x/74917285"


@pytest.mark.parametrize(
    ("input", "whole"),
    [
        ("html", f'<p><a href="{URL}">{URL}</a></p>'),
        ("html", f'<p><a href="{URL}" rel=x target="_blank">gty.im/74917285</a></p>'),
        ("html", f'<p><a href="{URL}"><u>{URL}</u></a></p>'),
        ("html", f'<a href="{URL}">{URL}</a>'),
        ("html", f'<p><span style="x"><a href="{URL}">{URL}</a></span><br /></p>'),
        ("html", f'<p><a href="{PAGE}">www.gettyimages.com/detail/p…</a></p>'),
        ("html", f'<p><a href="{PAGE}">https://www.gettyimages.com/<wbr>detail/photo/x/74917285</a></p>'),
        ("html", f'<p><a href="{PAGE}"><span class="invisible">https://</span><span>{PAGE[8:]}</span></a></p>'),
        ("html", f'<p><a href="https://www.google.com/url?q={URL}&amp;sa=D&amp;ust=1">{URL}</a></p>'),
        ("html", f'<p><span style="font-weight:400">{URL}</span></p>'),
        ("html", f"<p>{URL}<br></p>"),
        ("html", f"<p><br>{URL}&nbsp;</p>"),
        ("html", f"<p>&#8203;{URL}</p>"),
        ("html", f"<p>\u200b{URL}\u200b</p>"),
        ("html", f"<p><strong><em>{URL}</em></strong></p>"),
        ("html", f"<p>[embed]{URL}[/embed]</p>"),
        ("html", f'<p><img src="{URL}"></p>'),
        ("html", f'<div data-oembed-url="{URL}"><div style="x"><iframe src="{URL}"></iframe></div></div>'),
        ("html", f'<drupal-url data-embed-url="{URL}" data-url-provider="Getty"></drupal-url>'),
        ("html", f'<figure class="media"><div data-oembed-url="{URL}"><iframe></iframe></div></figure>'),
        ("html", "<p>[getty 74917285\u200f]</p>"),
        ("html", "<p>[getty\u200b 74917285]</p>"),
        ("html", '<p>[getty src="74917285"<br />\nwidth="300"]</p>'),
        ("html", "<p>[getty src=&quot;74917285&quot;&nbsp;width=&#8221;300&#8243;]</p>"),
        ("markdown", f"[{URL}]({URL})"),
        ("markdown", f'[{URL}]({URL} "A title")'),
        ("markdown", f'[{URL}]({URL}){{:target="_blank"}}'),
        ("markdown", f'[{URL}]({URL}){{target="_blank" .x}}'),
        ("markdown", f"<{URL}>{{.uri}}"),
        ("markdown", PAGE.join(["[", "](", ")"]).replace("/x/", "/a\\_b/", 1).replace("/x/", "/a_b/")),
        ("markdown", f"[{URL}](https://www.google.com/url?q={URL}&sa=D&ust=1)"),
        ("markdown", f"[embed]{URL}[/embed]"),
        ("markdown", f"<{URL}>"),
        ("markdown", f"![]({PAGE})"),
        ("markdown", f"<strong>{URL}</strong>"),
        ("html", f"<p><a href={URL}>{URL}</a></p>"),
        ("html", f"<p>{URL}<o:p></o:p></p>"),
        ("html", f"<p>{URL}<o:p>&nbsp;</o:p></p>"),
        ("html", f'<p class="p1">{URL}<span class="Apple-converted-space">&nbsp;</span></p>'),
        ("html", f'<drupal-url data-embed-url="{URL}" />'),
        ("markdown", f"**{URL}**"),
        ("markdown", f"*{URL}*"),
        ("markdown", f"__{URL}__"),
        ("markdown", f"[gty.im/74917285]({URL})"),
        ("markdown", f"![](<{URL}>)"),
        ("markdown", f"![]({URL}){{width=300}}"),
        ("markdown", f"{URL}\\"),
        ("text", f"\u200b{URL}"),
        ("html", f"<p>{URL}&#13;\n</p>"),
        ("html", f"<p>&ensp;{URL}&#8239;</p>"),
        ("html", f"<p>\u061c{URL}\u3000</p>"),
        ("html", f"<oembed>{URL}</oembed>"),
        ("html", f'<figure class="media"><oembed>{URL}</oembed></figure>'),
        ("html", f'[embed]<a href="{URL}" rel="x">{URL}</a><br />[/embed]'),
        ("html", f"[embed]&nbsp;\u200b{URL}<br>[/embed]"),
        ("html", f'[embed src="{URL}" width="300" /]'),
        ("html", f"[embed class='x' src='{URL}'][/embed]"),
        ("html", f'<p>[getty]<a href="{URL}">{URL}</a>[/getty]</p>'),
        ("html", f'<p>[getty <a href="{URL}">{URL}</a>]</p>'),
        ("html", f'<p>[getty src="<a href="{URL}">{URL}</a>" width=300]</p>'),
        ("html", '<p>[getty src="74917285"</p>\n<p>width="300"]</p>'),
        ("html", '[getty <span style="font-weight: 400">74917285</span> width=<b>300</b>]'),
        ("html", '[getty src="<strong><em>74917285</em></strong>"]'),
        ("html", r"[getty src=\"74917285\" width=\'300\']"),
        ("html", "[getty 74917285, width=300]"),
        ("html", '[GETTY id="74917285" width="300"][/GETTY]'),
        ("markdown", f"[embed src={URL}]"),
        ("markdown", f"[embed]<{URL}>[/embed]"),
        ("markdown", f"[getty]<{URL}>[/getty]"),
        ("markdown", f"[getty <{URL}> width=300]"),
        ("markdown", f"[getty src=[{URL}]({URL}) width=300]"),
        ("markdown", f"{PAGE}?utm\\_source=a\\_b\\"),
        ("markdown", f"![a [b] \\] c]({PAGE})"),
        ("markdown", f"![a]({PAGE} =300x200)"),
    ],
)
def test_the_whole_markup_is_replaced(input: str, whole: str) -> None:
    (found,) = find(whole, input)
    assert "74917285" in found.reference
    assert whole[found.start : found.end].strip("\u200b") == whole.strip("\u200b")
    assert found.content == "flow"


@pytest.mark.parametrize(
    ("input", "text", "content"),
    [
        ("html", f"<p>Words<br />\n{URL}<br />\nmore</p>", "phrasing"),
        ("html", f"<p>{URL}<br>Words</p>", "phrasing"),
        ("html", f"<p>Words<br>{URL}</p>", "phrasing"),
        ("html", f"<p>In [embed]{URL}[/embed] text</p>", "phrasing"),
        ("html", "<p>a [getty 74917285] b</p>", "phrasing"),
        ("html", "<p>a <em>b</em> [getty 74917285]</p>", "phrasing"),
        ("html", "<h2>[getty 74917285]</h2>", "phrasing"),
        ("html", "<p>a <a href='/x'>[getty 74917285]</a></p>", "text"),
        ("html", "<p>a <a href='/x'>b</a> [getty 74917285]</p>", "phrasing"),
        ("html", "<td>[getty 74917285]</td>", "flow"),
        ("html", "<div><em>[getty 74917285]</em></div>", "phrasing"),
        ("html", "<li><b>a <i>b</i></b> [getty 74917285]</li>", "flow"),
        ("html", "<td><a href='/x'><b>[getty 74917285]</b></a></td>", "text"),
        ("html", "<td><b><q>a</q> [getty 74917285]</b></td>", "phrasing"),
        ("html", "<b>a</b><p>b</p>[getty 74917285]", "flow"),
        ("html", "<x-a>[getty 74917285]</x-a>", "flow"),
        ("html", "<p>a</p>[getty 74917285]", "flow"),
        ("html", f"<div>{URL}</div>", "flow"),
        ("html", "a < b [getty 74917285]", "flow"),
        ("html", "<i>" * 30 + "[getty 74917285]", "phrasing"),
        ("markdown", "a [getty 74917285] b", "phrasing"),
        ("markdown", "# [getty 74917285]", "phrasing"),
        ("markdown", "| [getty 74917285] |", "phrasing"),
        ("markdown", "- [getty 74917285]", "phrasing"),
        ("markdown", "> [getty 74917285]", "phrasing"),
        ("markdown", "1. a\n\n    [getty 74917285]", "phrasing"),
        ("markdown", "!!! note\n    [getty 74917285]", "phrasing"),
        ("markdown", "[getty 74917285] **b**", "phrasing"),
        ("markdown", "<b>[getty 74917285]</b>", "phrasing"),
        ("markdown", "a<br>[getty 74917285]<br>b", "phrasing"),
        ("markdown", "a <a href=x>[getty 74917285]</a>", "text"),
        ("markdown", "  [getty 74917285]", "flow"),
        ("markdown", "<td>[getty 74917285]</td>", "flow"),
        ("markdown", "> a\n> [getty 74917285]", "phrasing"),
        ("markdown", "> [getty 74917285]\n> a", "phrasing"),
        ("markdown", "[a [getty 74917285] b](/x)", "text"),
        ("markdown", f"a ![b]({PAGE}) c", "phrasing"),
        ("markdown", f"Words\n{URL}\nmore", "flow"),
        ("markdown", "<p>\na\n[getty 74917285]\n</p>", "phrasing"),
        ("markdown", "a\r[getty 74917285]\rb", "flow"),
        ("markdown", "<div>[getty 74917285]</div>", "flow"),
        ("text", "a [getty 74917285] b", "flow"),
    ],
)
def test_the_content_model_at_the_shortcode(input: str, text: str, content: str) -> None:
    (found,) = find(text, input)
    assert found.content == content


@pytest.mark.parametrize(
    ("input", "text"),
    [
        ("html", f'<p>See <a href="{URL}">{URL}</a></p>'),
        ("html", f'<p><a href="{URL}">Words</a></p>'),
        ("html", f'<p><a href="{URL}">{URL}<img src="x"></a></p>'),
        ("html", f'<p><a href="https://www.google.com/url?q=https://gty.im/1&amp;sa=D">{URL}</a></p>'),
        ("html", f'<p><a href="https://shop.example/url?q={URL}&amp;sa=D">{URL}</a></p>'),
        ("html", f'<p><a name="{URL}">{URL}</a></p>'),
        ("html", f"<p>{URL} and words</p>"),
        ("html", f"<p>Words\n{URL}\nmore</p>"),
        ("html", f"<p><span>{URL}</em></p>"),
        ("html", f"<p>{'<b>' * 9}{URL}{'</b>' * 9}</p>"),
        ("html", f"[[embed]{URL}[/embed]]"),
        ("html", f'<div data-oembed-url="{URL}">'),
        ("html", f'<div data-oembed-url="{URL}">' + "<div></div>" * 40),
        ("html", f'<div title="{URL}"></div>'),
        ("html", f'<!-- <a href="{URL}">{URL}</a> -->'),
        ("html", '<img src="https://media.gettyimages.com/id/74917285/photo/x.jpg">'),
        ("markdown", f"x [{URL}]({URL}) y"),
        ("markdown", f"[{URL}](https://gty.im/1)"),
        ("markdown", f"[{URL}]({URL}){{{{ x }}}}"),
        ("markdown", "![x](https://media.gettyimages.com/id/74917285/photo/x.jpg)"),
        ("markdown", f"`![]({PAGE})`"),
        ("markdown", f"({URL})"),
        ("markdown", f"{URL}\n===="),
    ],
)
def test_other_markup_is_not_found(input: str, text: str) -> None:
    assert find(text, input) == []


@pytest.mark.parametrize("input", ["html", "markdown"])
@pytest.mark.parametrize(
    "code",
    [
        "{% highlight html %}\n[getty 1]\n{% endhighlight %}\n",
        "{%- raw -%}\n[getty 1]\n{%- endraw -%}\n",
        "{% comment %}\n[getty 1]\n{% endcomment %}\n",
        "{{< highlight go >}}\n[getty 1]\n{{< /highlight >}}\n",
        "{{% highlight go %}}\n[getty 1]\n{{% /highlight %}}\n",
        "{/* [getty 1] */}\n",
        "{{/* [getty 1] */}}\n",
        "{{!-- [getty 1] --}}\n",
        "{# [getty 1] #}\n",
        '{{< figure src="[getty 1]" >}}\n',
        "<!-- {# [getty 1] -->\n",
        '<a href="{% url %}" title="[getty 1]">\n',
        '---\nlayout: page\nhero: "[getty 1]"\n---\n',
    ],
)
def test_code_of_site_generators_is_protected(input: str, code: str) -> None:
    assert [found.reference for found in find(f"{code}\n[getty 2]\n", input)] == ["2"]


@pytest.mark.parametrize(
    "text",
    [
        "{% highlight %} {% highlight %} [getty 2]",
        "{{# [getty 2]",
        "# head {#id} [getty 2] #}",
        "{% [getty 2]",
        "{# [getty 2]",
    ],
)
def test_unclosed_template_code_is_not_code(text: str) -> None:
    assert [found.reference for found in find(text, "markdown")] == ["2"]


@pytest.mark.parametrize(
    "text",
    [
        "!!! note\n\n    [getty 2]\n",
        "!!! warning\n    Words.\n\n    [getty 2]\n\n        [getty 1]\n\nx\n\n    [getty 1]\n",
        '??? note "x"\n    [getty 2]\n',
        '=== "Tab"\n\n    === "Inner"\n\n        [getty 2]\n\n            [getty 1]\n',
        "Term\n:   definition\n\n    [getty 2]\n",
        "[^1]: footnote\n\n    [getty 2]\n",
        "Words\n\n    [getty 1]\n\n[getty 2]",
    ],
)
def test_indented_bodies_are_not_code(text: str) -> None:
    assert [found.reference for found in find(text, "markdown")] == ["2"]


def test_sizes_and_titles_are_kept() -> None:
    (found,) = find(f'[embed width="300" height=200]{URL}[/embed]')
    assert found.options == Options(max_width=300, max_height=200)
    (found,) = find(f'<img alt=" A  b " src="{URL}">')
    assert found.options == Options(title="A b")


def test_an_invisible_character_does_not_split_an_id() -> None:
    (found,) = find("[getty 7491\u200b7285]")
    assert found.reference == "7491\u200b7285"  # which is not an ID, and is reported
    assert documents.find("[getty 7491\u200b7285]", "html")[0].problems[0].code == "unsupported"


def test_a_misspelled_attribute_is_reported_with_a_suggestion() -> None:
    (found,) = find("[getty 74917285 widht=300]")
    assert found.warnings[0].detail == "A shortcode has no attribute 'widht'. Did you mean width?"
    (found,) = find("[getty 74917285 zzz=300]")
    assert "Use one of src, width" in found.warnings[0].detail


def test_a_link_truncated_too_much_is_not_a_link_to_itself() -> None:
    assert linked_url("gty.im/749172...", URL) == URL
    assert not linked_url("gty…", URL)
    assert not linked_url("", "")


def test_plain_text_has_no_front_matter() -> None:
    assert front_matter_end("---\ntitle: a\n---\n", "text") == 0


@pytest.mark.parametrize(
    ("input", "text", "count"),
    [
        ("html", f"{URL}<br />\nWords", 1),
        ("html", f"{URL}<br />\n{URL}", 2),
        ("html", f"Words\n{URL}<br>", 0),
        ("markdown", f"{URL}<br>\nWords", 1),
        ("markdown", f"Words\n{URL}<br>\nWords", 1),
        ("markdown", f"Words {URL}<br>", 0),
        ("markdown", f"[a](\n{URL}<br>\n)", 0),
    ],
)
def test_a_line_can_end_with_a_br(input: str, text: str, count: int) -> None:
    assert len(find(text, input)) == count


@pytest.mark.parametrize(
    "text",
    [
        f'[[embed src="{URL}"]]',
        f'<code>[embed src="{URL}"]</code>',
        f"<p title='[embed src=\"{URL}\"]'>a</p>",
        f'[embed src="{URL}"',
        f'[embedded src="{URL}"]',
        f'[embed]<a href="{URL}">a</a>[/embed]',
        f'<code>[embed]<a href="{URL}">{URL}</a>[/embed]</code>',
    ],
)
@pytest.mark.parametrize("input", ["html", "markdown"])
def test_what_only_looks_like_embed_is_not_found(text: str, input: str) -> None:
    assert find(text, input) == []


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        (f'[getty url="{URL}"]74917286[/getty]', "74917286"),
        ("[getty id=hero 74917286]", "74917286"),
        (f'[getty url="{URL}"]', URL),
    ],
)
def test_alternative_attributes_count_if_there_is_no_reference(text: str, reference: str) -> None:
    (found,) = find(text)
    assert (found.reference, found.problem) == (reference, None)
    assert found.warnings[0].code == "unknown-attribute"


@pytest.mark.parametrize("text", [f"> {URL}", f"> > {URL}", f"> Words\n>\n> {URL}\n"])
def test_a_line_in_a_block_quote_is_a_line_of_its_own(text: str) -> None:
    (found,) = find(text, "markdown")
    assert text[found.start : found.end] == found.reference == URL


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (f"![]({URL}){{width=300}}", Options(max_width=300)),
        (f'![A court]({URL}){{: width="300" .wide}}', Options(max_width=300, title="A court")),
        (f"![]({URL}){{.wide}}", Options()),
        (f"![]({URL} =300x200)", Options(max_width=300, max_height=200)),
        (f"![a [b] \\]]({URL} =300x){{.wide}}", Options(max_width=300, title="a [b] ]")),
    ],
)
def test_attributes_after_an_image(text: str, options: Options) -> None:
    (found,) = find(text, "markdown")
    assert (found.start, found.end, found.options) == (0, len(text), options)


@pytest.mark.parametrize(
    "text",
    [f"**{URL}", f"a *{URL}*", f"*{URL}**", f"[here]({URL})", f"- {URL}", f"a > {URL}", f"[gty.im/1]({URL})"],
)
def test_a_url_with_other_text_is_not_found(text: str) -> None:
    assert find(text, "markdown") == []


@pytest.mark.parametrize("image", ["![A b][1]", "![1][]"])
def test_a_reference_image_with_the_url_of_a_page_is_reported(image: str) -> None:
    (found,) = find(f"{image}\n\n[1]: {PAGE}\n", "markdown")
    assert found.problem is not None
    assert (found.problem.line, found.problem.column) == (3, 6)
    for text in (
        f"[A][1]\n\n[1]: {PAGE}",
        f"{image}\n\n`[1]: {PAGE}`",
        f"{image}\n\n```\n[1]: {PAGE}\n```",
        f"{image}\n\n[1]: https://media.gettyimages.com/id/1/photo/x.jpg",
        f"{image}\n\n[1]: /a {PAGE}",
    ):
        assert find(text, "markdown") == []


@pytest.mark.parametrize("input", ["html", "markdown", "text"])
@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("[gety 74917285]", "74917285"),
        ("[getyimages 74917285]", "74917285"),
        ("[gettyimages 74917285]", "74917285"),
        ("[Getty-Images: 74917285 width=300]", "74917285"),
        ("[getty:74917285]", "74917285"),
        ("[getty74917285]", "74917285"),
        ("[ getty 74917285]", "74917285"),
        ("[\u200bgetty 74917285]", "74917285"),
        ("[\ufeff \u200egetty 74917285]", "74917285"),
        ("[gettty src='74917285']", "74917285"),
        (f"[gettyimage {URL}]", URL),
    ],
)
def test_misspelled_shortcodes_are_reported_and_unchanged(input: str, text: str, meant: str) -> None:
    (found,) = find(f"Words {text}", input)
    assert found.problem is not None
    assert f"[getty {meant}]" in found.problem.detail
    assert (found.problem.line, found.problem.column) == (1, 7)


@pytest.mark.parametrize(
    "text",
    [
        "[gettysburg 1863]",
        "Photo: A. Name [Getty Images]",
        "[Getty Images/AFP]",
        "Hall of the [GETTY\xa0Center]",
        "[Getty 12345](https://example.org)",
        "[getty12345]: https://example.org",
        "[[getty12345]]",
        "`[gety 74917285]`",
        "[gety words 74917285]",
        "[gt 74917285]",
        "[getting 74917285]",
    ],
)
def test_other_words_in_brackets_are_not_reported(text: str) -> None:
    assert find(text, "markdown") == []


@pytest.mark.parametrize("text", [": A caption", ":", ": \n\nWords", ": words and more", ":\n\n/url"])
def test_a_colon_after_a_shortcode_does_not_make_it_a_definition(text: str) -> None:
    assert len(find(f"[getty 74917285]{text}", "markdown")) == 1


@pytest.mark.parametrize(
    "text", [": /url", ":\n  /url\n", ': /url "A title"', ": <a url>", ": https://shop.example\r\n"]
)
def test_a_link_definition_is_not_a_shortcode(text: str) -> None:
    assert find(f"[getty 74917285]{text}", "markdown") == []


@pytest.mark.parametrize("url", ["https://gty.in/74917285", "https://www.gettyimage.com/detail/74917285"])
def test_the_url_of_a_lookalike_host_is_reported(url: str) -> None:
    (found,) = documents.find(url, "markdown")
    assert "only looks like a Getty Images host" in found.problems[0].detail


@pytest.mark.parametrize(
    "text",
    [
        "---yaml\ntitle: a\nhero: '[getty 74917285]'\n---\n",
        '---json\n{"hero": "[getty 74917285]"}\n---\n',
        '---js\n{hero: "[getty 74917285]"}\n---\n',
        "{{! [getty 74917285] }}",
        "{#- [getty 74917285] -#}",
        "{{!-- [getty 74917285] --}}",
    ],
)
def test_other_front_matter_and_template_comments(text: str) -> None:
    assert find(text, "markdown") == find(text, "html") == []
    assert len(find(f"{text}\n\n[getty 74917285]", "markdown")) == 1


@pytest.mark.parametrize("text", ["!!! note\n\n    [getty 74917285]\n", '=== "Tab"\n\n    [getty 74917285]\n'])
def test_an_indented_body_is_code_in_commonmark(text: str) -> None:
    assert len(find(text, "markdown")) == 1
    assert find(text, "commonmark") == []
    assert len(find("- a\n\n    [getty 74917285]\n", "commonmark")) == 1
