"""Render an embed for any target. Each target has a Jinja template, which a host can replace.

Templates have the following variables. All are raw text on one line, escaped when printed (for HTML and for
whatever parses our output next, see :mod:`embedkit.rendering.escaping`):

title, caption (the author's own, or empty), credit, photographer, collection, page_url (empty if there is no embed
and ON_ERROR is text), ref (the IDs, joined by commas), slideshow, align_class, inert (attributes that make the
template engines of live pages skip the element), words (our own texts, from words.json), privacy_url,
thumbnail_url, outage (whether the embed is only temporarily missing), is_card (only in gone.html), and, if there
is an embed: frame, frame_src, frame_path, frame_title, frame_caption, items, width, height, bar, bar_class,
sandbox, credentialless, widget_script, data (the ImageObject of jsonld).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from embedkit.errors import ConfigurationError, EmbedKitError, NotFound, RateLimited, Unavailable
from embedkit.files.installed import templates_dir
from embedkit.getty.urls import page_url
from embedkit.models import AGENCY, AssetRef, Embed, Frame, Options, credit_line
from embedkit.rendering import escaping
from embedkit.rendering.escaping import Own
from embedkit.rendering.sanitizer import PATH, sanitizer
from embedkit.settings import RenderSettings
from embedkit.targets import ROWS, UNCLEANED, Escape, Input, Target

if TYPE_CHECKING:
    from jinja2 import Environment, FileSystemLoader, Template
    from markupsafe import Markup

TEXTS = ("title", "photographer", "collection")
OUTAGES = (Unavailable, RateLimited)  # which are temporary
WIDGET_QUERY = ["et", "tld", "sig"]
# Makes Vue, Alpine and AngularJS skip the element: they read the live page, where references are already decoded.
INERT = ' v-pre="" x-ignore="" ng-non-bindable=""'

# The only URLs that our links have; if a record has any other, the page's URL is built from the ID.
_PAGE = re.compile(r"https://www\.gettyimages\.[a-z]{2,3}(?:\.[a-z]{2})?/[A-Za-z0-9/_.,%?=&-]*")
_PATH = re.compile(PATH)
_INCLUDE = re.compile(r'\{% include "embedkit/([a-z]+\.html)" %\}')
# Control characters, surrogates and noncharacters are invalid in HTML; bidi overrides would reverse our own text.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def typed(text: str, target: Target) -> Markup | str:
    """Return output for a target with its type: plain text, or markup."""
    return _markup(text) if ROWS[target].is_markup else text


class Renderer:
    """Renders records. Thread-safe.

    :raises ConfigurationError: if the settings name a folder that does not exist or an unknown sanitizer.
    """

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._sanitizer = sanitizer(settings.sanitizer, frame_origin=settings.frame_origin)
        self._environment = _environment(settings.templates)
        self._words = _words(self._environment, settings.locale)
        self._ours: dict[str, bool] = {}
        self._templates: dict[str, Template] = {}
        self._has_host_templates = bool(settings.templates)
        self._markup = type(_markup(""))
        self._inert = _markup(INERT)
        self._sandbox, self._widget_script = Own(settings.frame_sandbox), Own(settings.widget_script)
        self._privacy_url = Own(settings.privacy_url)

    def render(self, embed: Embed, options: Options, target: Target, input: Input = "text") -> Markup | str:
        """Render an embed that already has its final size: as markup, or as plain text for text targets.

        ``jsonld`` is empty without a thumbnail, since it must refer to an image.

        :param input: format of the document around it; ``text`` if there is none.
        :raises ConfigurationError: if a host's template fails.
        """
        if not _PATH.fullmatch(embed.frame.path()):  # made by hand, or from a tampered lock file
            return self.fallback(embed.ref, options, target, texts=_texts(embed), input=input)
        if target == "jsonld" and not embed.thumbnail_url:
            return _markup("")
        if target == "widget" and [name for name, _ in embed.frame.query] != WIDGET_QUERY:
            target = "web"  # Getty's script would build a query other than the signed one
        row = ROWS[target]
        context = self._context(embed.ref, options, _texts(embed), embed.page_url, target)
        context |= self._frame_context(embed, options, context, target)
        return self._fill(row.template, context, row.escape[input])

    def fallback(
        self,
        ref: AssetRef,
        options: Options,
        target: Target,
        *,
        texts: Mapping[str, str] | None = None,
        input: Input = "text",
        error: EmbedKitError | None = None,
    ) -> Markup | str:
        """Render the replacement for a missing embed: a credited card, link or text, depending on ON_ERROR.

        For a withdrawn picture, it only says that the picture was withdrawn.

        :param texts: title, photographer and collection, as far as known.
        :param error: the reason why there is no embed.
        :param input: format of the document around it; ``text`` if there is none.
        """
        row = ROWS[target]
        if row.fallback == "nothing":
            return _markup("")
        context, escape = self._context(ref, options, texts or {}, "", target), row.escape[input]
        context["outage"] = isinstance(error, OUTAGES)
        kind = self._settings.on_error
        if isinstance(error, NotFound):
            context["is_card"] = kind == row.fallback == "card"
            return self._fill("gone.html" if row.is_markup else "gone.txt", context, escape)
        if kind == "text":
            name = "text.html" if row.is_markup else row.template
            return self._fill(name, context | {"page_url": ""}, escape)
        if row.fallback == "template":
            return self._fill(row.template, context, escape)
        return self._fill("link.html" if "link" in (kind, row.fallback) else "card.html", context, escape)

    def plain(self, text: str, target: Target, input: Input = "text") -> Markup | str:
        """Render an author's text that doesn't refer to a picture: escaped, and otherwise unchanged."""
        row = ROWS[target]
        if row.fallback == "nothing":
            return _markup("")
        shown = escaping.escape_text(_one_line(text), row.escape[input])
        return typed(f"<span{INERT}>{shown}</span>" if row.fallback == "card" else shown, target)

    # -- variables of templates --------------------------------------------------------------------------

    def _context(
        self, ref: AssetRef, options: Options, texts: Mapping[str, str], page_url: str, target: Target
    ) -> dict[str, Any]:
        lines = {name: _one_line(texts.get(name, "")) for name in TEXTS}
        title = lines["title"] or self._words["untitled"].format(id=ref.items[0])
        if len(ref.items) > 1:
            title = self._words["slideshow"].format(title=title, more=len(ref.items) - 1)
        return {
            **lines,
            "title": title,
            "caption": _one_line(options.caption) if isinstance(options.caption, str) else "",
            "credit": credit_line(lines["photographer"], lines["collection"]),
            "page_url": self._page_url(ref, options, page_url, target),
            "ref": Own(ref),
            "slideshow": len(ref.items) > 1,
            "align_class": Own(f" ek--{options.align}") if options.align in ("left", "center", "right") else "",
            "inert": self._inert if ROWS[target].is_inert else "",
            "outage": False,
            "words": self._words,
            "privacy_url": self._privacy_url,
            "thumbnail_url": None,
        }

    def _frame_context(
        self, embed: Embed, options: Options, base: Mapping[str, Any], target: Target
    ) -> dict[str, Any]:
        path = embed.frame.path(caption=options.caption is True)
        return {
            "frame_path": Own(path),
            "frame_src": Own(self._settings.frame_origin + path),
            "frame_title": _one_line(options.title or "") or self._frame_title(base),
            "frame_caption": options.caption is True,
            "items": Own(",".join(embed.frame.items)),
            "width": embed.width,
            "height": embed.height,
            "bar": embed.frame.bar,
            "bar_class": Own(" ek-box--bar") if embed.frame.bar else "",
            "sandbox": self._sandbox,
            "credentialless": self._settings.credentialless,
            "widget_script": self._widget_script,
            "thumbnail_url": embed.thumbnail_url,
            **({"frame": _as_own(embed.frame)} if target == "widget" or self._has_host_templates else {}),
            **({"data": _image_object(embed, base)} if target == "jsonld" or self._has_host_templates else {}),
        }

    def _frame_title(self, base: Mapping[str, Any]) -> str:
        who = base["credit"].removesuffix(AGENCY).removesuffix(" / ")
        return self._words["title" if who else "title_alone"].format(title=base["title"], who=who)

    def _page_url(self, ref: AssetRef, options: Options, known: str, target: Target) -> str:
        if not _PAGE.fullmatch(known):
            known = page_url(ref.items[0], options.tld or self._settings.tld)
        return known if target == "text" else Own(known)  # in plain text it is not a link

    # -- templates ---------------------------------------------------------------------------------------

    def _fill(self, name: str, context: Mapping[str, Any], escape: Escape) -> Markup | str:
        from jinja2 import TemplateError

        try:
            template = self._template(name)
            text = template.render(escaping.as_texts(context) if self._has_host_templates else context).strip()
        except TemplateError as error:
            raise ConfigurationError(
                f"The template embedkit/{name} can't be used: {error}.", hint="Check EMBEDKIT_TEMPLATES."
            ) from error
        if name.endswith(".html") and name not in UNCLEANED and self._is_ours(name, template):
            text = self._sanitizer.clean(text)
        text = escaping.unmask(text, escape)
        return self._markup(text) if name.endswith(".html") else text

    def _template(self, name: str) -> Template:
        """Return a template. If the host has its own, changed files are reloaded; otherwise it is cached."""
        template = self._templates.get(name) or self._environment.get_template(f"embedkit/{name}")
        if not self._has_host_templates:
            self._templates[name] = template
        return template

    def _is_ours(self, name: str, template: Template) -> bool:
        """Return whether a template and everything it includes is built in. A host's HTML is trusted code."""
        if name not in self._ours:
            included = map(self._environment.get_template, _included(self._environment, name))
            self._ours[name] = all(_is_built_in(part.filename) for part in (template, *included))
        return self._ours[name]


def _environment(templates: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from jinja2.ext import Extension

    class OneLine(Extension):
        """Joins the lines of built-in templates: wpautop and Markdown turn line breaks into paragraphs.

        Includes are expanded, which is faster, unless a host can override them.
        """

        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
            if not _is_built_in(filename):
                return source
            return _one_line_of_html(source if templates else _INCLUDE.sub(included, source))

    def included(found: re.Match[str]) -> str:
        return _one_line_of_html(_source(environment, found[1]))

    class EscapedOnce(Environment):
        """Doesn't mask the output of a macro or block again when that is printed."""

        concat = staticmethod(lambda parts: Own("".join(parts)))

    folders = [templates_dir()]
    if templates:
        if not Path(templates).is_dir():
            raise ConfigurationError(f"The folder {templates} does not exist.", hint="Check EMBEDKIT_TEMPLATES.")
        folders.insert(0, Path(templates))
    environment = EscapedOnce(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        finalize=escaping.mask_value,
        extensions=[OneLine],
        auto_reload=bool(templates),
    )
    environment.filters |= dict.fromkeys(("e", "escape", "forceescape"), _escape)
    environment.filters["markdown"] = lambda text: Own(escaping.escape_text(text, "markdown"))
    environment.policies["json.dumps_function"] = escaping.dump_json
    return environment


def _escape(value: Any) -> Any:
    """Mask a value that is not markup, for the filters ``e``, ``escape`` and ``forceescape``."""
    return (
        value
        if hasattr(value, "__html__") and not isinstance(value, escaping.Text)
        else _markup(escaping.mask(str(value)))
    )


def _words(environment: Environment, locale: str) -> dict[str, str]:
    """Return our own texts in the language of a locale such as pt-BR; missing ones are in English.

    A host's ``words.json`` contains only the texts that it overrides.
    """
    folders = cast("FileSystemLoader", environment.loader).searchpath
    tables = [_table(Path(folder, "embedkit", "words.json")) for folder in reversed(folders)]
    language = re.split("[-_]", locale.lower())[0]
    words: dict[str, str] = {}
    for name in ("en", language):
        for table in tables:
            words |= table.get(name, {})
    return words


def _table(path: Path) -> dict[str, dict[str, str]]:
    try:
        table: dict[str, dict[str, str]] = json.loads(path.read_text("utf-8"))
        return table
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise ConfigurationError(f"{path} can't be read: {error}.", hint="Check EMBEDKIT_TEMPLATES.") from error


def _included(environment: Environment, name: str) -> list[str]:
    from jinja2 import meta

    tree = environment.parse(_source(environment, name))
    return [included for included in meta.find_referenced_templates(tree) if included]


def _source(environment: Environment, name: str) -> str:
    loader = cast("FileSystemLoader", environment.loader)
    return loader.get_source(environment, f"embedkit/{name}")[0]


def _texts(embed: Embed) -> dict[str, str]:
    return {name: getattr(embed, name) for name in TEXTS}


def _image_object(embed: Embed, base: Mapping[str, Any]) -> dict[str, Any]:
    """Build a schema.org ImageObject with the fields that search engines read for licensable images."""
    fields = {
        "@context": Own("https://schema.org"),
        "@type": "ImageObject",
        "contentUrl": embed.thumbnail_url,
        "width": embed.thumbnail_width,
        "height": embed.thumbnail_height,
        "name": base["title"],
        "caption": base["caption"] or _one_line(embed.caption),
        "creator": base["photographer"] and {"@type": "Person", "name": base["photographer"]},
        "creditText": base["credit"],
        "license": embed.terms_of_use_url,
        "acquireLicensePage": base["page_url"],
    }
    return {name: value for name, value in fields.items() if value}


def _one_line(text: str) -> str:
    """Remove line breaks (a blank line ends an HTML block in Markdown) and unprintable characters."""
    return " ".join((text if text.isprintable() else _UNPRINTABLE.sub("", text)).split())


def _is_built_in(filename: str | None) -> bool:
    return filename is not None and Path(filename).is_relative_to(templates_dir())


def _one_line_of_html(source: str) -> str:
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[>}])\s*\n\s*(?=[<{])", "", source.strip()))


def _as_own(frame: Frame) -> Frame:
    """Return a frame whose values templates print unchanged, since they are validated and used in scripts."""
    query = tuple([(name, Own(value)) for name, value in frame.query])
    return replace(frame, items=tuple(map(Own, frame.items)), query=query)


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # from our own templates, escaped by Jinja; or from the host's  # noqa: S704  # nosec B704
