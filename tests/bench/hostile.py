"""Texts of any length that make careless scanners slow. Each ends with a candidate, so it is scanned to the end."""

from __future__ import annotations

from collections.abc import Callable

UNITS = {
    "tags": "[getty ",
    "empty tags": "[getty]",
    "live tags": "[getty 1] ",
    "open quotes": '[getty a="',
    "open curly quotes": "[getty a=“",
    "open entities": "[getty a=&quot;",
    "doubled": "[[getty 1",
    "escapes": "[[getty 1]] ",
    "closers": "[/getty]",
    "enclosed": "[getty]x",
    "links": "[Getty](x) ",
    "brackets": "[",
    "spaces": "[getty            ",
    "addresses": "https://gty.im/1 ",
    "address lines": "https://gty.im/1\n",
    "address paragraphs": "https://gty.im/1\n\n",
    "p": "<p>https://gty.im/1",
    "slashes": "/",
    "ticks": "`",
    "tick pairs": "`a` ",
    "odd ticks": "` `` ``` ",
    "fences": "```\n",
    "long fences": "\n```x\na\n```\nb",
    "tildes": "~~~\n",
    "comments": "<!--",
    "closed comments": "<!-- --!>",
    "bogus": "<!x",
    "cdata": "<![CDATA[>",
    "instructions": "<?>",
    "tag openers": "<a ",
    "values": '<a b="',
    "values in turn": "<a b=\"<a b='",
    "values and ends": '<a b=">',
    "hidden openers": ' x="<a "',
    "code": "<code>",
    "code pairs": "<code></code>",
    "code in code": "<code><code></code>",
    "pre": "<pre>\n",
    "scripts": "<script>",
    "script pairs": "<script></script>",
    "svg": "<svg><style>",
    "less": "<",
    "greater": ">",
    "equals": '="',
    "backslashes": "\\",
    "indented": "    a\n\n",
    "items": "- ",
    "nested items": "- a\n  ",
    "quotes": "> ",
    "blank lines": "\n",
    "bare spaces": " ",
    "oembed": '<oembed url="https://gty.im/1">',
    "open oembed": '<oembed url="//gty.im/1" ',
    "quoted addresses": '"https://gty.im/1" ',
    "p ends": "https://gty.im/1</p>",
    "spans": "`<a` ",
    "blocks": '<!-- wp:embed {"url":"https://gty.im/1"} -->',
    "captions": '<!-- wp:embed {"url":"//gty.im/1"} --><figcaption>',
    "definitions": '[a]: //gty.im/1 "',
    "labels": "[getty][x]",
    "open images": "![a](//gty.im/1",
    "open elements": "<oembed>//gty.im/1",
    "open embeds": '[embed src="//gty.im/1"',
    "figures": '<figure><oembed url="//gty.im/"></oembed>',
}


def family(unit: str, ending: str) -> Callable[[int], str]:
    return lambda size: unit * (size // len(unit)) + ending


FAMILIES = {name: family(unit, "\n\n[getty 1]") for name, unit in UNITS.items()} | {
    f"{name}, one block": family(unit, " [getty 1]") for name, unit in UNITS.items() if "`" in unit or "~" in unit
}
