"""WordPress exports: read post by post in any chunks, and preserved byte for byte except for what is converted."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from embedkit import Build, EmbedKit, Settings, Source
from embedkit.engine import wxr
from embedkit.engine.build import ExportReport
from embedkit.engine.sources import Post, collect
from embedkit.sandbox import SandboxTransport

CODE = (
    '<iframe src="//embed.gettyimages.com/embed/82278805?et=abcdefghijklmnopqrstuv'
    '&sig=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopq=" width="462" height="370" scrolling="no" frameborder="0"'
    ' style="display:inline-block;"></iframe>'
)
SHORT = '[getty src="82278805" width="462" height="370"]'
WIDGET = SHORT.replace("]", ' tld="com" caption="false"]')
# WordPress's editor's version of Getty's block: its script is in an XHTML CDATA section.
SCRIPT = (
    "<a id='x1' class='gie-single' href='https://www.gettyimages.com/detail/82278805' target='_blank'>Embed from"
    " Getty Images</a><script>// <![CDATA[\nwindow.gie=window.gie||function(c){(gie.q=gie.q||[]).push(c)};"
    "gie(function(){gie.widgets.load({id:'x1',sig:'abc=',w:'462px',h:'370px',items:'82278805',caption: false ,"
    "tld:'com',is360: false })});\n// ]]></script><script src='//embed-cdn.gettyimages.com/widgets.js'"
    " charset='utf-8' async></script>"
)
SPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    ' xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/" xmlns:wp="http://wordpress.org/export/1.2/"'
)
HEAD = f'<?xml version="1.0" encoding="UTF-8" ?>\n<rss version="2.0" {SPACES}>\n<channel>\n<title>A blog</title>\n'
TAIL = "</channel>\n</rss>\n"
NAMES = {"content": "http://purl.org/rss/1.0/modules/content/", "wp": "http://wordpress.org/export/1.2/"}


def cdata(text: str) -> str:
    """Write a text as WordPress's wxr_cdata() does."""
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def item(content: str, *, number: int = 1, excerpt: str = "", more: str = "") -> str:
    return (
        f"\t<item>\n\t\t<title>{cdata(f'Post &amp; {number}')}</title>\n"
        f"\t\t<link>https://example.org/?p={number}</link>\n"
        f"\t\t<content:encoded>{content}</content:encoded>\n"
        f"\t\t<excerpt:encoded>{cdata(excerpt)}</excerpt:encoded>\n"
        f"\t\t<wp:post_id>{number}</wp:post_id>\n{more}\t</item>\n"
    )


def comment(text: str) -> str:
    return f"<wp:comment><wp:comment_content>{cdata(text)}</wp:comment_content></wp:comment>\n"


def field(key: str, value: str) -> str:
    return (
        f"<wp:postmeta><wp:meta_key>{cdata(key)}</wp:meta_key>\n<wp:meta_value>{cdata(value)}</wp:meta_value>"
        "</wp:postmeta>\n"
    )


def export(*items: str) -> bytes:
    return (HEAD + "".join(items) + TAIL).encode()


@pytest.fixture(name="convert")
def fixture_convert(tmp_path: Path) -> Callable[..., tuple[bytes, ExportReport]]:
    def convert(data: bytes, chunk: int = wxr.CHUNK_BYTES) -> tuple[bytes, ExportReport]:
        path = tmp_path / "export.xml"
        path.write_bytes(data)
        out, file = io.BytesIO(), io.BytesIO(data)
        source = Source("", "html", path, "export.xml")
        report = Build.convert_export(source, lambda size: file.read(min(size, chunk)), out.write)
        return out.getvalue(), report

    return convert


Convert = Callable[..., tuple[bytes, ExportReport]]


def contents(data: bytes) -> list[str]:
    """Return the contents of the posts as an XML parser reads them."""
    return [one.text or "" for one in ET.fromstring(data).iterfind(".//item/content:encoded", NAMES)]


# -- what is converted -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (cdata(f"A {CODE} B"), f"A {SHORT} B"),
        (cdata(CODE), SHORT),
        (cdata(f"]]> {CODE} ]]>"), f"]]> {SHORT} ]]>"),
        (cdata(f"{CODE}]>"), f"{SHORT}]>"),  # with the shortcode's bracket it would end the section
        (cdata(f"{CODE}]]>"), f"{SHORT}]]>"),
        (cdata(f"A{SCRIPT}B"), f"A{WIDGET}B"),  # a section that is split within the code
        (CODE.replace("&", "&amp;").replace("<", "&lt;") + " &lt;b>", f"{SHORT} <b>"),
        (CODE.replace("&", "&amp;").replace("<", "&lt;") + "]>", f"{SHORT}]>"),
        (f"x{cdata(CODE[:90])}{cdata(CODE[90:])}&amp;", f"x{SHORT}&"),
        (f"&lt;{cdata(CODE[1:])} end", f"{SHORT} end"),
        (f"{cdata(CODE[:-1])}&gt; end", f"{SHORT} end"),
        (cdata(f"<pre>{CODE}</pre> <!-- {CODE} -->"), f"<pre>{CODE}</pre> <!-- {CODE} -->"),
        (cdata(f"<!-- wp:html -->\n{CODE}\n<!-- /wp:html -->"), f"<!-- wp:html -->\n{SHORT}\n<!-- /wp:html -->"),
        (cdata("[getty 1] </item> <item>"), "[getty 1] </item> <item>"),
    ],
)
def test_a_parser_reads_the_content_with_shortcodes(convert: Convert, written: str, read: str) -> None:
    before = export(item(written))
    assert ET.fromstring(before) is not None
    after, report = convert(before)
    assert contents(after) == [read]
    assert (report.posts, report.converted, report.findings) == (1, read.count("[getty src"), ())
    assert report.exit_code == report.changed == min(1, report.converted)
    again, second = convert(after)
    assert (again, second.exit_code) == (after, 0)


def test_all_other_bytes_are_preserved(convert: Convert) -> None:
    odd = b"\r\n<dc:creator><![CDATA[x]]></dc:creator><!-- </item> <item> -->\x0b" + b"\xff\xfe \r"
    before = export(item(cdata(f"A {CODE} B")), item("none", number=2)).replace(
        b"<title><![CDATA[", odd + b"<title><![CDATA["
    )
    after, report = convert(before)
    assert after == before.replace(CODE.encode(), SHORT.encode())
    assert (report.posts, report.changed) == (2, 1)


def test_excerpts_are_converted_too(convert: Convert) -> None:
    after, report = convert(export(item("", excerpt=CODE)))
    assert (SHORT.encode() in after, report.converted) == (True, 1)


@pytest.mark.parametrize("cut", [b"</channel>", b"</item>", b"</wp:post_id>", b"]]></content"])
def test_a_truncated_export_loses_nothing(convert: Convert, cut: bytes) -> None:
    whole = export(item(cdata(f"A {CODE} B")))
    before = whole[: whole.index(cut)]
    after, _ = convert(before)
    assert after.replace(SHORT.encode(), CODE.encode()) == before


def test_chunks_make_no_difference(convert: Convert) -> None:
    """Marks that are split, in the middle of a section or of a comment."""
    before = export(
        *(item(cdata(f"</item> ]]> {CODE}"), number=one, more="<!-- ]]> <item> -->") for one in range(4))
    )
    expected = convert(before)
    assert expected[1].posts == 4
    for chunk in (*range(1, 14), 100, 1000):
        assert convert(before, chunk) == expected


def test_every_mix_of_sections_and_entities_is_read_as_a_parser_reads_it(convert: Convert) -> None:
    rng = random.Random(7)
    for _ in range(150):
        text = "".join(rng.choice(["]", ">", "<b>", "&", "a\n", CODE, SCRIPT]) for _ in range(rng.randint(1, 7)))
        cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randint(0, 4)))
        pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        written = "".join(
            cdata(one)
            if rng.random() < 0.5
            else one.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            for one in pieces
        )
        after, _ = convert(export(item(written, more="<!-- gettyimages -->")))  # the name may be split
        assert contents(after) == [Build.convert([Source(text)]).pages[0].document.content]


# -- what is left unchanged, and why ---------------------------------------------------------------------


def test_unconverted_code_is_reported_with_its_position_and_post(convert: Convert) -> None:
    more = (
        comment(f"Nice.\n{CODE}")
        + field("hero", CODE)
        + field("_oembed_0a1b", CODE)
        + field("_oembed_time_0a1b", "1")
    )
    before = export(
        item(cdata("<iframe src='https://embed.gettyimages.com/embed/'></iframe>")), item("", number=7, more=more)
    )
    after, report = convert(before)
    assert (after, report.exit_code, report.converted) == (before, 1, 0)
    lines = before.decode().split("\n")
    for found in report.findings:
        assert lines[found.line - 1][found.column - 1 :].startswith("<iframe")
    assert [one.post for one in report.findings] == [
        Post("1", "Post &amp; 1", "https://example.org/?p=1"),
        *[Post("7", "Post &amp; 7", "https://example.org/?p=7")] * 3,
    ]
    details = [one.detail for one in report.findings]
    assert "doesn't name a picture" in details[0]
    assert "in a comment" in details[1]
    assert "custom field hero" in details[2]
    assert details[3].endswith("wp embed cache clear 7")
    assert str(report.findings[1]).endswith('(post 7, "Post &amp; 7", https://example.org/?p=7)')


def test_a_post_that_is_too_large_is_copied_and_reported(
    convert: Convert, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wxr, "MAX_POST_BYTES", 5000)
    before = export(
        item(cdata(CODE)), item(cdata(f"{CODE} {'x' * 9000} {CODE}"), number=2), item(cdata(CODE), number=3)
    )
    after, report = convert(before, 100)
    assert contents(after) == [SHORT, contents(before)[1], SHORT]
    assert [(one.code, one.line) for one in report.findings] == [("too-large", 12)]


# -- reading ---------------------------------------------------------------------------------------------


def test_check_reads_exports(tmp_path: Path) -> None:
    gone = CODE.replace("82278805", "500000404")
    more = comment("[getty 500000404]") + comment(gone) + field("_oembed_0a1b", gone)
    (tmp_path / "blog.xml").write_bytes(export(item(cdata("A\n[getty 500000404] [getty x]"), more=more)))
    (tmp_path / "feed.xml").write_text("<rss>[getty 1]</rss>", "utf-8")
    found = collect([tmp_path], exports=True)
    assert [one.relative for one in found.exports] == ["blog.xml"]
    assert [path for path, _ in found.skipped] == [str(tmp_path / "feed.xml")]
    with EmbedKit(Settings(cache="memory:"), transport=SandboxTransport(), background=False) as kit:
        report = Build(kit).check(wxr.texts(found.exports[0]))
    lines = (tmp_path / "blog.xml").read_text("utf-8").split("\n")
    assert [one.code for one in report.findings] == ["not-found", "unsupported", "not-found", "not-found"]
    for one in report.findings:
        assert lines[one.line - 1][one.column - 1 :].startswith(("[getty", "<iframe"))
        assert one.post == Post("1", "Post &amp; 1", "https://example.org/?p=1")


def test_other_steps_report_and_skip_exports(tmp_path: Path) -> None:
    (tmp_path / "blog.xml").write_bytes(export(item(cdata("[getty 1]"))))
    found = collect([tmp_path])
    assert (found.texts, found.exports) == ((), ())
    assert "only convert and check" in found.skipped[0][1]


def test_memory_does_not_grow_with_the_export() -> None:
    posts = [item(cdata("Words. " * 30_000)).encode()] * 40
    posts[7] = posts[30] = item(cdata(f"{'Words. ' * 30_000}{CODE}")).encode()
    data = io.BytesIO(b"".join([HEAD.encode(), *posts, TAIL.encode()]))
    tracemalloc.start()
    assert sum(one.converted for one in wxr.convert(Source(""), data.read)) == 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < len(data.getvalue()) / 2
