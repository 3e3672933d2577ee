"""One embed, many outputs: the targets, each a Jinja template that a host may replace.

A template is given these names; all are raw text, on one line each, that is escaped as it is printed (for HTML,
and for all that may read our output next: :mod:`embedkit.rendering.escaping`):

title, caption (the author's own text, or empty), credit, photographer, collection, page_url (empty where ON_ERROR
is text and there is no embed), ref (the IDs, joined by commas), slideshow, align_class, inert (attributes that
keep template engines of live pages out), words (our own few words, from words.json), privacy_url, thumbnail_url,
outage (whether an embed is missing for a while only), is_card (for gone.html alone), and where there is an embed:
frame, frame_src, frame_path, frame_title, frame_caption, items, width, height, bar, bar_class, sandbox,
credentialless, widget_script, data (the ImageObject of jsonld).
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
OUTAGES = (Unavailable, RateLimited)  # that pass by themselves
WIDGET_QUERY = ["et", "tld", "sig"]
# What Vue, Alpine and AngularJS leave alone: they read the page itself, where references are signs again.
INERT = ' v-pre="" x-ignore="" ng-non-bindable=""'

# The only place that our links lead to; whatever else a record says, the page is made from the id.
_PAGE = re.compile(r"https://www\.gettyimages\.[a-z]{2,3}(?:\.[a-z]{2})?/[A-Za-z0-9/_.,%?=&-]*")
_PATH = re.compile(PATH)
_INCLUDE = re.compile(r'\{% include "embedkit/([a-z]+\.html)" %\}')
# Controls, surrogates and noncharacters belong in no html; bidirectional overrides would turn round our own words.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def typed(text: str, target: Target) -> Markup | str:
    """Output for a target as what it is: plain text, or markup."""
    return _markup(text) if ROWS[target].is_markup else text


class Renderer:
    """Turns records into output. Safe for threads.

    :raises ConfigurationError: where the settings name a folder or a sanitizer that is not there.
    """

    def __init__(self, settings: RenderSettings) -> None:
        self._settings = settings
        self._sanitizer = sanitizer(settings.sanitizer, frame_origin=settings.frame_origin)
        self._environment = _environment(settings.templates)
        self._words = _words(self._environment, settings.locale)
        self._own: dict[str, bool] = {}
        self._templates: dict[str, Template] = {}
        self._hosted = bool(settings.templates)
        self._markup = type(_markup(""))
        self._inert = _markup(INERT)
        self._sandbox, self._widget_script = Own(settings.frame_sandbox), Own(settings.widget_script)
        self._privacy_url = Own(settings.privacy_url)

    def render(self, embed: Embed, options: Options, target: Target, input: Input = "text") -> Markup | str:
        """An embed, already at its size, for a target: markup, or plain text where the target makes text.

        ``jsonld`` is empty where there is no thumbnail, since it must point at a picture.

        :param input: the format of the document that it will be in; ``text`` where there is none.
        :raises ConfigurationError: where a template of the host's own fails.
        """
        if not _PATH.fullmatch(embed.frame.path()):  # made by hand, or a tampered lock file
            return self.fallback(embed.ref, options, target, texts=_texts(embed), input=input)
        if target == "jsonld" and not embed.thumbnail_url:
            return _markup("")
        if target == "widget" and [name for name, _ in embed.frame.query] != WIDGET_QUERY:
            target = "web"  # Getty's script would build a query other than the one that was signed
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
        """What is shown where there is no embed: a credited card, link or text, by ON_ERROR.

        Of a picture that was withdrawn only that is said.

        :param texts: title, photographer and collection, as far as they are known.
        :param error: why there is none.
        :param input: the format of the document that it will be in; ``text`` where there is none.
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
        """An author's own words, where they don't name a picture: shown, and no more than that."""
        row = ROWS[target]
        if row.fallback == "nothing":
            return _markup("")
        shown = escaping.escape_text(_one_line(text), row.escape[input])
        return typed(f"<span{INERT}>{shown}</span>" if row.fallback == "card" else shown, target)

    # -- what templates are given ------------------------------------------------------------------------

    def _context(
        self, ref: AssetRef, options: Options, texts: Mapping[str, str], page_url: str, target: Target
    ) -> dict[str, Any]:
        named = {name: _one_line(texts.get(name, "")) for name in TEXTS}
        title = named["title"] or self._words["untitled"].format(id=ref.items[0])
        if len(ref.items) > 1:
            title = self._words["slideshow"].format(title=title, more=len(ref.items) - 1)
        return {
            **named,
            "title": title,
            "caption": _one_line(options.caption) if isinstance(options.caption, str) else "",
            "credit": credit_line(named["photographer"], named["collection"]),
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
            **({"frame": _own(embed.frame)} if target == "widget" or self._hosted else {}),
            **({"data": _image_object(embed, base)} if target == "jsonld" or self._hosted else {}),
        }

    def _frame_title(self, base: Mapping[str, Any]) -> str:
        who = base["credit"].removesuffix(AGENCY).removesuffix(" / ")
        return self._words["title" if who else "title_alone"].format(title=base["title"], who=who)

    def _page_url(self, ref: AssetRef, options: Options, known: str, target: Target) -> str:
        if not _PAGE.fullmatch(known):
            known = page_url(ref.items[0], options.tld or self._settings.tld)
        return known if target == "text" else Own(known)  # there it is read, and no link

    # -- templates ---------------------------------------------------------------------------------------

    def _fill(self, name: str, context: Mapping[str, Any], escape: Escape) -> Markup | str:
        from jinja2 import TemplateError

        try:
            template = self._template(name)
            text = template.render(escaping.as_texts(context) if self._hosted else context).strip()
        except TemplateError as error:
            raise ConfigurationError(
                f"The template embedkit/{name} can't be used: {error}.", hint="Check EMBEDKIT_TEMPLATES."
            ) from error
        if name.endswith(".html") and name not in UNCLEANED and self._is_own(name, template):
            text = self._sanitizer.clean(text)
        text = escaping.unmask(text, escape)
        return self._markup(text) if name.endswith(".html") else text

    def _template(self, name: str) -> Template:
        """A template, looked up once; where a host has its own, as it is by now."""
        template = self._templates.get(name) or self._environment.get_template(f"embedkit/{name}")
        if not self._hosted:
            self._templates[name] = template
        return template

    def _is_own(self, name: str, template: Template) -> bool:
        """Whether a template, and all it includes, is built in: a host's own html is the host's code."""
        if name not in self._own:
            included = map(self._environment.get_template, _included(self._environment, name))
            self._own[name] = all(_is_built_in(one.filename) for one in (template, *included))
        return self._own[name]


def _environment(templates: str) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
    from jinja2.ext import Extension

    class OneLine(Extension):
        """Puts built-in templates on one line: wpautop and Markdown read line breaks as paragraphs.

        What they include becomes a part of them, which is faster, unless a host may have its own.
        """

        def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002
            if not _is_built_in(filename):
                return source
            return _one_line_of_html(source if templates else _INCLUDE.sub(included, source))

    def included(found: re.Match[str]) -> str:
        return _one_line_of_html(_source(environment, found[1]))

    class PrintedOnce(Environment):
        """Takes what a macro or a block has printed as it stands where it is printed again."""

        concat = staticmethod(lambda parts: Own("".join(parts)))

    folders = [templates_dir()]
    if templates:
        if not Path(templates).is_dir():
            raise ConfigurationError(f"The folder {templates} does not exist.", hint="Check EMBEDKIT_TEMPLATES.")
        folders.insert(0, Path(templates))
    environment = PrintedOnce(
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
    """What the filters ``e``, ``escape`` and ``forceescape`` make of a value: nothing in it means anything."""
    return (
        value
        if hasattr(value, "__html__") and not isinstance(value, escaping.Text)
        else _markup(escaping.mask(str(value)))
    )


def _words(environment: Environment, locale: str) -> dict[str, str]:
    """Our few words in the language of a locale such as pt-BR; what a language lacks is in English.

    A host's own ``words.json`` has those words that it changes.
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

    return [one for one in meta.find_referenced_templates(environment.parse(_source(environment, name))) if one]


def _source(environment: Environment, name: str) -> str:
    loader = cast("FileSystemLoader", environment.loader)
    return loader.get_source(environment, f"embedkit/{name}")[0]


def _texts(embed: Embed) -> dict[str, str]:
    return {name: getattr(embed, name) for name in TEXTS}


def _image_object(embed: Embed, base: Mapping[str, Any]) -> dict[str, Any]:
    """schema.org ImageObject, as search engines read it for licensed pictures."""
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
    """A text without line breaks (a blank line ends an html block in Markdown) and unprintable characters."""
    return " ".join((text if text.isprintable() else _UNPRINTABLE.sub("", text)).split())


def _is_built_in(filename: str | None) -> bool:
    return filename is not None and Path(filename).is_relative_to(templates_dir())


def _one_line_of_html(source: str) -> str:
    return re.sub(r"\s*\n\s*", " ", re.sub(r"(?<=[>}])\s*\n\s*(?=[<{])", "", source.strip()))


def _own(frame: Frame) -> Frame:
    """A frame whose values templates print as they stand: all are checked, and scripts hold them."""
    query = tuple([(name, Own(value)) for name, value in frame.query])
    return replace(frame, items=tuple(map(Own, frame.items)), query=query)


def _markup(text: str) -> Markup:
    from markupsafe import Markup

    return Markup(text)  # our own templates, escaped by Jinja; or the host's  # noqa: S704  # nosec B704
