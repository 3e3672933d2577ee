"""Which parts of a text must stay as they are: code, comments, scripts, the insides of tags.

A context looks only forward, and only at the stretch since it was asked last, so that a text is read
once however many candidates it holds. Cheap questions come first: a tag is tokenised only where the
last quotes and angle brackets leave a doubt.

Where two parsers may read a text in two ways (one for HTML and one for XML, one with scripting and one
without) whatever either of them protects is protected: a replacement inside an attribute value could
end that value. What is opened and never closed protects to the end of the text.
"""

from __future__ import annotations

import re

from embedkit.process import lazy_pattern, search_sign
from embedkit.shortcodes.budget import DOCUMENT, Work

BLANKS = " \t\n\r\f"  # what HTML calls ASCII whitespace

# Front matter: it names its language (gray-matter), or its first line must look like YAML or TOML.
_FRONT = lazy_pattern(
    r"\ufeff?(---|\+\+\+)(?:(?:yaml|toml|json|js)[ \t\r]*\n|[ \t\r]*\n(?=[^\n]*[:=#]))"
    r"(?:(?!\1|\.\.\.)[^\n]*+\n)*+(?:\1|\.\.\.)[ \t\r]*(?:\n|\Z)"
)
# Hugo's JSON: an object, and a text below it, which may begin with a shortcode or a link, but not as more JSON.
_FRONT_JSON = lazy_pattern(
    r"\ufeff?\{[ \t\r]*\n(?=\s*\")(?:(?!\})[^\n]*+\n)*+\}[ \t\r]*\n(?=\s*(?:[^\s{}\[\]]|\[{1,2}[A-Za-z]|\{[{%]))"
)

# Code of site generators: comments (Jinja, MDX, Hugo, Handlebars), tags, and what is between two of them.
_TEMPLATE_START = lazy_pattern(r"\{(?:[%#{]|/\*|::comment\})")
_TEMPLATE_END = {
    "{#": "#}",
    "{#-": "#}",
    "{{!": "}}",
    "{/*": "*/}",
    "{{/*": "*/}}",
    "{{!--": "--}}",
    "{::comment}": "{:/",
    "{%": "%}",
    "{{<": ">}}",
    "{{%": "%}}",
}
_TEMPLATE = lazy_pattern(r"\{#-?(?=\s)|\{/\*|\{\{/\*|\{\{!(?:--)?|\{::comment\}|\{%|\{\{[<%]")
_EXPRESSION = lazy_pattern(r"\{\{[^{}\n]*+\}\}")
# Code in posts of WordPress and of forums.
_BRACKETED = lazy_pattern(r"\[([cC][oO][dD][eE]|sourcecode)(?:[ =][^\[\]\n]{0,200}+)?\]")
_TEMPLATE_BLOCK = lazy_pattern(
    r"(?:\{%[-+]?|\{\{[<%])\s*+(highlight|raw|comment|verbatim|codeblock|code|prism)(?![\w=])", re.IGNORECASE
)
MAX_TEMPLATE_TAG_CHARS = 2048
_SIMPLE = r"(?:[ \t\n]++[A-Za-z-]++(?:=(?:\"[^\"<>`\\\n]*+\"|'[^'<>`\\\n]*+'|[^\s\"'<>=`\\]++))?+)*+[ \t\n]*+/?>"
_FEED = lazy_pattern(r"<(?:[a-z]+:encoded|description|summary|content)(?:\s[^<>]*+)?>\s*+")
MAX_FEED_TAG_CHARS = 200
_NAMES = "code|pre|tt|kbd|samp|svg|math|script|style|textarea|title|xmp|iframe|noembed|noframes|noscript|plaintext"
# The first letters leave ordinary tags behind at the price of one comparison; _MARKUP reads the rest.
_OPENER = lazy_pattern(
    r"<(?:!(?:--|\[C)"
    r"|[cCpPsStTmMxXiInNkK](?:[oO][dDeEfFsS]|[rR][eE]|[lL][aA]|[cC][rR]|[tT][yY]|[vV][gG]|[eE][xX]|[iI][tT]"
    r"|[aA][tTmM]|[mM][pP]|[fF][rR]|[bB][dD]|[tT][ \t\n\r\f/>]))"
)
_OPENER_OR_CLOSER = lazy_pattern(rf"<(?:!--|!\[C|/?(?i:{_NAMES}))")
_MARKUP = lazy_pattern(rf"<(?:(!--|!\[CDATA\[)|(/?)((?i:{_NAMES}))(?=[ \t\n\r\f/>]))")
# Comments, and elements with nothing but text in them, read in one go where they are whole. (No groups: CPython
# 3.11 loses count of those inside of possessive repeats.)
_WHOLE = r"<!--[^<>-]*+(?:-(?!->)[^<>-]*+)*+-->|" + "|".join(
    f'<{name}(?: class="[^"<>]*+")?>[^<]*+</{name}>' for name in ("code", "pre", "script", "style")
)
_LEAF = lazy_pattern(_WHOLE)
_LEAVES = lazy_pattern(rf"(?:(?:{_WHOLE})[^<`~\\]*+)++")
_CODE = frozenset({"code", "pre", "tt", "kbd", "samp"})  # docutils writes literals as <tt>
_NESTING = _CODE | {"svg", "math"}

# WHATWG HTML, section 13.2.5: quotes count only after "=", a tag ends at the first ">" outside of them,
# and what is not closed reaches to the end. "<!", "<?" and "</" before no letter are bogus comments.
_TAG = lazy_pattern(
    r"<(?:/?[A-Za-z][^ \t\n\r\f/>]*+(?:[ \t\n\r\f/]++|[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+"
    r"(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+"
    r"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|(?![\"'>])[^ \t\n\r\f>]++|(?=>)|\Z))?+)*+"
    r"|[!?][^>]*+|/(?![A-Za-z])[^>]*+)(?:>|\Z)"
)
# What every parser ends at the same place, with scripting and without, as HTML and as Markdown: text, frames and
# scripts with nothing in them, and tags of elements that hold no raw text.
_AGREED = lazy_pattern(
    rf"(?:[^<`\\]++|</?(?!(?i:{_NAMES})[ \t\n\r\f/>])[A-Za-z][A-Za-z0-9]*+{_SIMPLE}"
    rf"|<(?i:iframe){_SIMPLE}</(?i:iframe)>|<(?i:script){_SIMPLE}</(?i:script)>)*+"
)
# Text, and tags with plain attributes.
_PLAIN = lazy_pattern(
    r"(?:[^<]++|</?[A-Za-z][A-Za-z0-9]*+(?:[ \t\n]++[A-Za-z-]++(?:=(?:\"[^\"]*+\"|'[^']*+'))?+)*+[ \t\n]*+/?>)*+"
)
_RAW_ENDS = {
    name: lazy_pattern(rf"</(?i:{name})(?=[ \t\n\r\f/>])")
    for name in ("style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "noscript")
}
_TEMPLATE_CLOSERS = {
    name: lazy_pattern(
        rf"\{{(?:%[-+]?\s*+end{name}\b[^%]*+%\}}|\{{[<%]\s*+/\s*+{name}\b[^}}]*+\}}\}})", re.IGNORECASE
    )
    for name in ("highlight", "raw", "comment", "verbatim", "codeblock", "code", "prism")
}
_CLOSERS = {name: lazy_pattern(rf"</(?i:{name})(?=[ \t\n\r\f/>])") for name in _NESTING}
_SCRIPT = lazy_pattern(r"<!(?=--)|-->|<(/?)(?i:script)(?=[ \t\n\r\f/>])")


def front_matter(text: str) -> int:
    """Where the front matter of a text ends; 0 where there is none."""
    found = _FRONT.match(text) if text.startswith(("---", "+++", "\ufeff")) else None
    if found is None and text.startswith(("{", "\ufeff{")):
        found = _FRONT_JSON.match(text)
    return found.end() if found else 0


class Context:
    """A text without markup: nothing in it is protected."""

    def __init__(self, text: str, work: Work | None = None) -> None:
        self.text = text
        self.size = len(text)
        self._work = work or Work(DOCUMENT)

    def protected(self, place: int) -> bool:
        """Whether the character at ``place`` must be left alone; places are asked for in order.

        :raises Exhausted: where the text takes more work than its budget allows.
        """
        return place >= self.size

    def skip(self, end: int) -> None:
        """Take everything up to ``end`` as plain text, whatever is in it: it will be replaced."""


class HtmlContext(Context):
    """HTML as browsers tokenise it: comments, raw text, ``code`` and ``pre``, and the insides of tags."""

    _plain = _PLAIN
    _tag_start = lazy_pattern("<[A-Za-z!?/]")

    def __init__(self, text: str, work: Work | None = None) -> None:
        super().__init__(text, work)
        # The tokenizer is in plain text from "safe" on; everything before "until" is protected.
        self._open: dict[str, int] = {}  # nesting elements that are open, and how deep
        self._ahead: dict[str, int] = {}  # where the next of a sign is, so that none is sought twice
        self._safe = self._until = front_matter(text)
        self._mark, self._template = (
            self._find_mark(self._safe),
            self._find_template(self._safe),
        )  # the next of them
        self._start = min(self._mark, self._template)  # nothing opens before

    def protected(self, place: int) -> bool:
        """Whether the character at ``place`` must be left alone; places are asked for in order."""
        if place < self._until:
            return True
        if self._start < place:
            self._advance(place)
        return place < self._until or bool(self._open) or self._is_hidden(place)

    def skip(self, end: int) -> None:
        """Take everything up to ``end`` as plain text, whatever is in it: it will be replaced."""
        self._safe = end

    # -- marks: what opens something ----------------------------------------------------------------------

    def _find_mark(self, start: int) -> int:
        found = (_OPENER_OR_CLOSER if self._open else _OPENER).search(self.text, start)
        return found.start() if found else self.size

    def _advance(self, place: int) -> None:
        """Read everything before ``place`` that opens something."""
        while self._until < self.size and self._find_start() < place:
            self._read(place)

    def _find_start(self) -> int:
        """Where the next mark is."""
        if self._mark < self._safe:
            self._mark = self._find_mark(self._safe)
        if self._template < self._safe:
            self._template = self._find_template(self._safe)
        self._start = min(self._mark, self._template)
        return self._start

    def _read(self, place: int) -> None:
        """Deal with the mark that was found, as far as it matters to ``place``."""
        self._work.step()
        if self._template < self._mark:
            self._read_template(self._template)
            return
        mark = self._mark
        if not self._is_hidden(mark):
            self._enter(mark, place)
        self._mark = self._find_mark(max(self._safe, mark + 1))

    def _enter(self, mark: int, place: int) -> None:
        if leaves := _LEAVES.match(self.text, mark, place):
            self._safe = leaves.end()
        elif leaf := _LEAF.match(self.text, mark):
            self._protect(leaf.end())
        elif found := _MARKUP.match(self.text, mark):
            other, closes, name = found.groups()
            if other:
                self._comment(mark, other)
            elif name.lower() in _NESTING:
                self._nest(mark, name.lower(), bool(closes))
            elif not closes:
                self._raw_text(mark, name.lower())

    def _protect(self, end: int, resume: int | None = None) -> None:
        self._until = max(self._until, end)
        self._safe = end if resume is None else resume

    def _find_template(self, start: int) -> int:
        brace = self.text.find("{", start)  # many times as fast, and few texts have any
        found = _TEMPLATE_START.search(self.text, brace) if brace >= 0 else None
        return min(found.start() if found else self.size, self._next_bracketed(start))

    def _next_bracketed(self, start: int) -> int:
        if self._ahead.get("[", -1) < start:
            found = search_sign(_BRACKETED, "[", "cCs", self.text, start)
            self._ahead["["] = found.start() if found else self.size
        return self._ahead["["]

    def _read_template(self, start: int) -> None:
        """Protect a comment, a tag, or a block of code of a site generator; what is not closed is none."""
        end = self._template_end(start) if start >= self._until else self._until
        if not self._is_in_tag(start):
            self._safe = max(self._safe, end)
        self._until = max(self._until, end)
        self._template = self._find_template(max(end, start + 1))

    def _template_end(self, start: int) -> int:
        if self.text[start] == "[":
            return self._bracketed_end(start)
        opening = _TEMPLATE.match(self.text, start)
        if opening is None:
            expression = _EXPRESSION.match(self.text, start)
            return expression.end() if expression else start
        sign = opening[0]
        if sign[-1] in "*#-!}":
            end = self._next(_TEMPLATE_END[sign], opening.end())
        else:
            end = self.text.find(_TEMPLATE_END[sign], opening.end(), start + MAX_TEMPLATE_TAG_CHARS)
        if not 0 <= end < self.size:
            return start
        end += len(_TEMPLATE_END[sign])
        block = _TEMPLATE_BLOCK.match(self.text, start)
        return max(end, self._block_end(block[1].lower(), end)) if block else end

    def _bracketed_end(self, start: int) -> int:
        opening = _BRACKETED.match(self.text, start)
        closer = f"[/{opening[1]}]" if opening else ""
        end = self._next(closer, opening.end()) if opening else self.size
        return end + len(closer) if end < self.size else start

    def _block_end(self, name: str, start: int) -> int:
        """Where the block of that name ends; 0 where it does not."""
        end = self._ahead.get(f"end{name}", -1)
        if end < start:
            found = _TEMPLATE_CLOSERS[name].search(self.text, start)
            end = self._ahead[f"end{name}"] = found.end() if found else self.size + 1
        return end if end <= self.size else 0

    def _comment(self, mark: int, kind: str) -> None:
        """Protect to the closer that any parser may wait for, but read on where the first one ends."""
        if kind != "!--" and self._is_feed(mark):
            self._safe = mark + len("<![CDATA[")
            return
        if kind == "!--":  # "<!-->" is a whole comment, and browsers take "--!>" for an end
            ends = self._end("-->", mark + 2), self._end("--!>", mark + 4)
        else:
            ends = self._end("]]>", mark + 2), self._end(">", mark + 2)
        self._protect(ends[0] if ends[0] < self.size else max(ends), min(ends))

    def _is_feed(self, mark: int) -> bool:
        """Whether a feed, or an export of WordPress, has a page's HTML from there on."""
        opening = self.text.rfind("<", max(0, mark - MAX_FEED_TAG_CHARS), mark)
        return opening >= 0 and bool(_FEED.fullmatch(self.text, opening, mark))

    def _end(self, closer: str, start: int) -> int:
        return min(self.size, self._next(closer, start) + len(closer))

    def _next(self, what: str, start: int) -> int:
        """Where the next one is, or the size of the text; ``start`` never goes back for the same one."""
        known = self._ahead.get(what, -1)
        if known < start:
            known = self.text.find(what, start)
            known = self._ahead[what] = self.size if known < 0 else known
        return known

    def _nest(self, mark: int, name: str, closes: bool) -> None:
        depth = self._open.pop(name, 0) + (-1 if closes else 1)
        if not closes and name not in _CODE and self.text[self._tag_end(mark) - 2] == "/":
            depth -= 1  # <svg/> is whole, unlike <code/>
        if depth > 0:
            self._work.nest(depth)
            self._open[name] = depth
        if not closes and depth and self._closer(name, mark) == self.size:
            self._protect(self.size)
        else:
            self._safe = max(self._safe, mark)

    def _closer(self, name: str, start: int) -> int:
        if self._ahead.get(name, -1) < start:
            found = _CLOSERS[name].search(self.text, start)
            self._ahead[name] = found.start() if found else self.size
        return self._ahead[name]

    def _raw_text(self, mark: int, name: str) -> None:
        """Text up to its closing tag, and no markup in it; where that is not so for all, give up."""
        start = self._tag_end(mark)
        end = self._raw_end(name, start)
        # Inside svg and math these are ordinary elements, noscript is one where scripts are off. What a lazy
        # loader puts there, a copy of a picture or of a frame, is harmless.
        ambiguous = name == "noscript" or "svg" in self._open or "math" in self._open
        if ambiguous and not _AGREED.fullmatch(self.text, start, end):
            end = self.size
        self._protect(end)

    def _raw_end(self, name: str, start: int) -> int:
        if name == "script":
            return self._script_end(start)
        found = _RAW_ENDS[name].search(self.text, start) if name in _RAW_ENDS else None
        return found.start() if found else self.size

    def _script_end(self, start: int) -> int:
        """WHATWG HTML, section 13.2.5.20: in a comment of a script, a script in it is closed first."""
        escaped = nested = False
        for found in _SCRIPT.finditer(self.text, start):
            word = found[0]
            if not word.lower().endswith("script"):
                escaped, nested = word != "-->", nested and word != "-->"
            elif not found[1]:
                nested = escaped
            elif not nested:
                return found.start()
            else:
                nested = False
        return self.size

    def _is_hidden(self, place: int) -> bool:
        """Whether ``place``, outside of all that marks have opened, is protected by what is around it."""
        return self._is_in_tag(place)

    # -- tags ---------------------------------------------------------------------------------------------

    def _is_in_tag(self, place: int) -> bool:
        """Whether ``place`` is inside a tag; no mark may be between the safe place and it.

        A tag that reaches it has its ``<`` after the last ``>``, or a quoted value that holds that ``>``.
        """
        text, safe = self.text, self._safe
        opening = text.rfind("<", safe, place)
        if opening >= 0:
            closed = text.rfind(">", opening, place)
            if closed < 0 or self._may_be_in_value(closed):
                return self._walk(place)
        if safe < place:
            self._safe = place
        return False

    def _may_be_in_value(self, place: int) -> bool:
        """False only where no quoted value can hold ``place``: a quote opens one only after an equals sign."""
        text, safe = self.text, self._safe
        for sign in ('"', "'"):
            quote = text.rfind(sign, safe, place)
            if quote > safe and text[quote - 1] in "= \t\n\r\f" and self._follows_equals(quote):
                return True
        return False

    def _follows_equals(self, place: int) -> bool:
        while place > self._safe and self.text[place - 1] in BLANKS:
            place -= 1
        return place > self._safe and self.text[place - 1] == "="

    def _walk(self, place: int) -> bool:
        """Go from tag to tag; whether one reaches beyond ``place``, which then protects to its end."""
        if plain := self._plain.match(self.text, self._safe, place):  # pragma: no branch - it matches nothing, too
            self._safe = plain.end()
        while opening := self._tag_start.search(self.text, self._safe, place):
            self._work.step()
            if self._skips_code(opening.start(), place):
                continue
            self._safe = self._tag_end(opening.start())
            if self._safe > place:
                self._until = max(self._until, self._safe)
                return True
        self._safe = place
        return False

    def _skips_code(self, opening: int, place: int) -> bool:
        """Whether a "<" before ``place`` means nothing, being in code; the safe place then lies behind it."""
        return opening < self._safe <= place

    def _tag_end(self, start: int) -> int:
        """The end of the tag at ``start``; right after its ``<`` where that opens none."""
        found = _TAG.match(self.text, start)
        return found.end() if found else start + 1
