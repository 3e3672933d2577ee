"""Jinja2: a tag ``{% getty 74917285, max_width=300 %}`` and a filter ``{{ post.body|getty }}``.

Use ``jinja2.Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"])``. Assign your own kit, or a
:class:`embedkit.integrations.site.Site`, to ``environment.embedkit``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, nodes, pass_context
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from markupsafe import Markup

from embedkit.integrations.options import unknown_words
from embedkit.integrations.site import Site
from embedkit.kit import EmbedKit


class EmbedKitExtension(Extension):
    """The tag and the filter.

    >>> environment = Environment(extensions=[EmbedKitExtension])
    >>> "<iframe" in environment.from_string("{% getty 74917285, max_width=300 %}").render()
    True
    """

    tags = {"getty"}  # noqa: RUF012  (Jinja's name)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.extend(embedkit=None)
        environment.filters["getty"] = self.filter

    @property
    def site(self) -> Site:
        """The site of the environment's kit, created on first use; by default with the process's settings."""
        known: EmbedKit | Site | None = self.environment.embedkit  # type: ignore[attr-defined]
        if isinstance(known, Site):
            return known
        site = Site({}, kit=known, background=True)
        self.environment.embedkit = site  # type: ignore[attr-defined]
        return site

    def parse(self, parser: Parser) -> nodes.Node:
        """Parse ``{% getty REFERENCE[,] [option=value]… %}``; called by Jinja."""
        line = next(parser.stream).lineno
        reference = parser.parse_expression()
        options: list[nodes.Pair] = []
        while not parser.stream.current.test("block_end"):
            parser.stream.skip_if("comma")
            name = parser.stream.expect("name").value
            parser.stream.expect("assign")
            options.append(nodes.Pair(nodes.Const(name), parser.parse_expression(), lineno=line))
            if wrong := unknown_words([name]):
                parser.fail(wrong, line)
        name = parser.name or parser.filename or "<template>"
        where = [nodes.Const(name), nodes.Const(line)]
        call = self.call_method("picture", [reference, nodes.Dict(options), *where], lineno=line)
        return nodes.Output([nodes.MarkSafe(call)], lineno=line)

    def picture(self, reference: Any, words: Mapping[str, object], name: str, line: int) -> Markup | str:
        """Render an embed. If it can't be shown, ON_ERROR applies, and a warning with the location is logged."""
        return self.site.picture(reference, words, name, line)

    @pass_context
    def filter(self, context: Context, value: object, **keywords: Any) -> Markup:
        """Render the references in a text, which is escaped unless it is ``Markup``, as ``urlize`` does."""
        return self.site.filter(value, f"{context.name or '<template>'} (text)", **keywords)
