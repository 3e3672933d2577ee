"""The main entry point: references and texts in, embeds out.

resolve   one record, or an error        resolve_many   several records, with errors as values
html      markup, or a fallback          render         a whole text, with fallbacks
search    find pictures by a phrase      api            the whole Getty Images API v3
engine    for the service and the command line (:mod:`embedkit.engine.engine`)
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, cast

from embedkit import validation
from embedkit.engine.engine import Engine
from embedkit.engine.rendered import copy_assets, like
from embedkit.engine.resolver import Progress
from embedkit.errors import EmbedKitError, UnsupportedReference
from embedkit.getty import references
from embedkit.models import JSON, AssetRef, Document, Embed, EmbedKey, Options, RenderOptions, Report
from embedkit.settings import Settings
from embedkit.targets import INPUTS, TARGETS, Input, Target

if TYPE_CHECKING:
    from typing import Unpack

    from cachelib import BaseCache
    from markupsafe import Markup

    from embedkit.api.client import Api
    from embedkit.api.models import SearchPage
    from embedkit.api.parameters import AnySearch, Family
    from embedkit.cache.embed_cache import EmbedCache
    from embedkit.cache.stores.base import LocalStore
    from embedkit.engine.shelf import Shelf
    from embedkit.transport.client import Transport

Reference = str | int | AssetRef
MAX_ID = 10**24  # no ID has more digits than this


class EmbedKit:
    """Resolves, renders and caches embeds. Thread-safe: create one and share it.

    :param settings: the settings; by default read from the environment (``EMBEDKIT_…``).
    :param transport: sends upstream requests; by default :class:`embedkit.transport.client.HttpTransport`.
    :param cache: any cachelib backend; by default the one that the CACHE setting names.
    :param clock: returns seconds since the epoch.
    :param background: True refreshes stale copies on daemon threads (for a service); False leaves them to
        :meth:`settle` (for a command or a build).
    :raises ConfigurationError: if a setting is invalid or, with FROZEN, the lock file can't be read.

    >>> from embedkit import EmbedKit, Settings
    >>> from embedkit.sandbox import SandboxTransport
    >>> kit = EmbedKit(Settings(cache="memory:"), transport=SandboxTransport())
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        transport: Transport | None = None,
        cache: BaseCache | LocalStore | None = None,
        clock: Callable[[], float] = time.time,
        background: bool = True,
    ) -> None:
        settings = Settings.from_env(os.environ) if settings is None else settings
        self.settings = validation.instance(settings, Settings, "settings")
        self._clock = clock
        self.engine = Engine(self.settings, transport=transport, cache=cache, clock=clock, background=background)
        self.events = self.engine.events
        self._memo = self.engine.memo
        self.mounted_at = ""  # the URL at which a blueprint serves our static files; set by create_blueprint()

    @property
    def cache(self) -> EmbedCache:
        """The cache of this kit."""
        return self.engine.cache()

    def __repr__(self) -> str:
        settings = getattr(self, "settings", None)  # unset if the constructor raised, as in a crash report
        if settings is None:
            return "<EmbedKit>"
        store = settings.cache.partition(":")[0] or "sqlite"  # only the scheme: a URL may contain a password
        return f"<EmbedKit cache={store} target={settings.target}>"

    # -- resolving --------------------------------------------------------------------------------------

    def parse(self, reference: Reference) -> AssetRef:
        """Parse a reference of any form, including the options written in it.

        :param reference: an asset ID as a string or a number, up to five IDs separated by commas, a URL, a
            shortcode, the name of a file downloaded from Getty, or embed code.
        :returns: the asset IDs and the options.
        :raises UnsupportedReference: if it is not a reference to a Getty Images picture.

        >>> kit.parse("https://gty.im/74917285").items
        ('74917285',)
        """
        if isinstance(reference, AssetRef):
            return reference
        if _is_id(reference):
            reference = str(reference)
        if not isinstance(reference, str):
            hint = 'Pass a text such as "74917285", or a number.'
            raise UnsupportedReference(f"{validation.short_repr(reference)} is not a reference.", hint=hint)
        return references.parse(reference)

    def key(self, ref: AssetRef, options: Options | None = None) -> EmbedKey:
        """Return the cache key of a reference: its asset IDs and the tld.

        :param ref: a parsed reference, from :meth:`parse`.
        :param options: options whose ``tld`` is used; by default those of the reference.

        >>> kit.key(kit.parse("74917285"))
        (('74917285',), 'com')
        """
        return self.engine.resolver.key(ref, options)

    def resolve(
        self, reference: Reference, options: Options | None = None, **keywords: Unpack[RenderOptions]
    ) -> Embed:
        """Return one embed, at the requested size.

        :param reference: a reference, as for :meth:`parse`.
        :param options: ``max_width``, ``max_height`` (CSS pixels; the longer side is at most 594 by default) and
            ``tld`` are used; the other options make no difference to a record.
        :param keywords: the same options as keyword arguments; they override ``options``, which overrides the
            options of the reference.
        :raises UnsupportedReference: if it is not a reference to a Getty Images picture.
        :raises ConfigurationError: for an unknown option or an invalid value.
        :raises ProviderError: if there is no embed, and no copy that may be shown instead.

        >>> kit.resolve("74917285", max_width=300).width
        300
        """
        question: tuple[object, ...] = ("resolve", reference, options)
        if keywords:
            question = *question, *keywords.items(), *map(type, keywords.values())  # types, since 1 == True
        known: Embed | None = self._memo.get(question)
        if known is not None:
            return known
        if _is_id(reference):
            return self.resolve(str(reference), options, **keywords)
        ref = self.parse(reference)
        wanted = validation.options(options, keywords).over(ref.options)
        entry = self.engine.resolve(ref, wanted)
        embed = entry.sized(wanted)
        if entry.satisfies(wanted):  # a smaller copy is only shown during an outage
            self._memo.keep(question, entry, embed)
        return embed

    def resolve_many(
        self, references: Iterable[Reference], *, progress: Progress | None = None
    ) -> list[Embed | EmbedKitError]:
        """Resolve several references, requesting each distinct picture once, CONCURRENCY at a time.

        A reference that fails does not affect the others.

        :param references: references, each as for :meth:`parse`; their own options are used.
        :param progress: called with the number of pictures done and the total.
        :returns: the embed of each reference, or its error as a value, in order.

        >>> [type(found).__name__ for found in kit.resolve_many(["74917285", "500000404"])]
        ['Embed', 'NotFound']
        """
        return self.engine.resolve_many([self._check(reference) for reference in references], progress=progress)

    def records(
        self, references: Iterable[AssetRef], *, refresh: bool = False, progress: Progress | None = None
    ) -> dict[EmbedKey, Embed | EmbedKitError]:
        """Return the unscaled records of several references, each large enough for all references to it.

        :param references: parsed references, from :meth:`parse` or :meth:`find`.
        :param refresh: True requests every picture from Getty, even if there is a copy.
        :param progress: called with the number of pictures done and the total.
        :returns: the record or the error of each picture, by :meth:`key`.

        >>> [embed.width for embed in kit.records(kit.find("[getty 74917285]")).values()]
        [395]
        """
        found = self.engine.entries(references, refresh=refresh, progress=progress)
        return {key: e if isinstance(e, EmbedKitError) else cast(Embed, e.embed) for key, e in found.items()}

    def warm(
        self,
        texts: Iterable[str | tuple[str, Input] | AssetRef],
        *,
        input: Input = "html",
        progress: Progress | None = None,
    ) -> Report:
        """Fetch the pictures of these texts, so that rendering them needs no requests.

        :param texts: texts in the format ``input``, pairs of a text and its own format, or parsed references.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``.
        :param progress: called with the number of pictures done and the total.
        :returns: how many distinct pictures there are, how many were fetched, are stale or failed, and why.

        >>> kit.warm(["[getty 74917285]"]).distinct
        1
        """
        began = self._clock()
        wanted = [ref for text in texts for ref in self._wanted(text, input)]
        found = self.records(wanted, progress=progress)
        embeds = [embed for embed in found.values() if isinstance(embed, Embed)]
        return Report(
            distinct=len(found),
            fetched=sum(embed.fetched_at >= began for embed in embeds),
            stale=sum(embed.stale for embed in embeds),
            failed=tuple(
                (",".join(items), error) for (items, _), error in found.items() if isinstance(error, EmbedKitError)
            ),
        )

    def _wanted(self, text: str | tuple[str, Input] | AssetRef, input: Input) -> list[AssetRef]:
        if isinstance(text, AssetRef):
            return [text]
        text, format = (text, input) if isinstance(text, str) else text
        return self.find(text, input=format)

    def purge(self, reference: Reference) -> bool:
        """Delete every copy of a picture, for all processes that share the store.

        The service also notifies PURGE_URLS and WEBHOOK_URL.

        :param reference: a reference, as for :meth:`parse`.
        :returns: whether there was a copy.
        :raises UnsupportedReference: if it is not a reference to a Getty Images picture.
        :raises Unavailable: if the store can't be written; even then, this process shows no copy.

        >>> kit.purge("74917285"), kit.purge("74917285")
        (True, False)
        """
        return self.engine.purge(self.parse(reference).items)

    # -- searching --------------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """A client for the Getty Images API v3: search, metadata, downloads, boards."""
        return self.engine.api()

    def search(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> SearchPage:
        """Return one page of embeddable pictures, without nudity unless ``exclude_nudity=False`` is passed.

        :param phrase: what to search for, at most 1000 characters.
        :param family: ``all``, ``creative`` or ``editorial``.
        :param params: filters, ``page`` (from 1), ``page_size`` (1 to 100) and ``language``. They are listed with
            their values by ``help()`` of ``kit.api.search.images``, ``creative`` and ``editorial``.
        :raises ConfigurationError: for a parameter that the search does not accept, or if EMBEDKIT_API_KEY is not
            set.
        :raises ProviderError: if Getty does not answer, or answers with an error.

        >>> kit.search("harbour", page_size=5).images[0].shortcode
        '[getty 3110895923]'
        """
        return self.api.search.find(phrase, family=family, **params)

    def search_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """Iterate over the pages of a search, requesting each when it is needed.

        :param phrase: what to search for, as for :meth:`search`.
        :param family: ``all``, ``creative`` or ``editorial``.
        :param limit: maximum number of pages; None for all.
        :param params: as for :meth:`search`.
        :raises ConfigurationError: for an invalid parameter, immediately.
        :raises ProviderError: for a page that fails, when it is requested.

        >>> [page.page for page in kit.search_pages("harbour", limit=2, page_size=5)]
        [1, 2]
        """
        return self.api.search.find_pages(phrase, family=family, limit=limit, **params)

    # -- showing ----------------------------------------------------------------------------------------

    def html(
        self, reference: Reference, options: Options | None = None, **keywords: Unpack[RenderOptions]
    ) -> Markup | str:
        """Render an embed for a page, or the fallback that ON_ERROR selects: a card, a link or text.

        :param reference: a reference, as for :meth:`parse`.
        :param options: how to show it.
        :param keywords: the same options as keyword arguments; they override ``options``, which overrides the
            options of the reference.
        :returns: markup; for targets that produce text, such as ``text``, plain text without any escaping.
        :raises ConfigurationError: for an unknown option or an invalid value.
        :raises EmbedKitError: for any failure, if ON_ERROR is ``raise``.

        >>> print(kit.html("74917285", target="text", caption="One on one"))  # doctest: +ELLIPSIS
        Under the lights at the corner court — One on one — Photo: Ivo Lindqvist / Touchline Sport /...
        """
        question: tuple[object, ...] = ("html", reference, options)
        if keywords:
            question = *question, *keywords.items(), *map(type, keywords.values())  # types, since 1 == True
        known: Markup | str | None = self._memo.get(question)
        if known is not None:
            return known
        if _is_id(reference):
            return self.html(str(reference), options, **keywords)
        wanted = validation.options(options, keywords)
        try:
            ref = self.parse(reference)
            wanted = wanted.over(ref.options)
            entry = self.engine.resolve(ref, wanted)
            html = self.engine.html(entry, wanted)
        except EmbedKitError as error:
            return self.fallback(reference, error, wanted)
        if entry.satisfies(wanted):
            self._memo.keep(question, entry, html)
        return html

    def show(self, embed: Embed, options: Options = Options(), input: Input = "text") -> Markup | str:
        """Render a resolved embed for ``options.target`` (by default the TARGET setting), at its own size.

        :param embed: an embed, from :meth:`resolve`.
        :param options: ``target``, ``caption``, ``title`` and ``align`` are used.
        :param input: the format of the document around it, for which the target ``text`` is escaped; ``text``
            (not escaped, only for plain text) if there is no document.

        >>> str(kit.show(kit.resolve("74917285"))).count("<iframe")
        1
        """
        validation.instance(embed, Embed, "embed")
        return self.engine.fragments.render(embed, validation.instance(options, Options, "options"), input)

    def fallback(
        self,
        reference: Reference,
        error: EmbedKitError,
        options: Options = Options(),
        input: Input = "text",
    ) -> Markup | str:
        """Render what readers see in place of a missing embed: a card, a link or text, according to ON_ERROR.

        :param reference: the reference; if it is not valid, its text is shown.
        :param error: the reason why there is no embed.
        :param options: as for :meth:`show`.
        :param input: as for :meth:`show`.
        :raises EmbedKitError: the given error, if ON_ERROR is ``raise`` or it is a configuration error.

        >>> str(kit.fallback("74917285", embedkit.NotFound(), Options(target="text")))
        'This picture is no longer available.'
        """
        try:
            ref = self.parse(reference)
        except UnsupportedReference:
            ref = None
        return self.engine.fragments.fallback(ref, str(reference), error, options, input)

    def assets(self, target: Target) -> dict[str, list[str]]:
        """Return the URLs of the stylesheets (``css``) and scripts (``js``) that pages with this target need.

        :param target: one of :data:`embedkit.targets.TARGETS`.
        :raises ConfigurationError: for an unknown target.

        >>> len(kit.assets("facade")["js"])
        1
        """
        validation.one_of(target, TARGETS, "target")
        return self.engine.fragments.assets(target, self.mounted_at or self.settings.static_url)

    def copy_assets(
        self, folder: str | os.PathLike[str], targets: Iterable[Target] = ("web", "facade")
    ) -> list[str]:
        """Copy the stylesheets and scripts that pages with these targets need, for a static site to serve.

        :param folder: the destination; created if it does not exist.
        :param targets: any of :data:`embedkit.targets.TARGETS`.
        :returns: the names of the files.
        :raises ConfigurationError: for an unknown target.
        :raises OSError: if a file can't be written.

        >>> kit.copy_assets(folder)  # doctest: +SKIP
        ['embedkit.css', 'embedkit-facade.js']
        """
        return copy_assets(folder, [validation.one_of(target, TARGETS, "target") for target in targets])

    # -- texts ------------------------------------------------------------------------------------------

    def find(self, text: str, *, input: Input = "html") -> list[AssetRef]:
        """Return every reference in a text, in order, with its options.

        :param text: the text to search.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: determines what is code and ignored.
        :raises ConfigurationError: for an unknown input format.

        >>> [str(ref) for ref in kit.find("[getty 74917285] and `[getty 1]`", input="markdown")]
        ['74917285']
        """
        from embedkit.engine import documents  # imports the scanner, which only texts need

        matches = documents.find(_plain(text), validation.one_of(input, INPUTS, "input"))
        return [match.ref for match in matches if match.ref]

    def render(
        self,
        text: str,
        *,
        input: Input = "html",
        target: Target | None = None,
        pasted: bool = False,
    ) -> str:
        """Replace every reference in a text; where there is no embed, show the fallback that ON_ERROR selects.

        :param text: the text to render; for a ``Markup``, the result is a ``Markup`` too, as template filters
            expect.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: determines what is code and left alone.
        :param target: the target to render; by default the TARGET setting. A shortcode may choose another target
            that is meant for pages.
        :param pasted: True also renders pasted embed code, as if it were shortcodes.
        :raises ConfigurationError: for an unknown input format or target.

        >>> kit.render("A post: [getty 74917285]", input="markdown").count("<iframe")
        1
        """
        return like(text, self.document(text, input=input, target=target, pasted=pasted).content)

    def filter(
        self, value: object, *, input: Input = "html", target: Target | None = None, autoescape: bool = True
    ) -> Markup:
        """Render a template variable, as a filter such as ``urlize`` does: plain text is escaped first.

        :param value: a string, or anything with ``__html__``, such as ``Markup`` or Django's ``SafeString``, which
            is not escaped.
        :param input: as for :meth:`render`.
        :param target: as for :meth:`render`.
        :param autoescape: False treats a plain string as HTML too, as within Django's ``{% autoescape off %}``.

        >>> str(kit.filter("<b> [getty 74917285]"))[:15]
        '&lt;b&gt; <figu'
        """
        from markupsafe import Markup, escape

        text = str(escape(value) if autoescape else value)
        return Markup(self.render(text, input=input, target=target))  # noqa: S704  # nosec B704

    def document(
        self,
        text: str,
        *,
        input: Input = "html",
        target: Target | None = None,
        pasted: bool = False,
        first_line: int = 1,
    ) -> Document:
        """Render a text like :meth:`render`, and return it with its embeds and problems.

        :param text: as for :meth:`render`.
        :param input: as for :meth:`render`.
        :param target: as for :meth:`render`.
        :param pasted: True also renders pasted embed code; the line numbers of its problems are then those of the
            text that :meth:`convert` returns.
        :param first_line: the line number of the text within its file, so that problems refer to lines of the
            file.
        :raises ConfigurationError: for an unknown input format or target.

        >>> [problem.code for problem in kit.document("[getty 500000404]").problems]
        ['not-found']
        """
        if not pasted:
            return _shifted(self.documents([(_plain(text), input)], target=target)[0], first_line - 1)
        done = self.convert(text, input=input)
        shown = self.documents([(done.content, input)], target=target)[0]
        return _shifted(shown._replace(problems=done.problems + shown.problems), first_line - 1)

    def convert(self, text: str, *, input: Input = "html", first_line: int = 1) -> Document:
        """Replace pasted embed code in a text with shortcodes, and change nothing else. Needs no network.

        :param text: the text to convert.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: determines what is code and left alone.
        :param first_line: the line number of the text within its file.
        :returns: the text as ``content``, and a problem for each piece of apparent embed code that can't be read.

        >>> kit.convert("<p>No embed code.</p>").content
        '<p>No embed code.</p>'
        """
        from embedkit.getty import embed_code

        done = embed_code.convert(_plain(text), validation.one_of(input, INPUTS, "input"))
        return _shifted(Document(like(text, done.text), (), done.problems), first_line - 1)

    def shelve(self, text: str, *, input: Input = "html", target: Target | None = None) -> Shelf:
        """Replace the embeds of a text with placeholders, for a Markdown processor or a sanitizer to run on it.

        :param text: as for :meth:`render`.
        :param input: as for :meth:`render`.
        :param target: as for :meth:`render`.
        :returns: a :class:`embedkit.Shelf`: its ``text`` contains a placeholder word for each embed, and
            ``restore(html)`` inserts the embeds into the processed text.

        >>> shelf = kit.shelve("A post.\\n\\n[getty 74917285]\\n", input="markdown")
        >>> shelf.restore(f"<p>A post.</p><p>{shelf.text.split()[-1]}</p>").startswith("<p>A post.</p><figure")
        True
        """
        from embedkit.engine import documents
        from embedkit.engine.shelf import shelve

        text = _plain(text)
        matches = documents.find(text, validation.one_of(input, INPUTS, "input"))
        found = self.engine.resolve_many([match.ref for match in matches if match.ref])
        return shelve(text, matches, found, target, self.html)

    def retarget(self, html: str, target: Target) -> str:
        """Render embedkit's figures in finished HTML again for another target: a feed, an excerpt, a search index.

        Only the reference and our own options are read from a figure, and they are validated like an author's.

        :param html: HTML that contains the output of :meth:`render` or :meth:`html`.
        :param target: the target to render.
        :raises ConfigurationError: for an unknown target.

        >>> kit.retarget(kit.render("[getty 74917285]"), "text")[:15]
        'Under the light'
        """
        from embedkit.engine.shelf import retarget

        validation.one_of(target, TARGETS, "target")
        return like(html, retarget(_plain(html), target, self.html))

    def fingerprint(self, text: str, *, input: Input = "html", target: Target | None = None) -> str:
        """Return a hash that changes whenever the HTML of a text may change, for incremental builds.

        It depends on the text, the settings, the templates and the cached copies. No request is made to Getty, so
        call it after :meth:`warm`.

        :param text: as for :meth:`render`.
        :param input: as for :meth:`render`.
        :param target: as for :meth:`render`.

        >>> kit.fingerprint("[getty 74917285]") == kit.fingerprint("[getty 74917285]")
        True
        """
        from embedkit.engine.shelf import digest

        parts = {
            "edition": self.engine.fragments.edition(),
            "settings": (target or self.settings.target, self.settings.on_error),
            "text": (_plain(text), input),
            "held": [self.engine.fingerprint(self.key(ref)) for ref in self.find(text, input=input)],
        }
        return digest(parts, self.settings.templates)

    def documents(
        self,
        texts: Iterable[tuple[str, Input]],
        *,
        target: Target | None = None,
        progress: Progress | None = None,
    ) -> list[Document]:
        """Render several texts, each in its own input format, requesting each distinct picture only once.

        :param texts: pairs of a text and its format, which is an ``input`` of :meth:`render`.
        :param target: as for :meth:`render`.
        :param progress: called with the number of pictures done and the total.
        :returns: a document for each text, in order, as from :meth:`document`.
        :raises ConfigurationError: for an unknown input format or target.

        >>> [len(done.embeds) for done in kit.documents([("[getty 74917285]", "html"), ("None.", "text")])]
        [1, 0]
        """
        if target is not None:
            validation.one_of(target, TARGETS, "target")
        checked = [(text, validation.one_of(input, INPUTS, "input")) for text, input in texts]
        return list(self.engine.documents(checked, target=target, progress=progress))

    # -- operation --------------------------------------------------------------------------------------

    def status(self) -> JSON:
        """Return the health of the cache and of upstream services; ``cache`` is ok, degraded or down.

        ``changes`` is empty unless CHANGE_FEED, PURGE_URLS or WEBHOOK_URL is set.
        """
        store, changes = self.cache.status(), self.engine.changes_status()
        return {"cache": store["state"], "store": store, "upstream": self.upstream(), "changes": changes}

    def upstream(self) -> JSON:
        """Return the state of the breaker, throttle and queue of every endpoint used so far."""
        state: Callable[[], JSON] = getattr(self.engine.transport(), "state", dict)
        return state()

    def settle(self, timeout: float | None = None) -> int:
        """Finish refreshing the stale copies that were shown.

        :param timeout: maximum wait in seconds; by default the TIMEOUT setting.
        :returns: how many are still to be refreshed.

        >>> kit.settle(timeout=1.0)
        0
        """
        return self.engine.revalidator.settle(self.settings.timeout if timeout is None else timeout)

    def close(self) -> None:
        """Close all connections."""
        self.engine.close()

    def __enter__(self) -> EmbedKit:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not KeyboardInterrupt:  # whoever presses Ctrl+C does not want to wait
            self.settle()
        self.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _check(self, reference: Reference) -> AssetRef | EmbedKitError:
        """Parse and validate a reference; return the error if it is invalid."""
        try:
            ref = self.parse(reference)
            return AssetRef(references.ids(ref), validation.options(ref.options, {}))
        except EmbedKitError as error:
            return error


def _is_id(reference: object) -> bool:
    """Return whether a reference is an ID that a database or YAML turned into a number.

    Results are memoized only for its string, since 1 == True == 1.0.
    """
    return isinstance(reference, int) and not isinstance(reference, bool) and 0 <= reference < MAX_ID


def _plain(text: str) -> str:
    """Return a text as a plain ``str``, since ``Markup`` escapes every string joined to it.

    :raises ConfigurationError: if it is not a string.
    """
    return str(validation.instance(text, str, "text"))


def _shifted(document: Document, lines: int) -> Document:
    """Return the document with the line numbers of its problems moved down by ``lines``."""
    if not lines:
        return document
    problems = tuple(problem._replace(line=problem.line + lines) for problem in document.problems)
    return document._replace(problems=problems)
