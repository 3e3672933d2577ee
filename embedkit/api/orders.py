"""Orders of files. Each is a licence, so it is recorded before it is sent, and never repeated automatically.

    1. check         is there a licence or an unresolved order in the journal or Getty's download history?
    2. record        write a line to the journal, and check the budget in the same step
    3. order         accepted or refused; if the response is lost, check the history
    4. store URL     next to the journal, for the 24 hours it is valid; private, because it needs no credentials

At most one order of a picture is in progress at a time, across all processes of this user.
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

LOCK_TIMEOUT_S = 5.0  # for another process that is downloading the same picture; a file can take much longer
ORDER_TIMEOUT_S = 30.0  # the Amazon gateway used by Getty gives up after 29 seconds
SETTLE_S = 30.0  # an older order that is not in the history will not appear there any more
SITE = "the download history at gettyimages.com"
Records = tuple[Mapping[str, Any], ...]
AGAIN_HINT = "again=True licenses it a second time."


@dataclass(frozen=True, slots=True)
class DownloadPlan:
    """What a download would do.

    :param offer: the agreement that would pay for it.
    :param size: size of the file; None if unknown.
    :param costs: number of licences it would use: 1, or 0 if the file is available without another one.
    :param licensed: whether the picture is already licensed; None if the response to an order was lost, or the
        download history can't be read. Unless it is False, a download that ``costs`` 1 requires ``again=True``.
    :param remaining: remaining downloads of the agreement; None if unlimited or unknown.
    :param budget: EMBEDKIT_DOWNLOAD_BUDGET, the licences allowed per month; None if unlimited.
    :param used: licences used this month.
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
    """Places orders on behalf of one customer.

    :param journal: function that returns the journal.
    :param budget: licences allowed per calendar month; None for any number.
    :param redownload: whether the agreement allows ordering a licensed picture again without a second licence.
    :param clock: function that returns seconds since the epoch.
    """

    api: ApiSettings
    session: ApiSession
    journal: Callable[[], Journal]
    budget: int | None
    redownload: bool
    clock: Callable[[], float]

    @contextmanager
    def alone(self, id: str) -> Iterator[None]:
        """Hold the lock for a picture, so that no other process downloads it at the same time.

        :raises Unavailable: if another process holds the lock; OSError if the journal can't be written.
        """
        with ExitStack() as held:
            try:
                held.enter_context(self.journal().hold(id, LOCK_TIMEOUT_S))
            except TimeoutError:
                message, hint = f"{id} is being downloaded by another process.", "Wait until it has finished."
                raise errors.Unavailable(message, hint=hint, ref=id, retry_after=LOCK_TIMEOUT_S) from None
            yield

    def past(self, id: str) -> Past:
        """Return the orders of a picture in the journal."""
        return Past(tuple(order for order in licenses.read_orders(self.journal().lines()) if order.asset == id))

    def history(self, id: str) -> Records:
        """Return the licences of a picture in Getty's download history. Malformed records count as well."""
        request = image_history_request(id, self.api, company=False)
        fields = read(self.session.call(request, "token"), "picture", self.api, ref=id)
        fields.require_list("downloads")
        return tuple(record for record in fields.raw("downloads") or () if isinstance(record, dict))

    def place(
        self, id: str, params: Mapping[str, Any], notes: Notes | None, *, again: bool
    ) -> tuple[Order, Request]:
        """Return the order of a file, an earlier one if its URL is still valid, and the request for the file.

        :param again: license the picture once more in any case.
        :raises AlreadyLicensed: if the picture is licensed and its URL is no longer known.
        :raises LicenseUnknown: if the response to an earlier order was lost and its result can't be determined.
        :raises QuotaExhausted: if the budget is used up.
        :raises OSError: if the journal can't be written; then nothing is ordered.
        """
        past = self.past(id)
        if not again and (kept := self.kept(past, params)):
            if kept[0] in past.unknown:  # its URL was stored, but not its state
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
        """Return what :meth:`place` would do."""
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
        fitting = [row for row in products if row.type == offer.product_type and offer.product_id in ("", row.id)]
        return fitting[0].downloads_remaining if len(fitting) == 1 else None

    def image(self, id: str, *fields: str) -> Image:
        """Return a picture with these fields, never from the cache, since agreements are the customer's own."""
        request = image_request(id, {"fields": fields}, self.api)
        return parse_image(self.session.call(request, "token"), self.api, id)

    def kept(self, past: Past, params: Mapping[str, Any]) -> tuple[Order, Request] | None:
        """Return the latest order of this file whose URL is still valid, and the request for the file."""
        for order in reversed(past.orders):
            if (
                order.state not in licenses.FREE
                and order.is_file(params)
                and (url := licenses.file_url(self.journal().kept(order.key), self.api))
            ):
                return order, licenses.file_request(url, self.api)
        return None

    def saved(self, order: Order, path: str) -> None:
        """Record the path of the saved file."""
        self._mark(order, "saved", path=path)

    # -- before the order -------------------------------------------------------------------------------

    def _settle(self, id: str, past: Past, *, again: bool) -> Records | None:
        """Return the licences in the history, after recording the result of orders whose response was lost."""
        try:
            found = self.history(id)
            if past.unknown and past.has_arrived(len(found)) is False and not again and self._wait(past):
                found = self.history(id)
        except errors.ProviderError as error:
            if again:
                return None
            if past.unknown:
                raise _unknown(past.unknown[-1], "can't be read", error) from error
            if isinstance(error, errors.Unauthorized | errors.PermissionDenied):  # retrying would not help
                error.hint = f"{error.hint} Without the download history, licensing requires again=True."
            raise
        self._judge(past, len(found), again=again)
        return found

    def _judge(self, past: Past, found: int, *, again: bool) -> None:
        arrived = past.has_arrived(found) if past.unknown else None
        if past.unknown and arrived is None and not again:
            raise _unknown(past.unknown[-1], "can't distinguish it from others")
        for order in past.unknown if arrived is not None else ():
            self._mark(order, "licensed" if arrived else "missing")

    def _wait(self, past: Past) -> bool:
        """Give an order time to appear in the history, and return whether there was a need to wait."""
        age = self.clock() - datetime.fromisoformat(past.unknown[-1].at).timestamp()
        rest = SETTLE_S - max(0.0, age)
        if rest <= 0:
            return False
        log.info("the response to an order of %s was lost: checking again in %.0f s", past.unknown[-1].asset, rest)
        time.sleep(rest)
        return True

    def _is_licensed(self, id: str, found: Records | None) -> bool:
        """Return whether the picture is licensed under an agreement that allows ordering it again.

        :raises AlreadyLicensed: if the agreement does not allow that.
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
            hint = "Wait until next month, or raise EMBEDKIT_DOWNLOAD_BUDGET."
            raise errors.QuotaExhausted(message, hint=hint)

    # -- the order itself -------------------------------------------------------------------------------

    def _send(self, order: Order, request: Request) -> Request:
        """Send an order and return the request for the file."""
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
        except OSError as error:  # then only this process can download the file
            log.warning("the URL of a file could not be stored: %s", error.strerror)
        self._mark(order, "licensed")
        return file

    def _look_for(self, order: Order, error: errors.ProviderError) -> None:
        """Look for an order whose response was lost in the history.

        :raises AlreadyLicensed: if Getty accepted it; LicenseUnknown if that can't be determined.
        """
        try:
            found = len(self.history(order.asset))
        except errors.EmbedKitError as unread:
            raise _unknown(order, "can't be read", unread) from error
        arrived = Past((order,)).has_arrived(found)
        if arrived is None:
            raise _unknown(order, "can't distinguish it from others") from error
        if arrived:
            self._mark(order, "licensed")
            raise _licensed(
                order.asset, order, "The response was lost, and with it the URL of the file. "
            ) from error
        error.hint = "It is not in the download history yet. Run this again: it checks the history first."

    def _mark(self, order: Order, state: str, **more: str) -> None:
        """Record the state of an order. If that fails, the next call checks the history instead."""
        line = {"order": order.key, "state": state, "at": self._now(), **more}
        try:
            self.journal().append(lambda _: line)
        except OSError as error:
            log.warning("the state of a download could not be recorded: %s", error.strerror)

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(sizes: Sequence[DownloadSize], height: int | None, id: str) -> DownloadSize | None:
    """Return the size with that height, or the largest; None if no sizes are listed.

    :raises NotFound: if sizes are listed, but not this height; an order would be refused.
    """
    fitting = [size for size in sizes if height in (None, size.height)]
    if sizes and not fitting:
        heights = ", ".join(sorted({str(size.height) for size in sizes}, key=int))
        raise errors.NotFound(f"{id} has no size {height} pixels high.", hint=f"Choose one of {heights}.", ref=id)
    return max(fitting, key=lambda size: (size.width or 0) * (size.height or 0), default=None)


def _is_refusal(error: errors.ProviderError) -> bool:
    """Return whether an order that failed with this error is certainly not a licence: not sent, or refused."""
    if isinstance(error, errors.RateLimited | errors.QuotaExhausted | errors.Unauthorized):
        return True
    return error.status is not None and 400 <= error.status < 500 and error.status != 408


def _licensed(
    id: str, order: Order | None, why: str = "", record: Mapping[str, Any] | None = None
) -> errors.AlreadyLicensed:
    """Return the error to raise instead of licensing twice, with details from the journal or Getty's record."""
    since = f" since {order.at[:10]}, under {describe(order.product_type, order.product_id)}" if order else ""
    if not order and record:
        day, product = str(record.get("date_downloaded"))[:10], describe(str(record.get("product_type")))
        since = f" since {day}, under {product}"
    where = f"Its file was saved as {order.path}" if order and order.path else f"Get its file from {SITE}"
    return errors.AlreadyLicensed(f"{id} is already licensed{since}.", hint=f"{why}{where}; {AGAIN_HINT}", ref=id)


def _unknown(order: Order, why: str, error: errors.EmbedKitError | None = None) -> errors.LicenseUnknown:
    because = f" ({error.message.rstrip('.')})" if error else ""
    message = f"It is unknown whether {order.asset} was licensed at {order.at}: the response was lost, and the"
    hint = f"Check {SITE}: if it is not there, pass again=True. Or run this again later, which checks it first."
    return errors.LicenseUnknown(f"{message} download history {why}{because}.", hint=hint, ref=order.asset)
