"""A Jinja filter: ``{{ post.body|getty }}`` renders the references in a text."""

from jinja2 import Environment
from markupsafe import Markup

from embedkit import EmbedKit, Target

kit = EmbedKit()


def getty(body: str, target: Target = "web") -> Markup:
    return Markup(kit.render(body, input="html", target=target))


environment = Environment(autoescape=True)
environment.filters["getty"] = getty
