"""A Django template tag: ``{% getty "74917285" max_width=480 %}``."""

from django import template  # type: ignore[import-untyped]

from embedkit import EmbedKit, Options, RenderOptions, Settings

register = template.Library()
kit = EmbedKit(Settings.from_mapping({"CACHE": "memory:", "MAX_AGE": 3600}))


def getty(reference: str, max_width: int | None = None) -> str:
    options: RenderOptions = {"max_width": max_width, "target": "facade"}
    return str(kit.html(reference, Options(title="A picture of the day"), **options))


register.simple_tag(getty)  # pyright: ignore[reportUnknownMemberType]
