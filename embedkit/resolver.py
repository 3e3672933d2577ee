"""From a picture to its record: the copy that is held, the question to Getty, the last good copy.

What a caller gets, by what is held:

    fresh, large enough           the copy
    stale-while-revalidate        the copy; a new one is fetched behind it
    a remembered refusal          the copy if policy allows, else the same error again
    anything else                 Getty is asked, one caller at a time; if that fails, the last good copy
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from embedkit.cache import EmbedCache, Entry
from embedkit.errors import EmbedKitError, NotEmbeddable, ProviderError, Unavailable
from embedkit.freshness import Verdict
from embedkit.getty import oembed, sizes
from embedkit.lockfile import Picture
from embedkit.models import AssetRef, Embed, Options
from embedkit.revalidation import Revalidator
from embedkit.settings import Settings

if TYPE_CHECKING:
    from embedkit.transport import Transport

Progress = Callable[[int, int], None]
"""Called with the number of pictures done and of all."""

Want = tuple[Picture, Options]


class Resolver:
    """Finds records. Records are whole: at the size held, for the caller to scale down.

    :param cache: gives the cache, and ``transport`` the transport, when first needed.
    :param locked: the records of a frozen build; then neither of the two is touched.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        cache: Callable[[], EmbedCache],
        transport: Callable[[], Transport],
        revalidator: Revalidator,
        locked: Mapping[Picture, Embed] | None = None,
    ) -> None:
        self._settings = settings
        self._cache = cache
        self._transport = transport
        self._revalidator = revalidator
        self._locked = locked

    def record(self, picture: Picture, options: Options) -> Embed:
        """One record, large enough for these options.

        :raises ProviderError: where there is none, and no copy that may be shown instead.
        """
        return self._held(picture, options) or self._ask(picture, options)

    def records(
        self, wants: Sequence[Want], progress: Progress | None = None
    ) -> dict[Picture, Embed | EmbedKitError]:
        """One record or error for each distinct picture: what is held at once, the rest in parallel."""
        pictures: dict[Picture, Options] = {}
        for picture, options in wants:
            pictures[picture] = _largest(options, pictures.get(picture, options))
        found: dict[Picture, Embed | EmbedKitError] = {}
        missing = []
        for picture, options in pictures.items():
            if (held := _caught(self._held, picture, options)) is None:
                missing.append(picture)
            else:
                found[picture] = held
        for picture, answer in self._ask_many(missing, pictures):
            found[picture] = answer
            if progress:
                progress(len(found), len(pictures))
        return found

    def _ask_many(
        self, missing: Sequence[Picture], pictures: Mapping[Picture, Options]
    ) -> Iterator[tuple[Picture, Embed | EmbedKitError]]:
        if len(missing) < 2:
            for picture in missing:
                yield picture, _caught(self._ask, picture, pictures[picture])
            return
        with ThreadPoolExecutor(min(self._settings.concurrency, len(missing)), "embedkit-batch") as pool:
            asked = {pool.submit(_caught, self._ask, picture, pictures[picture]): picture for picture in missing}
            for done in as_completed(asked):
                yield asked[done], done.result()

    def _held(self, picture: Picture, options: Options) -> Embed | None:
        """The copy that may be shown now; None where Getty has to be asked first.

        :raises ProviderError: where Getty has lately said no, and no copy may be shown.
        """
        if self._locked is not None:
            return self._from_lock(picture, self._locked)
        entry = self._cache().get(*picture)
        if entry.error is not None:
            return _last_good(entry, entry.error)
        if entry.embed is None or not sizes.covers(entry.embed, options):
            return None
        if entry.verdict is Verdict.FRESH:
            return entry.embed
        if entry.verdict is Verdict.STALE_WHILE_REVALIDATE:
            self._revalidator.submit(picture, lambda: self._ask(picture, options))
            return entry.embed
        return None

    def _from_lock(self, picture: Picture, locked: Mapping[Picture, Embed]) -> Embed:
        if picture in locked:
            return locked[picture]
        ref = ",".join(picture[0])
        raise Unavailable(
            f"{ref} is not in the lock file {self._settings.lockfile}.",
            hint="Add it with: embedkit lock DIR",
            ref=ref,
        )

    def _ask(self, picture: Picture, options: Options) -> Embed:
        """Ask Getty, one caller at a time for a picture; else the last good copy."""
        items, tld = picture

        def work() -> Embed:
            entry = self._cache().get(items, tld)  # another thread or process may have been first
            if entry.error is not None:
                raise entry.error
            if entry.embed and entry.verdict is Verdict.FRESH and sizes.covers(entry.embed, options):
                return entry.embed
            return self._fetch(picture, options)

        try:
            embed = self._cache().once(items, tld, work, wait=self._settings.timeout)
            if not sizes.covers(embed, options):  # we shared the answer to a smaller question
                embed = self._cache().once(items, tld, work, wait=self._settings.timeout)
            return embed
        except ProviderError as error:
            return _last_good(self._cache().get(items, tld), error)

    def _fetch(self, picture: Picture, options: Options) -> Embed:
        items, tld = picture
        ref = AssetRef(items)
        bounds = sizes.question(options)
        try:
            response = self._transport().send(oembed.request(ref, self._settings, bounds=bounds, tld=tld))
            answer = oembed.parse(response, ref, self._settings, tld=tld, asked=bounds)
        except ProviderError as error:
            error.ref = str(ref)
            self._cache().fail(items, tld, error)
            raise
        return self._cache().store(answer.embed, tld=tld, cache_age=answer.cache_age)


def _last_good(entry: Entry, error: ProviderError) -> Embed:
    """The copy that may be shown in spite of an error; a picture that lost its permission goes sooner."""
    forbidden = isinstance(error, NotEmbeddable) and entry.verdict is Verdict.STALE_IF_ERROR
    if entry.embed is None or forbidden:
        raise error
    return entry.embed


def _caught(ask: Callable[..., Any], *args: Any) -> Any:
    """What a call returns, or the error that it raises, as a value."""
    try:
        return ask(*args)
    except EmbedKitError as error:
        return error


def _largest(one: Options, other: Options) -> Options:
    """Bounds that satisfy both."""
    return Options(
        max_width=max(one.max_width or 0, other.max_width or 0) or None,
        max_height=max(one.max_height or 0, other.max_height or 0) or None,
    )
