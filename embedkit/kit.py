"""The front door: a reference or a text goes in, an embed comes out.

resolve   one record, or an error        resolve_many   many, errors as values, each asked for once
html      markup that degrades           render         a whole text that degrades
search    pictures, found by a phrase    api            all of the Getty Images API v3
engine    what faces need beyond these (:mod:`embedkit.engine.engine`)
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
MAX_ID = 10**24  # no ID has more digits


class EmbedKit:
    """Resolves, renders and caches embeds. Safe for threads; make one and share it.

    :param settings: by default read from the environment (``EMBEDKIT_…``).
    :param transport: sends requests upstream; by default :class:`embedkit.transport.client.HttpTransport`.
    :param cache: any cachelib backend; by default the one that the setting CACHE names.
    :param clock: returns seconds since the epoch.
    :param background: True refreshes stale copies on daemon threads (a service); False leaves them to
        :meth:`settle` (a command, a build).
    :raises ConfigurationError: for a wrong value of a setting; with FROZEN, for a lock file that can't be read.

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
        self.mounted_at = ""  # where a blueprint serves our files; create_blueprint() knows

    @property
    def cache(self) -> EmbedCache:
        """The copies, and what is known of the store that holds them."""
        return self.engine.cache()

    def __repr__(self) -> str:
        settings = getattr(self, "settings", None)  # none where the constructor raised, as in a crash report
        if settings is None:
            return "<EmbedKit>"
        store = settings.cache.partition(":")[0] or "sqlite"  # no more of it: a URL may hold a password
        return f"<EmbedKit cache={store} target={settings.target}>"

    # -- resolving --------------------------------------------------------------------------------------

    def parse(self, reference: Reference) -> AssetRef:
        """Any form of a reference as a value, with the options that are written in it.

        :param reference: an ID, as a text or a number, up to five IDs with commas, a URL, a shortcode, the name of
            a file from Getty, or pasted embed code.
        :raises UnsupportedReference: where it names no Getty Images picture, or is not a string.

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
        """What Getty is asked for once: the IDs and the tld.

        :param ref: what :meth:`parse` returned.
        :param options: whose ``tld`` counts; by default those of the reference.

        >>> kit.key(kit.parse("74917285"))
        (('74917285',), 'com')
        """
        return self.engine.resolver.key(ref, options)

    def resolve(
        self, reference: Reference, options: Options | None = None, **keywords: Unpack[RenderOptions]
    ) -> Embed:
        """One embed, at the size asked for.

        :param reference: as for :meth:`parse`.
        :param options: how it will be shown; for a record ``max_width`` and ``max_height`` (CSS pixels, by default
            594 for the longer side) and ``tld`` count.
        :param keywords: the same as keywords, which go before ``options`` and the options of the reference.
        :raises UnsupportedReference: where the reference is not one.
        :raises ConfigurationError: for an unknown option, or one with a value that it can't have.
        :raises ProviderError: where there is no embed, and no copy that may be shown instead.

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
        if entry.satisfies(wanted):  # else it is shown in an outage alone
            self._memo.keep(question, entry, embed)
        return embed

    def resolve_many(
        self, references: Iterable[Reference], *, progress: Progress | None = None
    ) -> list[Embed | EmbedKitError]:
        """Many embeds, in order; a distinct picture is asked for once, CONCURRENCY of them at a time.

        Whatever is wrong with one of them is its own error: the others come all the same.

        :param references: each as for :meth:`parse`; its own options count.
        :param progress: called with the number of pictures done and of all.
        :returns: for each reference its embed, or the error as a value.

        >>> [type(found).__name__ for found in kit.resolve_many(["74917285", "500000404"])]
        ['Embed', 'NotFound']
        """
        return self.engine.resolve_many([self._check(one) for one in references], progress=progress)

    def records(
        self, references: Iterable[AssetRef], *, refresh: bool = False, progress: Progress | None = None
    ) -> dict[EmbedKey, Embed | EmbedKitError]:
        """The whole records behind many references, large enough for each of them.

        :param references: as :meth:`parse` and :meth:`find` return them.
        :param refresh: ask Getty for every one of them, whatever is held.
        :param progress: called with the number of pictures done and of all.
        :returns: by :meth:`key`, the record or the error.

        >>> [embed.width for embed in kit.records(kit.find("[getty 74917285]")).values()]
        [395]
        """
        found = self.engine.entries(references, refresh=refresh, progress=progress).items()
        return {key: one if isinstance(one, EmbedKitError) else cast(Embed, one.embed) for key, one in found}

    def warm(
        self,
        texts: Iterable[str | tuple[str, Input] | AssetRef],
        *,
        input: Input = "html",
        progress: Progress | None = None,
    ) -> Report:
        """Fetch what these texts will need, so that rendering them asks for nothing.

        :param texts: texts of the format ``input``, pairs of a text and its own format, or references.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``.
        :param progress: called with the number of pictures done and of all.
        :returns: how many distinct pictures there are, how many were fetched, are stale, or failed and why.

        >>> kit.warm(["[getty 74917285]"]).distinct
        1
        """
        began = self._clock()
        wanted = [ref for one in texts for ref in self._wanted(one, input)]
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

    def _wanted(self, one: str | tuple[str, Input] | AssetRef, input: Input) -> list[AssetRef]:
        if isinstance(one, AssetRef):
            return [one]
        text, format = (one, input) if isinstance(one, str) else one
        return self.find(text, input=format)

    def purge(self, reference: Reference) -> bool:
        """Drop every copy of a picture, for all processes that share the store; whether there was one.

        The service also tells PURGE_URLS and WEBHOOK_URL.

        :param reference: as for :meth:`parse`.
        :raises UnsupportedReference: where the reference is not one.
        :raises Unavailable: if the store can't be written; this process shows no copy all the same.

        >>> kit.purge("74917285"), kit.purge("74917285")
        (True, False)
        """
        return self.engine.purge(self.parse(reference).items)

    # -- searching --------------------------------------------------------------------------------------

    @property
    def api(self) -> Api:
        """The Getty Images API v3: search, metadata, downloads, boards."""
        return self.engine.api()

    def search(self, phrase: str, *, family: Family = "all", **params: Unpack[AnySearch]) -> SearchPage:
        """One page of pictures that may be embedded, without nudity unless ``exclude_nudity=False`` is passed.

        :param phrase: at most 1000 characters.
        :param family: ``all``, ``creative`` or ``editorial``.
        :param params: filters, ``page`` (from 1), ``page_size`` (1 to 100), ``language``; ``help()`` of
            ``kit.api.search.images``, ``creative`` and ``editorial`` lists them with their values.
        :raises ConfigurationError: for a parameter that the search does not take; and without EMBEDKIT_API_KEY.
        :raises ProviderError: where there is no answer.

        >>> kit.search("harbour", page_size=5).images[0].shortcode
        '[getty 3110895923]'
        """
        return self.api.search.find(phrase, family=family, **params)

    def search_pages(
        self, phrase: str, *, family: Family = "all", limit: int | None = None, **params: Unpack[AnySearch]
    ) -> Iterator[SearchPage]:
        """One page after another, each asked for when it is wanted.

        :param phrase: as for :meth:`search`, like ``family``.
        :param limit: pages at most; None for all.
        :param params: as for :meth:`search`.
        :raises ConfigurationError: at once, for a wrong parameter; and ProviderError with the page that fails.

        >>> [page.page for page in kit.search_pages("harbour", limit=2, page_size=5)]
        [1, 2]
        """
        return self.api.search.find_pages(phrase, family=family, limit=limit, **params)

    # -- showing ----------------------------------------------------------------------------------------

    def html(
        self, reference: Reference, options: Options | None = None, **keywords: Unpack[RenderOptions]
    ) -> Markup | str:
        """An embed ready for a page; where there is none, what ON_ERROR says: a card, a link or a text.

        :param reference: as for :meth:`parse`.
        :param options: how to show it, an :class:`Options`.
        :param keywords: the same as keywords, which go before ``options`` and the options of the reference.
        :returns: markup; for a target that makes text, such as ``text``, plain text, escaped for nothing.
        :raises ConfigurationError: for an unknown option, or one with a value that it can't have.
        :raises EmbedKitError: whatever is wrong, where ON_ERROR is ``raise``.

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
        """A resolved embed for ``options.target`` (by default the setting TARGET), at the size that it has.

        :param embed: what :meth:`resolve` returned.
        :param options: of which ``target``, ``caption``, ``title`` and ``align`` count.
        :param input: the format of the document that it will be in, which the target ``text`` is escaped for;
            ``text`` (not escaped, for plain text only) where there is none.

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
        """What a reader sees where there is no embed: a card, a link or a text, by ON_ERROR.

        :param reference: what was asked for; the text of it is shown where it is not a reference.
        :param error: why there is no embed.
        :param options: as for :meth:`show`, like ``input``.
        :raises EmbedKitError: the one passed in, where ON_ERROR is ``raise`` or the set-up is at fault.

        >>> str(kit.fallback("74917285", embedkit.NotFound(), Options(target="text")))
        'This picture is no longer available.'
        """
        try:
            ref = self.parse(reference)
        except UnsupportedReference:
            ref = None
        return self.engine.fragments.fallback(ref, str(reference), error, options, input)

    def assets(self, target: Target) -> dict[str, list[str]]:
        """URLs of the stylesheets and scripts that a page with this target needs, by ``css`` and ``js``.

        :param target: one of :data:`embedkit.targets.TARGETS`.
        :raises ConfigurationError: for another target.

        >>> len(kit.assets("facade")["js"])
        1
        """
        validation.one_of(target, TARGETS, "target")
        return self.engine.fragments.assets(target, self.mounted_at or self.settings.static_url)

    def copy_assets(
        self, folder: str | os.PathLike[str], targets: Iterable[Target] = ("web", "facade")
    ) -> list[str]:
        """Copy the stylesheets and scripts that pages with these targets need; a static site serves them itself.

        :param folder: made where there is none.
        :param targets: of :data:`embedkit.targets.TARGETS`.
        :returns: the names of the files.
        :raises ConfigurationError: for another target.
        :raises OSError: where a file can't be written.

        >>> kit.copy_assets(folder)  # doctest: +SKIP
        ['embedkit.css', 'embedkit-facade.js']
        """
        return copy_assets(folder, [validation.one_of(target, TARGETS, "target") for target in targets])

    # -- texts ------------------------------------------------------------------------------------------

    def find(self, text: str, *, input: Input = "html") -> list[AssetRef]:
        """Every reference in a text, in order, with its options.

        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: decides what is code and does not count.
        :raises ConfigurationError: for another input.

        >>> [str(ref) for ref in kit.find("[getty 74917285] and `[getty 1]`", input="markdown")]
        ['74917285']
        """
        from embedkit.engine import documents  # with the scanner, for who has texts

        matches = documents.find(_plain(text), validation.one_of(input, INPUTS, "input"))
        return [one.ref for one in matches if one.ref]

    def render(
        self,
        text: str,
        *,
        input: Input = "html",
        target: Target | None = None,
        pasted: bool = False,
    ) -> str:
        """A text with every reference replaced; what can't be shown degrades by ON_ERROR.

        :param text: a ``Markup`` gives a ``Markup``, as template filters expect.
        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: decides what is code and stays as it is.
        :param target: what to render for; by default the setting TARGET. An author may choose another of those
            that are for pages.
        :param pasted: show embed code that was pasted, too, as if it were shortcodes.
        :raises ConfigurationError: for another input or target.

        >>> kit.render("A post: [getty 74917285]", input="markdown").count("<iframe")
        1
        """
        return like(text, self.document(text, input=input, target=target, pasted=pasted).content)

    def filter(
        self, value: object, *, input: Input = "html", target: Target | None = None, autoescape: bool = True
    ) -> Markup:
        """What a template's filter does, as ``urlize``: plain text is escaped first, markup is taken as it is.

        :param value: a text, or anything with ``__html__``, such as ``Markup`` or Django's ``SafeString``.
        :param input: as for :meth:`render`, like ``target``.
        :param autoescape: False takes plain text as the HTML that it is, as within Django's
            ``{% autoescape off %}``.

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
        """The same as :meth:`render`, with the embeds that were shown and the problems that were met.

        :param text: as for :meth:`render`, like ``input`` and ``target``.
        :param pasted: show embed code that was pasted, too; then problems of what it became name the lines of
            :meth:`convert`'s text.
        :param first_line: the line of its file on which the text begins, so that problems name lines of the file.

        >>> [problem.code for problem in kit.document("[getty 500000404]").problems]
        ['not-found']
        """
        if not pasted:
            return _shifted(self.documents([(_plain(text), input)], target=target)[0], first_line - 1)
        done = self.convert(text, input=input)
        shown = self.documents([(done.content, input)], target=target)[0]
        return _shifted(shown._replace(problems=done.problems + shown.problems), first_line - 1)

    def convert(self, text: str, *, input: Input = "html", first_line: int = 1) -> Document:
        """A text with pasted embed code turned into shortcodes, all else byte for byte; needs no network.

        :param input: ``html``, ``markdown``, ``commonmark`` or ``text``: decides what is code and stays as it is.
        :param first_line: the line of its file on which the text begins.
        :returns: the text as ``content``; the problems of what looks like embed code and can't be read.

        >>> kit.convert("<p>No embed code.</p>").content
        '<p>No embed code.</p>'
        """
        from embedkit.getty import embed_code

        done = embed_code.convert(_plain(text), validation.one_of(input, INPUTS, "input"))
        return _shifted(Document(like(text, done.text), (), done.problems), first_line - 1)

    def shelve(self, text: str, *, input: Input = "html", target: Target | None = None) -> Shelf:
        """Put the embeds of a text aside, while a Markdown processor or a sanitizer works on the rest.

        :param text: as for :meth:`render`, like ``input`` and ``target``.
        :returns: a :class:`embedkit.Shelf`: its ``text`` has a word for each embed, and ``restore(html)`` puts the
            embeds into what became of it.

        >>> shelf = kit.shelve("A post.\\n\\n[getty 74917285]\\n", input="markdown")
        >>> shelf.restore(f"<p>A post.</p><p>{shelf.text.split()[-1]}</p>").startswith("<p>A post.</p><figure")
        True
        """
        from embedkit.engine import documents
        from embedkit.engine.shelf import shelve

        text = _plain(text)
        matches = documents.find(text, validation.one_of(input, INPUTS, "input"))
        found = self.engine.resolve_many([one.ref for one in matches if one.ref])
        return shelve(text, matches, found, target, self.html)

    def retarget(self, html: str, target: Target) -> str:
        """Finished HTML with embedkit's figures shown for another target: a feed, an excerpt, a search index.

        Of a figure only the reference and our options are read, and checked as an author's.

        :param html: made by :meth:`render` or :meth:`html`, with anything around it.
        :param target: what to render for.
        :raises ConfigurationError: for another target.

        >>> kit.retarget(kit.render("[getty 74917285]"), "text")[:15]
        'Under the light'
        """
        from embedkit.engine.shelf import retarget

        validation.one_of(target, TARGETS, "target")
        return like(html, retarget(_plain(html), target, self.html))

    def fingerprint(self, text: str, *, input: Input = "html", target: Target | None = None) -> str:
        """A name that changes when the HTML of a text may: for incremental builds. Getty is not asked.

        It depends on the text, on settings and templates, and on the copies that are held; so call it after
        :meth:`warm`.

        :param text: as for :meth:`render`, like ``input`` and ``target``.

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
        """Many texts, each with its input format; a distinct picture is asked for once for all of them.

        :param texts: pairs of a text and its format, as ``input`` of :meth:`render`.
        :param target: as for :meth:`render`.
        :param progress: called with the number of pictures done and of all.
        :raises ConfigurationError: for another input or target.

        >>> [len(done.embeds) for done in kit.documents([("[getty 74917285]", "html"), ("None.", "text")])]
        [1, 0]
        """
        if target is not None:
            validation.one_of(target, TARGETS, "target")
        checked = [(text, validation.one_of(input, INPUTS, "input")) for text, input in texts]
        return list(self.engine.documents(checked, target=target, progress=progress))

    # -- operation --------------------------------------------------------------------------------------

    def status(self) -> JSON:
        """Whether the parts work: ``cache`` is ok, degraded or down; ``store`` and ``upstream`` say more.

        ``changes`` is empty while CHANGE_FEED, PURGE_URLS and WEBHOOK_URL are not set.
        """
        store, changes = self.cache.status(), self.engine.changes_status()
        return {"cache": store["state"], "store": store, "upstream": self.upstream(), "changes": changes}

    def upstream(self) -> JSON:
        """Breaker, throttle and queue of every endpoint that has been asked."""
        state: Callable[[], JSON] = getattr(self.engine.transport(), "state", dict)
        return state()

    def settle(self, timeout: float | None = None) -> int:
        """Finish refreshing what was shown stale.

        :param timeout: seconds, by default the setting TIMEOUT.
        :returns: how many are left.

        >>> kit.settle(timeout=1.0)
        0
        """
        return self.engine.revalidator.settle(self.settings.timeout if timeout is None else timeout)

    def close(self) -> None:
        """Let go of connections."""
        self.engine.close()

    def __enter__(self) -> EmbedKit:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not KeyboardInterrupt:  # who interrupts does not want to wait for new work
            self.settle()
        self.close()

    # -- inside -----------------------------------------------------------------------------------------

    def _check(self, reference: Reference) -> AssetRef | EmbedKitError:
        """A reference as a value, its ids and options checked; or what is wrong with it."""
        try:
            ref = self.parse(reference)
            return AssetRef(references.ids(ref), validation.options(ref.options, {}))
        except EmbedKitError as error:
            return error


def _is_id(reference: object) -> bool:
    """Whether it is what a database or YAML makes of an ID.

    No answer is remembered for a number, since 1 == True == 1.0, but for its text.
    """
    return isinstance(reference, int) and not isinstance(reference, bool) and 0 <= reference < MAX_ID


def _plain(text: str) -> str:
    """A text without what ``Markup`` does to all that is joined to it.

    :raises ConfigurationError: where it is not a text.
    """
    return str(validation.instance(text, str, "text"))


def _shifted(document: Document, lines: int) -> Document:
    """The document with its problems that many lines further down."""
    if not lines:
        return document
    problems = tuple(one._replace(line=one.line + lines) for one in document.problems)
    return document._replace(problems=problems)
