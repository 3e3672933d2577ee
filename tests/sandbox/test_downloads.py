"""The sandbox's downloads: URLs, files and the history."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from embedkit.messages import Response
from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.content import catalogue, pictures
from embedkit.sandbox.content.catalogue import find
from embedkit.sandbox.content.pictures import sizes
from embedkit.sandbox.services.account import PRODUCTS, products_for
from tests.support.api import (
    APPLICATION,
    DAY,
    SEARCH_CLIENT,
    ApiClient,
    send_request,
)
from tests.support.tools import Clock

EXAMPLE = "74917285"  # 2394 x 3600, editorial
CREATIVE = "600000001"
PATH = f"/v3/downloads/images/{EXAMPLE}"


@pytest.fixture
def customer(clock: Clock) -> ApiClient:
    return ApiClient(Sandbox(clock=clock))


def address(caller: ApiClient, path: str = PATH, **params: Any) -> str:
    response = caller.request("POST", path, b"null", auto_download="false", **params)
    assert response.status == 200, response.body
    found = json.loads(response.body)
    assert list(found) == ["uri"]
    return str(found["uri"])


def picture(response: Response) -> Image.Image:
    assert response.status == 200, response.body
    found = Image.open(BytesIO(response.body))
    found.load()
    return found


# -- requests ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"null", b"'", b"{}", b"[1]", b"\xff", b'{"download_notes":5}'])
def test_a_download_redirects_to_the_file_by_default(customer: ApiClient, body: bytes) -> None:
    response = customer.request("POST", PATH, body)
    assert (response.status, response.body) == (303, b"")
    file = send_request(customer.app, "GET", response.headers["location"])
    found = picture(file)
    assert (found.format, found.size) == ("JPEG", (2394, 3600))
    assert EXAMPLE in found.info["comment"].decode()
    assert file.headers["content-type"] == "image/jpeg"
    assert file.headers["content-disposition"] == "attachment; filename=GettyImages-74917285.jpg"
    assert int(file.headers["content-length"]) == len(file.body) > 50_000


def test_a_download_can_return_the_url(customer: ApiClient) -> None:
    where = address(customer)
    assert where.startswith("http://127.0.0.1:8081/delivery/xa/74917285.jpg?v=1&c=IWSAsset&")
    assert picture(send_request(customer.app, "GET", where)).size == (2394, 3600)


def test_urls_on_the_real_services_hosts(customer: ApiClient) -> None:
    where = address(customer, f"https://api.gettyimages.com{PATH}")
    assert where.startswith("https://delivery.gettyimages.com/xa/74917285.jpg?v=1&")
    assert picture(send_request(customer.app, "GET", where)).size == (2394, 3600)


@pytest.mark.parametrize(
    "asset_id", [EXAMPLE, CREATIVE, catalogue.SMALL, catalogue.NOT_EMBEDDABLE, catalogue.HOSTILE]
)
def test_every_size_can_be_downloaded(customer: ApiClient, asset_id: str) -> None:
    asset = find(asset_id)
    assert asset
    assert (sizes(asset)[0].width, sizes(asset)[0].height) == (asset.width, asset.height)
    assert len({size.name for size in sizes(asset)}) == len(sizes(asset))
    for size in sizes(asset):
        where = address(customer, f"/v3/downloads/images/{asset_id}", height=size.height)
        response = send_request(customer.app, "GET", where)
        assert (picture(response).size, len(response.body)) == ((size.width, size.height), size.bytes)


@pytest.mark.parametrize(
    ("asset_id", "params", "status", "code"),
    [
        (EXAMPLE, {"product_type": "premiumaccess"}, 303, None),
        (EXAMPLE, {"product_type": "PremiumAccess", "product_id": 50001, "file_type": "jpg"}, 303, None),
        (EXAMPLE, {"product_type": "editorialsubscription"}, 303, None),
        (CREATIVE, {"product_type": "imagepack"}, 303, None),
        (CREATIVE, {"auto_download": "True", "use_team_credits": "false", "height": ""}, 303, None),
        (EXAMPLE, {"product_type": "imagepack"}, 403, "NoAccessToProductType"),
        (CREATIVE, {"product_type": "editorialsubscription"}, 403, "NoAccessToProductType"),
        (CREATIVE, {"product_type": "creditpack"}, 403, "NoAccessToProductType"),
        (CREATIVE, {"product_type": "easyaccess", "product_id": 50001}, 403, "NoAccessToProductType"),
        (CREATIVE, {"product_id": 50001}, 400, "MissingRequiredQueryParameters"),
        (EXAMPLE, {"height": 1}, 404, "FileDownloadSizeNotFound"),
        (EXAMPLE, {"file_type": "eps"}, 404, "FileDownloadSizeNotFound"),
        ("452O76944", {}, 404, "ImageNotFound"),
        (catalogue.WITHDRAWN, {}, 404, "ImageNotFound"),
        (EXAMPLE, {"product_type": "gold"}, 400, None),
        (EXAMPLE, {"file_type": "png"}, 400, None),
        (EXAMPLE, {"height": "tall"}, 400, None),
        (EXAMPLE, {"height": "-1"}, 400, None),
        (EXAMPLE, {"product_id": "99999999999"}, 400, None),
        (EXAMPLE, {"auto_download": "maybe"}, 400, None),
        (EXAMPLE, {"use_team_credits": "2"}, 400, None),
    ],
)
def test_which_downloads_are_granted(
    customer: ApiClient, asset_id: str, params: dict[str, Any], status: int, code: str | None
) -> None:
    response = customer.request("POST", f"/v3/downloads/images/{asset_id}", **params)
    assert response.status == status
    if status != 303:
        assert code in (None, json.loads(response.body)["ErrorCode"])
        assert customer.get("/v3/downloads")["result_count"] == 0
    if code == "ImageNotFound":
        assert json.loads(response.body)["ErrorMessage"] == f"Image id not found: {asset_id}"


def test_no_download_without_a_license() -> None:
    app = Sandbox()
    for caller in (ApiClient(app, APPLICATION), ApiClient(app, APPLICATION, SEARCH_CLIENT)):
        response = caller.request("POST", PATH)
        assert (response.status, json.loads(response.body)["ErrorCode"]) == (403, "UserTokenRequired")
    old = ApiClient(Sandbox(SandboxConfig(era="2018")), APPLICATION).request("POST", PATH)
    assert (old.status, old.body) == (403, b"")
    assert "content-type" not in old.headers
    response = ApiClient(app, None).request("POST", PATH)
    assert response.status == 401
    assert response.headers["www-authenticate"] == (
        'Bearer realm="Download",error="invalid_token",error_description="The access token is missing"'
    )


def test_download_limits() -> None:
    customer = ApiClient(Sandbox(SandboxConfig(download_limit=2)))
    statuses = [customer.request("POST", PATH, product_type="easyaccess").status for _ in range(3)]
    assert statuses == [303, 303, 403]
    refused = customer.request("POST", PATH, product_type="easyaccess")
    assert json.loads(refused.body)["ErrorCode"] == "OverageLimitReached"
    assert customer.request("POST", PATH, product_type="premiumaccess").status == 303
    left = {
        product["type"]: product["downloads_remaining"] for product in customer.get("/v3/products")["products"]
    }
    assert left == {"premiumaccess": 1, "easyaccess": 0, "editorialsubscription": 2, "imagepack": 2}


# -- the files ----------------------------------------------------------------------------------------


def test_urls_are_valid_for_a_day(customer: ApiClient, clock: Clock) -> None:
    where = address(customer)
    clock.now += DAY - 1
    assert send_request(customer.app, "GET", where).status == 200
    clock.now += 1
    assert send_request(customer.app, "GET", where).status == 403


@pytest.mark.parametrize(
    ("old", "new"),
    [("74917285", CREATIVE), ("h=3600", "h=594"), ("&e=", "&e=9"), ("&d=", "&d=x"), ("&d=", "&dd="), ("v=1&", "")],
)
def test_changed_urls_are_refused(customer: ApiClient, old: str, new: str) -> None:
    where = address(customer)
    assert old in where
    assert send_request(customer.app, "GET", where.replace(old, new)).status == 403


@pytest.mark.parametrize("path", ["/delivery", "/delivery/xa/74917285.jpg", "/xa", "/xa/74917285.jpg?d=\u0663"])
def test_invented_urls_are_refused(customer: ApiClient, path: str) -> None:
    assert send_request(customer.app, "GET", path).status == 403


def test_other_methods_for_files(customer: ApiClient) -> None:
    where = address(customer)
    head = send_request(customer.app, "HEAD", where)
    assert (head.status, head.body) == (200, b"")
    assert int(head.headers["content-length"]) > 50_000
    assert send_request(customer.app, "POST", where).status == 405


def test_files_of_withdrawn_pictures(customer: ApiClient) -> None:
    where = address(customer)
    customer.app.withdraw(EXAMPLE)
    assert send_request(customer.app, "GET", where).status == 404


COLORS = st.tuples(*[st.integers(0, 255)] * 3)


@given(st.integers(1, 400), st.integers(1, 400), COLORS, COLORS, st.text(max_size=400))
@settings(deadline=None, max_examples=80)
def test_any_picture_is_a_jpeg(
    width: int, height: int, top: tuple[int, int, int], bottom: tuple[int, int, int], words: str
) -> None:
    written = pictures.write_jpeg(width, height, top, bottom, words)
    assert len(written) == pictures.jpeg_bytes(width, height)
    found = Image.open(BytesIO(written))
    found.load()
    assert (found.size, found.mode) == ((width, height), "RGB")
    shown = [found.getpixel((width - 1, 0)), found.getpixel((width - 1, height - 1))]
    if (height - 1) % pictures.BLOCK_PX < 3:  # decoders blend the colors of neighboring blocks there
        shown.pop()
    for pixel, color in zip(shown, (top, bottom if height > pictures.BLOCK_PX else top), strict=False):
        assert isinstance(pixel, tuple)
        assert max(abs(one - other) for one, other in zip(pixel, color, strict=True)) <= 3


# -- the history --------------------------------------------------------------------------------------


def test_history(customer: ApiClient, clock: Clock) -> None:
    assert customer.get("/v3/downloads") == {"result_count": 0, "downloads": []}
    customer.request("POST", PATH, {"download_notes": "front page", "project_code": "A-1"}, height=594)
    clock.now += 60
    customer.request("POST", f"/v3/downloads/images/{CREATIVE}", product_type="imagepack")
    found = customer.get("/v3/downloads")
    assert found["result_count"] == 2
    assert [one["id"] for one in found["downloads"]] == [CREATIVE, EXAMPLE]
    assert found["downloads"][1] == {
        "date_downloaded": "2027-01-15T08:00:00Z",
        "id": EXAMPLE,
        "asset_type": "image",
        "product_type": "premiumaccess",
        "thumb_uri": found["downloads"][1]["thumb_uri"],
        "agreement_name": "Premium Access",
        "product_id": 50001,
        "download_details": {"download_notes": "front page", "project_code": "A-1"},
        "download_source": "api",
        "user": {"username": "sandbox-user", "first_name": "Sanna", "middle_name": "", "last_name": "Boxer"},
        "size_name": "x_small",
        "dimensions": {"width": 395, "height": 594, "dpi": 300},
        "license_model": found["downloads"][1]["license_model"],
    }
    assert send_request(customer.app, "GET", found["downloads"][1]["thumb_uri"]).status == 200
    of_one = customer.get(f"/v3/images/{EXAMPLE}/downloadhistory")
    assert of_one == {"id": EXAMPLE, "downloads": [found["downloads"][1]]}
    assert customer.get("/v3/images/600000002/downloadhistory") == {"id": "600000002", "downloads": []}
    assert customer.request("GET", "/v3/images/1/downloadhistory").status == 404


@pytest.mark.parametrize(
    ("params", "days"),
    [
        ({}, [16, 15, 14]),
        ({"page_size": 2}, [16, 15]),
        ({"page_size": 2, "page": 2}, [14]),
        ({"date_from": "2027-01-15"}, [16, 15]),
        ({"date_to": "2027-01-15"}, [15, 14]),
        ({"date_from": "2027-01-15", "date_to": "2027-01-15"}, [15]),
        ({"date_from": "2027-01-15T23:00:00"}, [16, 15]),
        ({"date_from": "2027-01-15T08:00:01", "use_time": "true"}, [16]),
        ({"date_from": "2027-01-15 08:00:00", "use_time": "true"}, [16, 15]),
        ({"date_to": "2027-01-15T09:00:00+02:00", "use_time": "true"}, [14]),
        ({"product_type": "easyaccess"}, [15]),
        ({"product_type": "aigen"}, []),
        ({"company_downloads": "true"}, [16, 15, 14]),
    ],
)
def test_filters_of_the_history(params: dict[str, Any], days: list[int]) -> None:
    clock = Clock(1_800_000_000.0 - DAY)  # 2027-01-14T08:00:00Z
    customer = ApiClient(Sandbox(SandboxConfig(token_seconds=9 * DAY), clock=clock))
    for product in ("premiumaccess", "easyaccess", "premiumaccess"):
        customer.request("POST", PATH, product_type=product)
        clock.now += DAY
    found = customer.get("/v3/downloads", **params)["downloads"]
    assert [one["date_downloaded"] for one in found] == [f"2027-01-{day}T08:00:00Z" for day in days]


@pytest.mark.parametrize(
    "params",
    [
        {"page": 0},
        {"page_size": 101},
        {"page_size": 7},
        {"page": 9},
        {"date_from": "yesterday"},
        {"date_to": "0001-01-01T00:00:00+23:59"},
        {"use_time": "x"},
        {"product_type": "x"},
        {"company_downloads": "x"},
    ],
)
def test_invalid_requests_for_the_history(customer: ApiClient, params: dict[str, Any]) -> None:
    response = customer.request("GET", "/v3/downloads", **params)
    assert response.status == 400
    assert next(iter(params)) in response.body.decode()


# -- products ----------------------------------------------------------------------------------------


def test_products(customer: ApiClient) -> None:
    found = customer.get("/v3/products")["products"]
    assert [(one["id"], one["type"]) for one in found] == [(one.id, one.type) for one in PRODUCTS]
    assert all("download_requirements" not in one for one in found)
    detailed = customer.get("/v3/products", fields="download_requirements")["products"]
    assert detailed[0]["download_requirements"]["is_project_code_required"] is False
    assert customer.request("GET", "/v3/products", fields="nonsense").status == 400
    assert ApiClient(customer.app, APPLICATION).get("/v3/products") == {"products": []}


def test_every_picture_is_covered() -> None:
    for asset in catalogue.catalogue().values():
        kinds = {product.type for product in products_for(asset)}
        assert {"premiumaccess", "easyaccess"} < kinds
        assert ("editorialsubscription" in kinds) == (asset.family == "editorial")


def test_the_customer(customer: ApiClient) -> None:
    assert customer.get("/v3/customers/current") == {
        "first_name": "Sanna",
        "middle_name": "",
        "last_name": "Boxer",
    }


def test_addresses_are_safe_to_print(customer: ApiClient) -> None:
    parts = urlsplit(address(customer))
    assert not set(parts.query) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=&_-")


def test_a_file_keeps_the_history_for_the_next_sandbox(tmp_path: Path, clock: Clock) -> None:
    config = SandboxConfig(history=str(tmp_path / "history.jsonl"), download_limit=2)
    first = ApiClient(Sandbox(config, clock=clock))
    address(first, product_type="premiumaccess")
    for caller in (first, ApiClient(Sandbox(config, clock=clock))):
        (past,) = caller.get(f"/v3/images/{EXAMPLE}/downloadhistory")["downloads"]
        assert (past["id"], past["product_type"]) == (EXAMPLE, "premiumaccess")
        assert caller.get("/v3/products")["products"][0]["downloads_remaining"] == 1
    assert ApiClient(Sandbox(clock=clock)).get("/v3/downloads")["result_count"] == 0


def test_an_agreement_may_let_files_be_ordered_again(clock: Clock) -> None:
    lenient = ApiClient(Sandbox(SandboxConfig(redownloads=True), clock=clock))
    for product in ("premiumaccess", "premiumaccess", "easyaccess"):
        address(lenient, product_type=product)
    past = lenient.get(f"/v3/images/{EXAMPLE}/downloadhistory")["downloads"]
    assert sorted(one["product_type"] for one in past) == ["easyaccess", "premiumaccess"]
