"""What is known about licences before a file is ordered, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embedkit import ConfigurationError, EmbedKit, Settings
from embedkit.api.licenses import Order, Past, choose, order_url, read_orders, spent
from embedkit.api.models import DownloadOffer
from embedkit.engine.engine import open_journal
from embedkit.errors import (
    AlreadyLicensed,
    InvalidResponse,
    LicenseUnknown,
    NotLicensed,
    PermissionDenied,
    QuotaExhausted,
    Unavailable,
)
from embedkit.sandbox import Sandbox, SandboxConfig, SandboxTransport
from tests.support.client import CREDENTIALS, PRODUCT
from tests.support.tools import Clock

ID, BASE = "74917285", "https://api.gettyimages.com"
NOVEMBER = 1_795_000_000.0  # 18 November 2026


def ordered(key: str = "a", at: str = "2026-11-03T10:00:00Z", **more: Any) -> dict[str, Any]:
    return {"order": key, "state": "ordered", "at": at, "asset": ID, "product_type": "premiumaccess",
            "product_id": "50001", "height": None, "file_type": "", "known": 0, **more}  # fmt: skip


# -- the journal's lines ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "states"),
    [
        ([], []),
        ([ordered()], ["ordered"]),
        ([ordered(), {"order": "a", "state": "licensed"}], ["licensed"]),
        ([ordered(), {"order": "a", "state": "saved", "path": "x.jpg"}], ["saved"]),
        ([ordered(), ordered("b"), {"order": "b", "state": "refused"}], ["ordered", "refused"]),
        ([{"order": "a", "state": "saved"}, ordered()], ["ordered"]),
        ([ordered(), {"order": "a", "state": "burnt"}, {"order": 1, "state": "saved"}, {}], ["ordered"]),
        ([ordered(at=None), ordered(known="1"), ordered(height=True), ordered(asset=5)], []),
    ],
)
def test_lines_become_orders(lines: list[dict[str, Any]], states: list[str]) -> None:
    assert [order.state for order in read_orders(lines)] == states


@pytest.mark.parametrize(
    ("orders", "count"),
    [
        ([], 0),
        ([{}], 1),
        ([{"at": "2026-10-31T23:59:59Z"}], 0),
        ([{"at": "2026-12-01T00:00:00Z"}], 1),  # the clock was ahead then
        ([{"state": "licensed"}, {"state": "saved"}, {"state": "refused"}, {"state": "missing"}], 2),
        ([{"repeated": True}], 0),
    ],
)
def test_what_counts_against_a_month(orders: list[dict[str, Any]], count: int) -> None:
    plain = Order("a", "2026-11-03T10:00:00Z", ID, "premiumaccess")
    assert spent([replace(plain, **one) for one in orders], "2026-11") == count


@pytest.mark.parametrize(
    ("known", "found", "arrived"), [(0, 0, False), (0, 1, True), (2, 2, False), (None, 0, False), (None, 1, None)]
)
def test_whether_a_lost_order_has_arrived(known: int | None, found: int, arrived: bool | None) -> None:
    order = Order("a", "2026-11-03T10:00:00Z", ID, "premiumaccess", known=known)
    assert Past((order,)).has_arrived(found) is arrived


# -- offers ----------------------------------------------------------------------------------------------

PREMIUM = DownloadOffer("premiumaccess", product_id="50001", agreement_name="Premium Access")
OTHER = DownloadOffer("premiumaccess", product_id="50009")
EASY = DownloadOffer("easyaccess", product_id="50002")


@pytest.mark.parametrize(
    ("offers", "params", "chosen"),
    [
        ([EASY], {}, EASY),
        ([EASY, EASY], {}, EASY),
        ([EASY, PREMIUM], {"product_type": "premiumaccess"}, PREMIUM),
        ([EASY, PREMIUM, OTHER], {"product_type": "premiumaccess", "product_id": 50009}, OTHER),
        ([PREMIUM, OTHER], {"product_id": "50001"}, PREMIUM),
    ],
)
def test_the_agreement_that_pays(
    offers: list[DownloadOffer], params: dict[str, Any], chosen: DownloadOffer
) -> None:
    assert choose(offers, ID, params) == chosen


@pytest.mark.parametrize(
    ("offers", "params", "kind", "says"),
    [
        ([], {}, NotLicensed, "don't include downloads"),
        ([EASY, PREMIUM], {}, ConfigurationError, "^product_type is required.*easyaccess.*premiumaccess"),
        ([PREMIUM, OTHER], {"product_type": "premiumaccess"}, ConfigurationError, "^product_id is required"),
        ([EASY], {"product_type": "premiumaccess"}, PermissionDenied, "easyaccess"),
        ([EASY], {"product_id": 1}, PermissionDenied, "50002"),
    ],
)
def test_never_just_the_first(
    offers: list[DownloadOffer], params: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        choose(offers, ID, params)


@pytest.mark.parametrize("url", [None, f"{BASE}/v3/downloads/images/{ID}", f"{BASE}/v3/downloads/{ID}"])
def test_an_offers_address(url: str | None) -> None:
    assert order_url(replace(EASY, uri=url), ID, BASE) == (url or f"{BASE}/v3/downloads/images/{ID}")


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example/v3/downloads/images/{ID}",
        f"{BASE}.evil.example/v3/downloads/images/{ID}",
        f"{BASE}@evil.example/v3/downloads/images/{ID}",
        f"http://api.gettyimages.com/v3/downloads/images/{ID}",
        f"{BASE}:8443/v3/downloads/images/{ID}",
        f"{BASE}/v3/downloads/images/600000001",
        f"{BASE}/v3/downloads/images/{ID}1",
        f"{BASE}/v3/downloads/images/7491728%35",
        f"{BASE}/v3/downloads/images/x/../{ID}",
        f"{BASE}/v3/downloads/images/{ID}/../600000001",
        f"{BASE}/v3/downloads/videos/{ID}",
        f"{BASE}/v3/downloads/images/{ID}?product_type=other",
        f"{BASE}/v3/downloads/images/{ID}#",
        f"{BASE}//v3/downloads/images/{ID}",
        f"/v3/downloads/images/{ID}",
        "",
        7,
    ],
)
@pytest.mark.parametrize("place", ["uri", "other"])
def test_another_address_is_not_ordered_from(url: Any, place: str) -> None:
    offer = replace(EASY, uri=url) if place == "uri" and url else replace(EASY, other={"uri": url})
    with pytest.raises(InvalidResponse, match="not that of the requested picture"):
        order_url(offer, ID, BASE)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"username": "somebody"}, False),
        ({"api_base": "https://api.example.org"}, False),
        ({"api_key": "a-newer-key", "api_secret": "s2"}, True),
    ],
)
def test_an_account_has_a_journal_of_its_own(tmp_path: Path, other: dict[str, str], same: bool) -> None:
    rows: dict[str, Any] = {**CREDENTIALS, "download_journal": str(tmp_path)}
    mine, theirs = (open_journal(Settings(**one)).folder for one in (rows, rows | other))
    assert (mine == theirs) is same
    assert mine.parent == tmp_path
    assert not [secret for secret in CREDENTIALS.values() if secret in str(mine)]


# -- a customer ------------------------------------------------------------------------------------------

Make = Callable[..., tuple[EmbedKit, Sandbox]]


@pytest.fixture(name="clock")
def fixture_clock() -> Clock:
    return Clock(NOVEMBER)


@pytest.fixture(name="make")
def fixture_make(tmp_path: Path, clock: Clock) -> Make:
    """A kit with a sandbox and this test's journal."""

    def make(app: Sandbox | None = None, **rows: Any) -> tuple[EmbedKit, Sandbox]:
        app = app or Sandbox(SandboxConfig(), clock=clock)
        plain = {"cache": "memory:", "download_journal": str(tmp_path / "journal"), **CREDENTIALS}
        settings = Settings(**plain | rows)
        return EmbedKit(settings, transport=SandboxTransport(app), clock=clock), app

    return make


def licences(app: Sandbox) -> int:
    return sum(call.method == "POST" and call.route == "v3" for call in app.calls)


def test_a_budget_is_that_of_a_month(make: Make, clock: Clock, tmp_path: Path) -> None:
    kit, app = make(download_budget=2)
    kit.api.downloads.save(ID, tmp_path, **PRODUCT)
    kit.api.downloads.save("600000001", tmp_path, **PRODUCT)
    with pytest.raises(QuotaExhausted, match="budget of 2 licences for 2026-11"):
        kit.api.downloads.save("600000003", tmp_path, **PRODUCT)
    with pytest.raises(QuotaExhausted):
        make(app, download_budget=2)[0].api.downloads.save("600000003", tmp_path, **PRODUCT)
    assert licences(app) == 2
    clock.now += 86_400 * 20
    kit.api.downloads.save("600000003", tmp_path, **PRODUCT)
    clock.now -= 86_400 * 20  # setting the clock back does not exceed the budget
    with pytest.raises(QuotaExhausted):
        kit.api.downloads.save("600000005", tmp_path, **PRODUCT)
    assert licences(app) == 3


def test_a_plan_uses_no_licence(make: Make, tmp_path: Path) -> None:
    kit, app = make(Sandbox(SandboxConfig(download_limit=3)), download_budget=5)
    plan = kit.api.downloads.plan(ID, **PRODUCT)
    assert (plan.costs, plan.licensed, plan.remaining, plan.budget, plan.used) == (1, False, 3, 5, 0)
    assert plan.size is not None
    assert (plan.offer.product_type, licences(app)) == ("premiumaccess", 0)
    kit.api.downloads.save(ID, tmp_path, **PRODUCT)
    plan = kit.api.downloads.plan(ID, **PRODUCT)
    assert (plan.costs, plan.licensed, plan.remaining, plan.used) == (0, True, 2, 1)  # its URL is still valid
    assert kit.api.downloads.plan(ID, again=True, **PRODUCT).costs == 1
    assert licences(app) == 1
    with pytest.raises(ConfigurationError, match="product_type is required"):
        kit.api.downloads.plan(ID)


def test_a_picture_licensed_on_another_machine_is_not_licensed_again(
    make: Make, tmp_path: Path, clock: Clock
) -> None:
    kit, app = make()
    kit.api.downloads.save(ID, tmp_path / "one.jpg", **PRODUCT)
    other, _ = make(app, download_journal=str(tmp_path / "another"))
    with pytest.raises(AlreadyLicensed, match="2026-11") as refused:
        other.api.downloads.save(ID, tmp_path / "two.jpg", **PRODUCT)
    assert "again=True" in str(refused.value)
    assert licences(app) == 1
    assert not (tmp_path / "two.jpg").exists()
    other.api.downloads.save(ID, tmp_path / "two.jpg", again=True, **PRODUCT)
    assert licences(app) == 2


def test_a_file_is_got_again_for_a_day(make: Make, tmp_path: Path, clock: Clock) -> None:
    kit, app = make()
    kit.api.downloads.save(ID, tmp_path / "one.jpg", **PRODUCT)
    kit.api.downloads.save(ID, tmp_path / "two.jpg", **PRODUCT)
    assert (tmp_path / "one.jpg").read_bytes() == (tmp_path / "two.jpg").read_bytes()
    with pytest.raises(AlreadyLicensed, match=r"one\.jpg|two\.jpg"):
        kit.api.downloads.save(ID, tmp_path / "small.jpg", height=113, **PRODUCT)
    assert licences(app) == 1


def test_without_the_history_nothing_is_licensed_but_knowingly(make: Make, tmp_path: Path) -> None:
    kit, app = make()
    app.faults.add("status", status=503, route="v3", item="downloadhistory", count=None)
    with pytest.raises(Unavailable):
        kit.api.downloads.save(ID, tmp_path, **PRODUCT)
    assert licences(app) == 0
    kit.api.downloads.save(ID, tmp_path, again=True, **PRODUCT)
    assert licences(app) == 1


def test_an_order_with_unknown_result_is_not_repeated(make: Make, tmp_path: Path, clock: Clock) -> None:
    kit, app = make()
    journal = open_journal(kit.settings)
    journal.append(lambda _: ordered(at="2026-11-17T10:00:00Z", known=None))
    kit.api.downloads.save(ID, tmp_path / "two.jpg", again=True, **PRODUCT)
    journal.append(lambda _: ordered("b", at="2026-11-17T10:00:00Z", known=None, asset="600000001"))
    kit.api.downloads.save("600000001", tmp_path / "three.jpg", **PRODUCT)  # not in the history
    other, _ = make(app, download_journal=str(tmp_path / "another"))
    open_journal(other.settings).append(lambda _: ordered(at="2026-11-17T10:00:00Z", known=None))
    with pytest.raises(LicenseUnknown, match="can't distinguish it from others"):
        other.api.downloads.save(ID, tmp_path / "four.jpg", **PRODUCT)
    assert licences(app) == 2


def test_a_journal_that_cannot_be_written_orders_nothing(make: Make, tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("in its place")
    kit, app = make()
    with pytest.raises(OSError, match="journal"):
        kit.api.downloads.save(ID, tmp_path / "one.jpg", **PRODUCT)
    assert licences(app) == 0
    assert not (tmp_path / "one.jpg").exists()
