"""Orders of files: each is a licence, so it is written down before it is sent, and never sent twice by itself.

    journal, history, offers    what is known before: a licence that there is, an order whose answer was lost
    line of the journal         on the disk before the request is sent; a budget is counted with it
    the order                   refused, answered, or its answer is lost, and then the history is asked
    URL of the file             kept for the day that it is good, beside the journal: it opens the file for anybody

One order of a picture is under way at a time, in all processes of this user.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from embedkit import errors
from embedkit.api import licenses
from embedkit.api.account import Product, image_history_request, products_request
from embedkit.api.decoding import read
from embedkit.api.images import image_request, parse_image
from embedkit.api.licenses import Notes, Order, Past, describe
from embedkit.api.models import DownloadOffer, DownloadSize, Image
from embedkit.api.requests import ApiSettings
from embedkit.api.session import ApiSession
from embedkit.files.journal import Journal
from embedkit.messages import Request
from embedkit.process import lazy_logger

log = lazy_logger("embedkit.api")

LOCK_TIMEOUT_S = 5.0  # for another process that downloads the same picture; a file may take much longer
ORDER_TIMEOUT_S = 30.0  # Amazon's gateway, which Getty uses, gives a request up after 29
SETTLE_S = 30.0  # so an order that is older, and not in the history, is not on its way any more
SITE = "the download history at gettyimages.com"
Records = tuple[Mapping[str, Any], ...]
ANEW = "again=True licenses it a second time."


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a download would do.

    :param offer: the agreement that would pay.
    :param size: of the file; None where it is not known.
    :param costs: how many licences it would make: 1, or 0 where the file can be got without.
    :param licensed: whether the picture is licensed already; None where an order's answer was lost, or the
        download history can't be read. Where it is not False and ``costs`` is 1, that takes ``again=True``.
    :param remaining: downloads that the agreement has left; None where it has no limit, or that is not known.
    :param budget: licences of a month that EMBEDKIT_DOWNLOAD_BUDGET allows, and ``used`` those that were made.
    """

    id: str
    offer: DownloadOffer
    size: DownloadSize | None
    costs: int
    licensed: bool | None
    remaining: int | None
    budget: int | None
    used: int


@dataclass(frozen=True, slots=True)
class Orders:
    """Makes orders on behalf of one customer.

    :param journal: returns where they are written down.
    :param budget: how many licences a calendar month may be made; None for any number.
    :param redownload: whether the agreement lets a licensed picture be ordered again without a second licence.
    :param clock: seconds since the epoch.
    """

    api: ApiSettings
    session: ApiSession
    journal: Callable[[], Journal]
    budget: int | None
    redownload: bool
    clock: Callable[[], float]

    @contextmanager
    def alone(self, id: str) -> Iterator[None]:
        """Keep everybody else from downloading a picture for the length of a block.

        :raises Unavailable: where another is at it; OSError where the journal can't be written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.journal().hold(id, LOCK_TIMEOUT_S))
            except TimeoutError:
                message, hint = f"{id} is being downloaded by another process.", "Wait until it has ended."
                raise errors.Unavailable(message, hint=hint, ref=id, retry_after=LOCK_TIMEOUT_S) from None
            yield

    def past(self, id: str) -> Past:
        """What the journal has of a picture."""
        return Past(tuple(order for order in licenses.read_orders(self.journal().lines()) if order.asset == id))

    def history(self, id: str) -> Records:
        """The licences of a picture, as Getty's download history has them; one that makes no sense counts, too."""
        request = image_history_request(id, self.api, company=False)
        fields = read(self.session.call(request, "token"), "picture", self.api, ref=id)
        fields.require_list("downloads")
        return tuple(one for one in fields.raw("downloads") or () if isinstance(one, dict))

    def place(
        self, id: str, params: Mapping[str, Any], notes: Notes | None, *, again: bool
    ) -> tuple[Order, Request]:
        """The order of a file, made before if its URL is still good, else anew; and the request for the file.

        :param again: license it anew, whatever is known.
        :raises AlreadyLicensed: where there is a licence, and its URL is not known any more.
        :raises LicenseUnknown: where the answer to an order was lost, and nobody knows what became of it.
        :raises QuotaExhausted: beyond the budget.
        :raises OSError: where the journal can't be written; then nothing is ordered.
        """
        past = self.past(id)
        if not again and (kept := self.kept(past, params)):
            if kept[0] in past.unknown:  # it was answered, and nothing else was written any more
                self._mark(kept[0], "licensed")
            return kept
        if not again and past.license and not self.redownload:
            raise _licensed(id, past.license)
        found = self._settle(id, past, again=again)
        repeated = not again and self._is_licensed(id, found)
        offer = licenses.choose(self.image(id, "largest_downloads").largest_downloads, id, params)
        request = licenses.order_request(offer, id, params, self.api, notes)
        order = self._write_down(id, offer, params, None if found is None else len(found), repeated=repeated)
        return order, self._send(order, request)

    def plan(self, id: str, params: Mapping[str, Any], *, again: bool) -> DownloadPlan:
        """What :meth:`place` would do."""
        past, image = self.past(id), self.image(id, "largest_downloads", "download_sizes")
        offer, licensed = licenses.choose(image.largest_downloads, id, params), self._plan_license(id, past)
        licenses.order_url(offer, id, self.api.base)
        is_free = self.kept(past, params) or (licensed and self.redownload)
        return DownloadPlan(
            id,
            offer,
            size=_size(image.download_sizes, params.get("height"), id),
            costs=0 if is_free and not again else 1,
            licensed=licensed,
            remaining=self._remaining(offer),
            budget=self.budget,
            used=licenses.spent(licenses.read_orders(self.journal().lines()), self._now()[:7]),
        )

    def _plan_license(self, id: str, past: Past) -> bool | None:
        if past.license:
            return True
        try:
            found = len(self.history(id))
        except errors.ProviderError:
            return None
        arrived = past.has_arrived(found) if past.unknown else False
        return found > 0 if arrived is False else arrived

    def _remaining(self, offer: DownloadOffer) -> int | None:
        response = self.session.call(products_request(self.api), "token")
        products = read(response, "account").require_parts("products", Product)
        fitting = [one for one in products if one.type == offer.product_type and offer.product_id in ("", one.id)]
        return fitting[0].downloads_remaining if len(fitting) == 1 else None

    def image(self, id: str, *fields: str) -> Image:
        """A picture with these fields, as it is for the customer now."""
        request = image_request(id, {"fields": fields}, self.api)
        return parse_image(self.session.call(request, "token"), self.api, id)

    def kept(self, past: Past, params: Mapping[str, Any]) -> tuple[Order, Request] | None:
        """The order of this file whose URL is still good, and the request for the file."""
        for order in reversed(past.orders):
            if (
                order.state not in licenses.FREE
                and order.is_file(params)
                and (url := licenses.file_url(self.journal().kept(order.key), self.api))
            ):
                return order, licenses.file_request(url, self.api)
        return None

    def saved(self, order: Order, path: str) -> None:
        """Write down where the file is."""
        self._mark(order, "saved", path=path)

    # -- before -----------------------------------------------------------------------------------------

    def _settle(self, id: str, past: Past, *, again: bool) -> Records | None:
        """The licences that the history has; and write down what became of orders whose answer was lost."""
        try:
            found = self.history(id)
            if past.unknown and past.has_arrived(len(found)) is False and not again and self._wait(past):
                found = self.history(id)
        except errors.ProviderError as error:
            if again:
                return None
            if past.unknown:
                raise _unknown(past.unknown[-1], "can't be read", error) from error
            if isinstance(error, errors.Unauthorized | errors.PermissionDenied):  # that does not pass by itself
                error.hint = f"{error.hint} Without the download history, only again=True licenses."
            raise
        self._judge(past, len(found), again=again)
        return found

    def _judge(self, past: Past, found: int, *, again: bool) -> None:
        arrived = past.has_arrived(found) if past.unknown else None
        if past.unknown and arrived is None and not again:
            raise _unknown(past.unknown[-1], "can't tell it from others")
        for order in past.unknown if arrived is not None else ():
            self._mark(order, "licensed" if arrived else "missing")

    def _wait(self, past: Past) -> bool:
        """Give an order the time to arrive; whether that was needed."""
        age = self.clock() - datetime.fromisoformat(past.unknown[-1].at).timestamp()
        rest = SETTLE_S - max(0.0, age)
        if rest <= 0:
            return False
        log.info("an order of %s has had no answer: looking again in %.0f seconds", past.unknown[-1].asset, rest)
        time.sleep(rest)
        return True

    def _is_licensed(self, id: str, found: Records | None) -> bool:
        """Whether there is a licence, under an agreement that lets its file be ordered again.

        :raises AlreadyLicensed: where the agreement does not.
        """
        own = self.past(id).license
        if not found and own is None:
            return False
        if not self.redownload:
            raise _licensed(id, own, record=found[0] if found else {})
        return True

    def _write_down(
        self, id: str, offer: DownloadOffer, params: Mapping[str, Any], known: int | None, *, repeated: bool
    ) -> Order:
        order = Order(
            secrets.token_hex(8),
            self._now(),
            id,
            offer.product_type,
            offer.product_id,
            height=None if params.get("height") is None else int(params["height"]),
            file_type=params.get("file_type") or "",
            known=known,
            repeated=repeated,
        )

        def make(lines: list[dict[str, Any]]) -> dict[str, Any]:
            self._check_budget(order, licenses.spent(licenses.read_orders(lines), order.at[:7]))
            return order.line

        self.journal().append(make)
        return order

    def _check_budget(self, order: Order, used: int) -> None:
        if self.budget is not None and used >= self.budget and not order.repeated:
            message = f"The budget of {self.budget} licences for {order.at[:7]} is used up."
            hint = "Wait for the next month, or raise EMBEDKIT_DOWNLOAD_BUDGET."
            raise errors.QuotaExhausted(message, hint=hint)

    # -- the order itself -------------------------------------------------------------------------------

    def _send(self, order: Order, request: Request) -> Request:
        """Send an order; the request for the file."""
        try:
            response = self.session.call(request, "token", timeout=ORDER_TIMEOUT_S)
            file = licenses.file_request(licenses.parse_url(response, self.api, order.asset), self.api)
        except errors.ProviderError as error:
            if _is_refusal(error):
                self._mark(order, "refused")
            else:
                self._look_for(order, error)
            raise
        try:
            self.journal().keep(order.key, file.url)
        except OSError as error:  # then this process alone can get the file
            log.warning("the URL of a file could not be kept: %s", error.strerror)
        self._mark(order, "licensed")
        return file

    def _look_for(self, order: Order, error: errors.ProviderError) -> None:
        """Look for an order whose answer was lost, and say what is known of it.

        :raises AlreadyLicensed: where Getty has taken it; LicenseUnknown where that can't be told.
        """
        try:
            found = len(self.history(order.asset))
        except errors.EmbedKitError as unread:
            raise _unknown(order, "can't be read", unread) from error
        arrived = Past((order,)).has_arrived(found)
        if arrived is None:
            raise _unknown(order, "can't tell it from others") from error
        if arrived:
            self._mark(order, "licensed")
            raise _licensed(
                order.asset, order, "The answer was lost, and with it the URL of the file. "
            ) from error
        error.hint = "The download history does not have it yet. Run this again: it is looked up there first."

    def _mark(self, order: Order, state: str, **more: str) -> None:
        """Write down what became of an order. Where that fails, the history is asked the next time."""
        line = {"order": order.key, "state": state, "at": self._now(), **more}
        try:
            self.journal().append(lambda _: line)
        except OSError as error:
            log.warning("what became of a download could not be written down: %s", error.strerror)

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(sizes: Sequence[DownloadSize], height: int | None, id: str) -> DownloadSize | None:
    """The size of that height, or the largest; None where none is listed.

    :raises NotFound: where all that are listed are of other heights, as an order would be refused.
    """
    fitting = [size for size in sizes if height in (None, size.height)]
    if sizes and not fitting:
        heights = ", ".join(sorted({str(size.height) for size in sizes}, key=int))
        raise errors.NotFound(f"{id} has no size {height} pixels high.", hint=f"There are {heights}.", ref=id)
    return max(fitting, key=lambda size: (size.width or 0) * (size.height or 0), default=None)


def _is_refusal(error: errors.ProviderError) -> bool:
    """Whether an order that ended so is certainly no licence: it was not sent, or Getty says that it is none."""
    if isinstance(error, errors.RateLimited | errors.QuotaExhausted | errors.Unauthorized):
        return True
    return error.status is not None and 400 <= error.status < 500 and error.status != 408


def _licensed(
    id: str, order: Order | None, why: str = "", record: Mapping[str, Any] | None = None
) -> errors.AlreadyLicensed:
    """What to raise in place of a second licence. The journal tells since when there is one, or Getty's record."""
    since = f" since {order.at[:10]}, under {describe(order.product_type, order.product_id)}" if order else ""
    if not order and record:
        day, product = str(record.get("date_downloaded"))[:10], describe(str(record.get("product_type")))
        since = f" since {day}, under {product}"
    where = f"Its file was saved as {order.path}" if order and order.path else f"Get its file from {SITE}"
    return errors.AlreadyLicensed(f"{id} is licensed already{since}.", hint=f"{why}{where}; {ANEW}", ref=id)


def _unknown(order: Order, why: str, error: errors.EmbedKitError | None = None) -> errors.LicenseUnknown:
    because = f" ({error.message.rstrip('.')})" if error else ""
    message = f"Whether {order.asset} was licensed at {order.at} is not known: the answer was lost, and the"
    hint = (
        f"Look at {SITE}: if it is not there, pass again=True. Or run this again later, which looks there first."
    )
    return errors.LicenseUnknown(f"{message} download history {why}{because}.", hint=hint, ref=order.asset)
