"""Jinja2: a tag ``{% getty 74917285, max_width=300 %}`` and a filter ``{{ post.body|getty }}``.

``jinja2.Environment(extensions=["embedkit.integrations.jinja.EmbedKitExtension"])``; a kit of your own goes into
``environment.embedkit``.
"""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

from embedkit.integrations.site import Site
from embedkit.kit import EmbedKit
from embedkit.models import Options


class EmbedKitExtension(Extension):
    """Tag and filter.

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
    def kit(self) -> EmbedKit:
        """The environment's kit; one with the settings of the process is made at first use."""
        if self.environment.embedkit is None:  # type: ignore[attr-defined]
            self.environment.embedkit = Site({}).kit  # type: ignore[attr-defined]
        kit: EmbedKit = self.environment.embedkit  # type: ignore[attr-defined]
        return kit

    def parse(self, parser: Parser) -> nodes.Node:
        """``{% getty REFERENCE[,] [option=value]… %}``; called by Jinja."""
        line = next(parser.stream).lineno
        reference = parser.parse_expression()
        options: list[nodes.Keyword] = []
        while not parser.stream.current.test("block_end"):
            parser.stream.skip_if("comma")
            name = parser.stream.expect("name").value
            parser.stream.expect("assign")
            options.append(nodes.Keyword(name, parser.parse_expression(), lineno=line))
        call = self.call_method("html", [reference], options, lineno=line)
        return nodes.Output([nodes.MarkSafe(call)], lineno=line)

    def html(self, reference: Any, **words: Any) -> Markup:
        """An embed for the page; what can't be shown is a card, by ON_ERROR."""
        options, problems = Options.from_words(words)
        if problems:
            raise ValueError("; ".join(one.detail for one in problems))
        return Markup(self.kit.html(reference, options))  # noqa: S704  # nosec B704

    def filter(self, value: object, **keywords: Any) -> Markup | str:
        """A text with its references rendered; what is no ``Markup`` yet is escaped, as by ``urlize``."""
        return self.kit.filter(value, **keywords)
