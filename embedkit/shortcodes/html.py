"""Recognize the parts of a text that must stay unchanged: code, comments, scripts, the insides of tags.

A context reads forward only, from the position of the last query, so a text is read once however many candidates
it contains. Cheap checks come first: a tag is tokenized only if the preceding quotes and angle brackets don't
settle the question.

If two parsers could read a text differently (HTML and XML, with and without scripting), anything that either of
them protects is protected: a replacement inside an attribute value could end that value. A construct that is never
closed protects the rest of the text.
"""

from __future__ import annotations

import re

from embedkit.process import lazy_pattern, search_from_char
from embedkit.shortcodes.budget import DOCUMENT, Work

ASCII_WHITESPACE = " \t\n\r\f"  # as HTML defines it

# Front matter either names its language (gray-matter), or its first line must look like YAML or TOML.
_FRONT = lazy_pattern(
    r"\ufeff?(---|\+\+\+)(?:(?:yaml|toml|json|js)[ \t\r]*\n|[ \t\r]*\n(?=[^\n]*[:=#]))"
    r"(?:(?!\1|\.\.\.)[^\n]*+\n)*+(?:\1|\.\.\.)[ \t\r]*(?:\n|\Z)"
)
# Hugo's JSON front matter: an object, and a text that can begin with a shortcode or link, but not with more JSON.
_FRONT_JSON = lazy_pattern(
    r"\ufeff?\{[ \t\r]*\n(?=\s*\")(?:(?!\})[^\n]*+\n)*+\}[ \t\r]*\n(?=\s*(?:[^\s{}\[\]]|\[{1,2}[A-Za-z]|\{[{%]))"
)

# Site generators: comments (Jinja, MDX, Hugo, Handlebars), tags, and the code between two tags.
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
# Code blocks in WordPress and forum posts.
_BRACKETED = lazy_pattern(r"\[([cC][oO][dD][eE]|sourcecode)(?:[ =][^\[\]\n]{0,200}+)?\]")
_TEMPLATE_BLOCK = lazy_pattern(
    r"(?:\{%[-+]?|\{\{[<%])\s*+(highlight|raw|comment|verbatim|codeblock|code|prism)(?![\w=])", re.IGNORECASE
)
MAX_TEMPLATE_TAG_CHARS = 2048
_ATTRS = r"(?:[ \t\n]++[A-Za-z-]++(?:=(?:\"[^\"<>`\\\n]*+\"|'[^'<>`\\\n]*+'|[^\s\"'<>=`\\]++))?+)*+[ \t\n]*+/?>"
_FEED = lazy_pattern(r"<(?:[a-z]+:encoded|description|summary|content)(?:\s[^<>]*+)?>\s*+")
MAX_FEED_TAG_CHARS = 200
_NAMES = "code|pre|tt|kbd|samp|svg|math|script|style|textarea|title|xmp|iframe|noembed|noframes|noscript|plaintext"
# The first letters rule out ordinary tags with a single comparison; _MARKUP checks the rest.
_OPENER = lazy_pattern(
    r"<(?:!(?:--|\[C)"
    r"|[cCpPsStTmMxXiInNkK](?:[oO][dDeEfFsS]|[rR][eE]|[lL][aA]|[cC][rR]|[tT][yY]|[vV][gG]|[eE][xX]|[iI][tT]"
    r"|[aA][tTmM]|[mM][pP]|[fF][rR]|[bB][dD]|[tT][ \t\n\r\f/>]))"
)
_OPENER_OR_CLOSER = lazy_pattern(rf"<(?:!--|!\[C|/?(?i:{_NAMES}))")
_MARKUP = lazy_pattern(rf"<(?:(!--|!\[CDATA\[)|(/?)((?i:{_NAMES}))(?=[ \t\n\r\f/>]))")
# Complete comments, and complete elements with nothing but text in them, matched at once. (Without groups: CPython
# 3.11 miscounts groups inside possessive repeats.)
_WHOLE = r"<!--[^<>-]*+(?:-(?!->)[^<>-]*+)*+-->|" + "|".join(
    f'<{name}(?: class="[^"<>]*+")?>[^<]*+</{name}>' for name in ("code", "pre", "script", "style")
)
_LEAF = lazy_pattern(_WHOLE)
_LEAVES = lazy_pattern(rf"(?:(?:{_WHOLE})[^<`~\\]*+)++")
_CODE = frozenset({"code", "pre", "tt", "kbd", "samp"})  # docutils writes literals as <tt>
_NESTING = _CODE | {"svg", "math"}

# WHATWG HTML, section 13.2.5: quotes count only after "=", a tag ends at the first ">" outside quotes, and an
# unclosed tag extends to the end. "<!", "<?", and "</" not followed by a letter start bogus comments.
_TAG = lazy_pattern(
    r"<(?:/?[A-Za-z][^ \t\n\r\f/>]*+(?:[ \t\n\r\f/]++|[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+"
    r"(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+"
    r"(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|(?![\"'>])[^ \t\n\r\f>]++|(?=>)|\Z))?+)*+"
    r"|[!?][^>]*+|/(?![A-Za-z])[^>]*+)(?:>|\Z)"
)
# Markup that every parser reads the same way, with or without scripting, as HTML or as Markdown: text, empty
# frames and scripts, and tags of elements without raw text.
_UNAMBIGUOUS = lazy_pattern(
    rf"(?:[^<`\\]++|</?(?!(?i:{_NAMES})[ \t\n\r\f/>])[A-Za-z][A-Za-z0-9]*+{_ATTRS}"
    rf"|<(?i:iframe){_ATTRS}</(?i:iframe)>|<(?i:script){_ATTRS}</(?i:script)>)*+"
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
    """Return where the front matter of a text ends; 0 if there is none."""
    found = _FRONT.match(text) if text.startswith(("---", "+++", "\ufeff")) else None
    if found is None and text.startswith(("{", "\ufeff{")):
        found = _FRONT_JSON.match(text)
    return found.end() if found else 0


class Context:
    """A text without markup, in which nothing is protected."""

    def __init__(self, text: str, work: Work | None = None) -> None:
        self.text = text
        self.size = len(text)
        self._work = work or Work(DOCUMENT)

    def protected(self, place: int) -> bool:
        """Return whether the character at ``place`` must stay unchanged. Positions must be queried in order.

        :raises Exhausted: if reading the text takes more work than its budget allows.
        """
        return place >= self.size

    def skip(self, end: int) -> None:
        """Treat everything up to ``end`` as plain text, since it will be replaced."""


class HtmlContext(Context):
    """HTML as browsers tokenize it: comments, raw text, ``code`` and ``pre``, and the insides of tags."""

    _plain = _PLAIN
    _tag_start = lazy_pattern("<[A-Za-z!?/]")

    def __init__(self, text: str, work: Work | None = None) -> None:
        super().__init__(text, work)
        # The tokenizer continues in plain text at "safe"; everything before "until" is protected.
        self._open: dict[str, int] = {}  # the depth of each open nesting element
        self._found: dict[str, int] = {}  # where each closer was found, so that nothing is searched twice
        self._safe = self._until = front_matter(text)
        # The next opener of a construct, and the next template construct.
        self._opener, self._template = self._find_opener(self._safe), self._find_template(self._safe)
        self._start = min(self._opener, self._template)  # nothing is opened before it

    def protected(self, place: int) -> bool:
        """Return whether the character at ``place`` must stay unchanged. Positions must be queried in order."""
        if place < self._until:
            return True
        if self._start < place:
            self._advance(place)
        return place < self._until or bool(self._open) or self._is_enclosed(place)

    def skip(self, end: int) -> None:
        """Treat everything up to ``end`` as plain text, since it will be replaced."""
        self._safe = end

    # -- openers of protected constructs ------------------------------------------------------------------

    def _find_opener(self, start: int) -> int:
        found = (_OPENER_OR_CLOSER if self._open else _OPENER).search(self.text, start)
        return found.start() if found else self.size

    def _advance(self, place: int) -> None:
        """Read every construct that is opened before ``place``."""
        while self._until < self.size and self._find_start() < place:
            self._read(place)

    def _find_start(self) -> int:
        """Return the position of the next opener."""
        if self._opener < self._safe:
            self._opener = self._find_opener(self._safe)
        if self._template < self._safe:
            self._template = self._find_template(self._safe)
        self._start = min(self._opener, self._template)
        return self._start

    def _read(self, place: int) -> None:
        """Process the next opener, as far as it matters to ``place``."""
        self._work.step()
        if self._template < self._opener:
            self._read_template(self._template)
            return
        opener = self._opener
        if not self._is_enclosed(opener):
            self._enter(opener, place)
        self._opener = self._find_opener(max(self._safe, opener + 1))

    def _enter(self, opener: int, place: int) -> None:
        if leaves := _LEAVES.match(self.text, opener, place):
            self._safe = leaves.end()
        elif leaf := _LEAF.match(self.text, opener):
            self._protect(leaf.end())
        elif found := _MARKUP.match(self.text, opener):
            other, closes, name = found.groups()
            if other:
                self._comment(opener, other)
            elif name.lower() in _NESTING:
                self._nest(opener, name.lower(), bool(closes))
            elif not closes:
                self._raw_text(opener, name.lower())

    def _protect(self, end: int, resume: int | None = None) -> None:
        self._until = max(self._until, end)
        self._safe = end if resume is None else resume

    def _find_template(self, start: int) -> int:
        brace = self.text.find("{", start)  # many times faster than the pattern, and few texts have any
        found = _TEMPLATE_START.search(self.text, brace) if brace >= 0 else None
        return min(found.start() if found else self.size, self._next_bracketed(start))

    def _next_bracketed(self, start: int) -> int:
        if self._found.get("[", -1) < start:
            found = search_from_char(_BRACKETED, "[", "cCs", self.text, start)
            self._found["["] = found.start() if found else self.size
        return self._found["["]

    def _read_template(self, start: int) -> None:
        """Protect a site generator's comment, tag or code block, unless it is not closed."""
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
        delimiter = opening[0]
        if delimiter[-1] in "*#-!}":
            end = self._next(_TEMPLATE_END[delimiter], opening.end())
        else:
            end = self.text.find(_TEMPLATE_END[delimiter], opening.end(), start + MAX_TEMPLATE_TAG_CHARS)
        if not 0 <= end < self.size:
            return start
        end += len(_TEMPLATE_END[delimiter])
        block = _TEMPLATE_BLOCK.match(self.text, start)
        name = block[1].lower() if block else ""
        return max(end, self._closer_end(f"end{name}", _TEMPLATE_CLOSERS[name], end)) if block else end

    def _bracketed_end(self, start: int) -> int:
        opening = _BRACKETED.match(self.text, start)
        closer = f"[/{opening[1]}]" if opening else ""
        end = self._next(closer, opening.end()) if opening else self.size
        return end + len(closer) if end < self.size else start

    def _closer_end(self, key: str, pattern: re.Pattern[str], start: int) -> int:
        """Return where the next match ends; 0 if there is none. For each key, ``start`` must not decrease."""
        end = self._found.get(key, -1)
        if end < start:
            found = pattern.search(self.text, start)
            end = self._found[key] = found.end() if found else self.size + 1
        return end if end <= self.size else 0

    def _comment(self, opener: int, kind: str) -> None:
        """Protect up to the last closer that a parser might look for, but continue reading after the first one."""
        if kind != "!--" and self._is_feed(opener):
            self._safe = opener + len("<![CDATA[")
            return
        if kind == "!--":  # "<!-->" is a complete comment, and browsers accept "--!>" as its end
            ends = self._end("-->", opener + 2), self._end("--!>", opener + 4)
        else:
            ends = self._end("]]>", opener + 2), self._end(">", opener + 2)
        self._protect(ends[0] if ends[0] < self.size else max(ends), min(ends))

    def _is_feed(self, opener: int) -> bool:
        """Return whether the CDATA section at ``opener`` contains HTML, as in feeds and WordPress exports."""
        opening = self.text.rfind("<", max(0, opener - MAX_FEED_TAG_CHARS), opener)
        return opening >= 0 and bool(_FEED.fullmatch(self.text, opening, opener))

    def _end(self, closer: str, start: int) -> int:
        return min(self.size, self._next(closer, start) + len(closer))

    def _next(self, what: str, start: int) -> int:
        """Return the next position of a string, else the size of the text. ``start`` must never decrease."""
        known = self._found.get(what, -1)
        if known < start:
            known = self.text.find(what, start)
            known = self._found[what] = self.size if known < 0 else known
        return known

    def _nest(self, opener: int, name: str, closes: bool) -> None:
        depth = self._open.pop(name, 0) + (-1 if closes else 1)
        if not closes and name not in _CODE and self.text[self._tag_end(opener) - 2] == "/":
            depth -= 1  # <svg/> is self-closing, unlike <code/>
        if depth > 0:
            self._work.nest(depth)
            self._open[name] = depth
        if not closes and depth and not self._closer_end(name, _CLOSERS[name], opener):
            self._protect(self.size)
        else:
            self._safe = max(self._safe, opener)

    def _raw_text(self, opener: int, name: str) -> None:
        """Protect raw text up to its end tag; or the rest of the text, if parsers could disagree about the end."""
        start = self._tag_end(opener)
        end = self._raw_end(name, start)
        # Inside svg and math these are ordinary elements, as noscript is if scripting is disabled. The copy of an
        # image or frame that lazy loaders put into noscript is unambiguous.
        ambiguous = name == "noscript" or "svg" in self._open or "math" in self._open
        if ambiguous and not _UNAMBIGUOUS.fullmatch(self.text, start, end):
            end = self.size
        self._protect(end)

    def _raw_end(self, name: str, start: int) -> int:
        if name == "script":
            return self._script_end(start)
        found = _RAW_ENDS[name].search(self.text, start) if name in _RAW_ENDS else None
        return found.start() if found else self.size

    def _script_end(self, start: int) -> int:
        """Find the end tag of a script; one inside a comment in it is closed first (WHATWG HTML, 13.2.5.20)."""
        escaped = nested = False
        for found in _SCRIPT.finditer(self.text, start):
            delimiter = found[0]
            if not delimiter.lower().endswith("script"):
                escaped, nested = delimiter != "-->", nested and delimiter != "-->"
            elif not found[1]:
                nested = escaped
            elif not nested:
                return found.start()
            else:
                nested = False
        return self.size

    def _is_enclosed(self, place: int) -> bool:
        """Return whether ``place`` is inside a construct other than those read from openers."""
        return self._is_in_tag(place)

    # -- tags ---------------------------------------------------------------------------------------------

    def _is_in_tag(self, place: int) -> bool:
        """Return whether ``place`` is inside a tag. There must be no opener between the safe position and it.

        A tag that extends to it has its ``<`` after the last ``>``, or a quoted value that contains that ``>``.
        """
        text, safe = self.text, self._safe
        opening = text.rfind("<", safe, place)
        if opening >= 0:
            closed = text.rfind(">", opening, place)
            if closed < 0 or self._may_be_in_value(closed):
                return self._tokenize(place)
        if safe < place:
            self._safe = place
        return False

    def _may_be_in_value(self, place: int) -> bool:
        """Return False only if ``place`` can't be in a quoted value, which opens only after an equals sign."""
        text, safe = self.text, self._safe
        for char in ('"', "'"):
            quote = text.rfind(char, safe, place)
            if quote > safe and text[quote - 1] in "= \t\n\r\f" and self._follows_equals(quote):
                return True
        return False

    def _follows_equals(self, place: int) -> bool:
        while place > self._safe and self.text[place - 1] in ASCII_WHITESPACE:
            place -= 1
        return place > self._safe and self.text[place - 1] == "="

    def _tokenize(self, place: int) -> bool:
        """Read tag after tag; return whether one extends beyond ``place``, and protect up to its end."""
        if plain := self._plain.match(self.text, self._safe, place):  # pragma: no branch - also matches nothing
            self._safe = plain.end()
        while opening := self._tag_start.search(self.text, self._safe, place):
            self._work.step()
            if self._skip_code(opening.start(), place):
                continue
            self._safe = self._tag_end(opening.start())
            if self._safe > place:
                self._until = max(self._until, self._safe)
                return True
        self._safe = place
        return False

    def _skip_code(self, opening: int, place: int) -> bool:
        """Return whether the "<" at ``opening`` is in code, and move the safe position past it if so."""
        return opening < self._safe <= place

    def _tag_end(self, start: int) -> int:
        """Return the end of the tag at ``start``; the position after its ``<`` if there is no tag."""
        found = _TAG.match(self.text, start)
        return found.end() if found else start + 1
