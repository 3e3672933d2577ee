"""Events, search by artist and by image, purchases, asset changes and usage reports in the sandbox's API v3; and
the requests that the official clients in Ruby, PHP and Java send.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedkit.sandbox import Sandbox, SandboxConfig
from embedkit.sandbox.content.catalogue import catalogue
from tests.support.api import APPLICATION, DAY, SEARCH_CLIENT, ApiClient, send_request
from tests.support.tools import Clock

EXAMPLE, CREATIVE = "74917285", "600000001"
OF_EVENT = next(asset for asset in catalogue().values() if asset.event_id)
KEY_ALONE = ApiClient(Sandbox(), None)


def code_of(response: Any) -> tuple[int, str]:
    return response.status, json.loads(response.body)["ErrorCode"]


# -- events ----------------------------------------------------------------------------------------------


def test_events_are_found_by_their_words_and_dates() -> None:
    everything = KEY_ALONE.get("/v3/search/events", page_size=100)
    assert everything["result_count"] > 100
    starts = [event["start_date"] for event in everything["events"]]
    assert starts == sorted(starts, reverse=True)
    oldest = KEY_ALONE.get("/v3/search/events", sort_order="oldest", page_size=1)["events"][0]
    assert oldest["start_date"] <= starts[-1]
    named = KEY_ALONE.get("/v3/search/events", phrase=OF_EVENT.event)["events"]
    assert OF_EVENT.event_id in [event["id"] for event in named]
    day = OF_EVENT.date_created[:10]
    same_day = KEY_ALONE.get("/v3/search/events", date_from=day, date_to=day)["events"]
    assert OF_EVENT.event_id in [event["id"] for event in same_day]
    assert {event["start_date"][:10] for event in same_day} == {day}
    sport = KEY_ALONE.get("/v3/search/events", editorial_segment="sport", fields="editorial_segments")["events"]
    assert {segment for event in sport for segment in event["editorial_segments"]} == {"sport"}


@pytest.mark.parametrize("first", ["2027-01-15", "2027-01-08", "2026-12-16"])
def test_there_are_always_recent_events_and_pictures(clock: Clock, first: str) -> None:
    caller = ApiClient(Sandbox(clock=clock), None)
    events = caller.get("/v3/search/events", date_from=first, page_size=100)["events"]
    assert events[0]["start_date"] == "2027-01-15T00:00:00Z"
    assert min(event["start_date"][:10] for event in events) >= first
    fields = "id,date_created,event_ids"
    asked = {"date_from": first, "sort_order": "newest", "fields": fields, "page_size": 100}
    found = caller.get("/v3/search/images/editorial", **asked)["images"]
    assert {event["id"] for event in events} == {number for image in found for number in image["event_ids"]}
    dates = [image["date_created"] for image in found]
    assert (dates[0], dates) == ("2027-01-15T00:00:00Z", sorted(dates, reverse=True))
    ids = ",".join(image["id"] for image in found)
    for image in caller.get("/v3/images", ids=ids, fields="date_submitted,date_camera_shot")["images"]:
        assert image["date_submitted"][:10] <= "2027-01-15"
        assert (image["date_camera_shot"] or "") < "2027-01-15T08:00:00Z"  # by the clock


def test_searching_for_the_pictures_of_an_event() -> None:
    event = KEY_ALONE.get(f"/v3/events/{OF_EVENT.event_id}")
    found = KEY_ALONE.get("/v3/search/images/editorial", event_ids=event["id"])
    assert found["result_count"] == event["image_count"]
    assert event["hero_image"]["id"] in [image["id"] for image in found["images"]]
    assert event["hero_image"]["display_sizes"][0]["uri"].startswith("http://127.0.0.1:8081/id/")


def test_several_events_some_of_them_unknown() -> None:
    alone = KEY_ALONE.get("/v3/search/events", page_size=1)["events"][0]
    assert list(alone) == ["id", "name", "start_date"]
    found = KEY_ALONE.get("/v3/events", ids=f"{OF_EVENT.event_id},1", fields="name")
    assert found == {"events": [{"id": OF_EVENT.event_id, "name": OF_EVENT.event}], "events_not_found": ["1"]}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v3/events/1", (404, "EventNotFound")),
        ("/v3/events", (400, "InvalidRequest")),
        ("/v3/events?ids=1,2", (404, "EventNotFound")),
        ("/v3/search/events?page_size=1&page=51", (400, "InvalidPage")),
        ("/v3/events?ids=1&fields=nonsense", (400, "InvalidRequest")),
        ("/v3/search/events?sort_order=best_match", (400, "InvalidRequest")),
        ("/v3/search/events?date_from=yesterday", (400, "InvalidRequest")),
        ("/v3/search/events?editorial_segment=weather", (400, "InvalidRequest")),
        ("/v3/search/events?page=9999", (400, "InvalidPage")),
        ("/v3/search/events?page_size=7", (400, "InvalidPageSize")),
    ],
)
def test_invalid_requests_for_events(path: str, expected: tuple[int, str]) -> None:
    assert code_of(KEY_ALONE.request("GET", path)) == expected


def test_an_event_without_pictures_does_not_exist() -> None:
    app = Sandbox()
    app.withdraw(*(one.id for one in catalogue().values() if one.event_id == OF_EVENT.event_id))
    assert code_of(ApiClient(app, None).request("GET", f"/v3/events/{OF_EVENT.event_id}")) == (
        404,
        "EventNotFound",
    )


# -- by artist, and by image -----------------------------------------------------------------------------


def test_pictures_by_photographer() -> None:
    found = KEY_ALONE.get("/v3/artists/images", artist_name=OF_EVENT.photographer, fields="artist,asset_type,id")
    assert {image["artist"] for image in found["images"]} == {OF_EVENT.photographer}
    assert {image["asset_type"] for image in found["images"]} == {"image"}
    assert len(KEY_ALONE.get("/v3/artists/images", artist_name="Ivo, a")["images"]) <= 10
    assert code_of(KEY_ALONE.request("GET", "/v3/artists/images"))[0] == 400


def test_search_by_picture() -> None:
    found = KEY_ALONE.get("/v3/search/images/creative/by-image", asset_id=CREATIVE, include_facets="true")
    assert found["images"]
    assert CREATIVE not in [image["id"] for image in found["images"]]
    assert {image["asset_family"] for image in found["images"]} == {"creative"}
    assert found["facets"].keys() == {"artists", "locations", "events", "specific_people", "entertainment"}
    assert "facets" not in KEY_ALONE.get("/v3/search/images/creative/by-image", asset_id=CREATIVE)


def test_search_by_picture_and_product() -> None:
    def count(products: str) -> int:
        path = "/v3/search/images/creative/by-image"
        return int(KEY_ALONE.get(path, asset_id=CREATIVE, product_types=products)["result_count"])

    assert count("premiumaccess:50001") == count("imagepack,editorialsubscription") == count("") > 0
    assert count("premiumaccess:1") == 0


def test_search_by_upload(clock: Clock) -> None:
    app = Sandbox(clock=clock)
    caller, other = ApiClient(app, None), ApiClient(app, None, SEARCH_CLIENT)
    path = "/v3/search/by-image/uploads/mine.jpg"
    image = {"image_url": f"https://api.gettyimages.com{path}"}
    where = "/v3/search/images/creative/by-image"
    assert caller.request("PUT", path, b"\xff\xd8\xff rest").status == 200
    first = caller.get(where, **image)
    assert first["images"]
    assert caller.get(where, **image) == first
    assert other.request("GET", where, **image).status == 400  # another key
    clock.now += DAY
    assert caller.request("GET", where, **image).status == 400


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff" + bytes(10_000_000)])
def test_uploads_that_are_refused(content: bytes) -> None:
    response = KEY_ALONE.request("PUT", "/v3/search/by-image/uploads/a.jpg", content)
    assert code_of(response) == (400, "InvalidParameterValue")


@pytest.mark.parametrize(
    "query",
    [
        *("", "asset_id=1", "image_url=http%3A%2F%2F%5B", "asset_id=74917285&facet_fields=x"),
        "asset_id=74917285&product_types=premiumaccess:x",
    ],
)
def test_invalid_searches_by_picture(query: str) -> None:
    path = f"/v3/search/images/creative/by-image?include_facets=true&{query}"
    assert KEY_ALONE.request("GET", path).status in (400, 404)


# -- purchases -------------------------------------------------------------------------------------------


def test_purchases() -> None:
    customer = ApiClient(Sandbox())
    found = customer.get("/v3/purchased-assets")
    assert found["result_count"] == 2
    dates = [one["date_purchased"] for one in found["previous_purchases"]]
    assert dates == sorted(dates, reverse=True)
    assert {type(one["order_id"]) for one in found["previous_purchases"]} == {str}
    assert customer.get("/v3/purchased-assets", date_from="2026-01-01")["result_count"] == 1
    assert customer.get("/v3/purchased-assets", date_to="2026-01-01")["result_count"] == 1
    old = ApiClient(Sandbox(SandboxConfig(era="2018"))).get("/v3/purchased-assets")
    assert {type(one["order_id"]) for one in old["previous_purchases"]} == {int}


# -- asset changes ---------------------------------------------------------------------------------------

SETS = "/v3/asset-changes/change-sets"


def feed(clock: Clock | None = None) -> tuple[Sandbox, ApiClient]:
    app = Sandbox(clock=clock or Clock())
    return app, ApiClient(app, APPLICATION)


def test_a_batch_is_repeated_until_it_is_confirmed() -> None:
    app, partner = feed()
    app.withdraw(EXAMPLE)
    app.restore(EXAMPLE)
    app.announce("Update", EXAMPLE)
    first = partner.request("PUT", SETS, channel_id=1, batch_size=2)
    app.announce("Update", EXAMPLE)
    again = partner.request("PUT", SETS, channel_id=1)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    batch = json.loads(first.body)
    assert [one["asset_lifecycle"] for one in batch["changed_assets"]] == ["Delete", "New"]
    assert partner.request("DELETE", f"{SETS}/{batch['change_set_id']}").status == 200
    assert code_of(partner.request("DELETE", f"{SETS}/{batch['change_set_id']}"))[0] == 404
    rest = json.loads(partner.request("PUT", SETS, channel_id=1).body)
    assert [one["asset_lifecycle"] for one in rest["changed_assets"]] == ["Update", "Update"]
    partner.request("DELETE", f"{SETS}/{rest['change_set_id']}")
    assert partner.request("PUT", SETS, channel_id=1).body == b""


def test_there_is_one_channel_per_family() -> None:
    app, partner = feed()
    app.withdraw(CREATIVE, EXAMPLE, "1")
    found = {one["AssetFamily"]: one for one in partner.get("/v3/asset-changes/channels")}
    assert {family: one["NotificationCount"] for family, one in found.items()} == {"Editorial": 1, "Creative": 1}
    batch = json.loads(partner.request("PUT", SETS, channel_id=found["Creative"]["ChannelId"]).body)
    assert [one["id"] for one in batch["changed_assets"]] == [CREATIVE]


def test_the_maximum_batch_size() -> None:
    app, partner = feed()
    ids = [str(600_000_000 + number) for number in range(9_000)]
    app.withdraw(*ids)
    seen: list[str] = []
    for channel in (1, 2):
        while body := partner.request("PUT", SETS, channel_id=channel).body:
            batch = json.loads(body)
            assert len(batch["changed_assets"]) <= 2_200
            seen += [one["id"] for one in batch["changed_assets"]]
            partner.request("DELETE", f"{SETS}/{batch['change_set_id']}")
    assert sorted(seen) == ids


def test_notifications_are_kept_for_sixty_days(clock: Clock) -> None:
    app, partner = feed(clock)
    app.withdraw(EXAMPLE)
    clock.now += 60 * DAY + 1
    partner = ApiClient(app, APPLICATION)
    app.announce("Update", EXAMPLE)
    batch = json.loads(partner.request("PUT", SETS, channel_id=1).body)
    assert [one["asset_lifecycle"] for one in batch["changed_assets"]] == ["Update"]


def test_only_partners_have_the_feed() -> None:
    app, partner = feed()
    assert ApiClient(app, APPLICATION, SEARCH_CLIENT).request("GET", "/v3/asset-changes/channels").status == 403
    assert ApiClient(app, None).request("GET", "/v3/asset-changes/channels").status == 401
    assert code_of(partner.request("PUT", SETS, channel_id=3))[0] == 404
    assert code_of(partner.request("PUT", SETS, channel_id=1, batch_size=2_201))[0] == 400


def test_announcing_an_update_over_http() -> None:
    app, partner = feed()
    assert send_request(app, "POST", f"/_sandbox/assets/{EXAMPLE}").status == 200
    batch = json.loads(partner.request("PUT", SETS, channel_id=1).body)
    assert [one["asset_lifecycle"] for one in batch["changed_assets"]] == ["Update"]


# -- requests of the official clients --------------------------------------------------------------------

SEARCH = "/v3/search/images"
# era, method, URL, body, status; the query is written as each client does
SENT: list[tuple[str, str, str, bytes, int]] = [
    # Java: always a question mark, "+" for a space, enums whose NONE is "none", "NONE" or empty
    ("2026", "GET", f"{SEARCH}?", b"", 200),
    ("2026", "GET", f"{SEARCH}?minimum_size=none&phrase=dogs+and+cats", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?minimum_size=none&embed_content_only=true", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?compositions=%2Cabstract&age_of_people=%2Cadult%2Cchild", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?compositions=&age_of_people=&ethnicity=&file_types=", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?number_of_people=none%2Cone&orientations=horizontal", b"", 200),
    ("2026", "GET", f"{SEARCH}/editorial?editorial_segments=NONE%2Cnews", b"", 200),
    ("2026", "GET", f"{SEARCH}/editorial?editorial_segments=NONE", b"", 200),
    ("2026", "GET", f"{SEARCH}/editorial?minimum_quality_rank=1&sort_order=most_popular", b"", 200),
    ("2026", "GET", "/v3/images?ids=74917285%2C83454804&fields=id%2Ctitle", b"", 200),
    ("2026", "POST", f"/v3/downloads/images/{EXAMPLE}?auto_download=false&height=594", b"", 200),
    ("2018", "GET", f"{SEARCH}/creative?license_models=royaltyfree&prestige_content_only=true", b"", 200),
    ("2018", "GET", f"{SEARCH}/editorial?start_date=2015-04-01&end_date=2016-01-01&exclude_nudity=true", b"", 200),
    (
        "2018",
        "GET",
        f"{SEARCH}/editorial?entity_uris=http%3A%2F%2Fexample.org%2F1&product_types=easyaccess",
        b"",
        200,
    ),
    ("2026", "GET", f"{SEARCH}/creative?license_models=royaltyfree", b"", 400),  # no longer a known parameter
    # Ruby: repeated values are joined by commas; flags without a value are true; no bodies
    ("2026", "GET", f"{SEARCH}?fields=id%2Ctitle&page=2&page_size=3&phrase=dog", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?color=%23002244&exclude_nudity=true", b"", 200),
    ("2026", "GET", f"{SEARCH}/creative?graphical_styles=photography%2Cillustration&keyword_ids=1%2C2", b"", 200),
    ("2026", "GET", f"{SEARCH}/editorial?date_from=2015-04-01&date_to=2015-04-02&event_ids=1", b"", 200),
    ("2026", "POST", f"/v3/downloads/images/{EXAMPLE}?product_type=easyaccess&auto_download=false", b"", 200),
    ("2026", "POST", f"/v3/downloads/images/{EXAMPLE}?auto_download=false", b'{"download_notes":"x"}', 200),
    # PHP: paths have a trailing or a double slash; lists are joined, and in lower case
    ("2026", "GET", f"{SEARCH}/?phrase=dog&fields=id%2Ctitle&orientations=horizontal%2Csquare", b"", 200),
    (
        "2026",
        "GET",
        f"{SEARCH}/creative/?phrase=dog&collection_codes=OPF&collections_filter_type=include",
        b"",
        200,
    ),
    ("2026", "GET", f"{SEARCH}/editorial/?phrase=dog&sort_order=newest&specific_people=somebody", b"", 200),
    ("2026", "POST", f"/v3/downloads/images//{EXAMPLE}?height=594&auto_download=false", b"", 200),
    ("2026", "GET", f"/v3/events/{OF_EVENT.event_id}?", b"", 200),
    ("2026", "GET", "/v3/search/events?phrase=cup&editorial_segment=sport", b"", 200),
    ("2026", "GET", "/v3/search/images/creative/by-image?asset_id=83454804", b"", 200),
    ("2026", "GET", "/v3/countries?", b"", 200),
    ("2026", "GET", "/v3/collections?", b"", 200),
    ("2018", "GET", f"{SEARCH}/?specific_locations=Berlin&license_models=rightsmanaged&product_types=x", b"", 200),
]
CALLERS = {era: ApiClient(Sandbox(SandboxConfig(era=era))) for era in ("2018", "2026")}  # type: ignore[arg-type]


@pytest.mark.parametrize(("era", "method", "url", "body", "status"), SENT)
def test_what_official_clients_send(era: str, method: str, url: str, body: bytes, status: int) -> None:
    assert CALLERS[era].request(method, url, body).status == status


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("creative", "minimum_size=none"),
        ("creative", "compositions=%2C"),
        ("editorial", "editorial_segments=NONE"),
        ("editorial", "editorial_segments="),
    ],
)
def test_none_in_an_enum_is_ignored(path: str, query: str) -> None:
    caller = CALLERS["2026"]
    found = [caller.get(f"{SEARCH}/{path}?phrase=&{query}")["result_count"] for query in ("page=1", query)]
    assert found[0] == found[1] > 0


# -- usage -----------------------------------------------------------------------------------------------


def report(caller: ApiClient, batch: str, *used: object) -> tuple[int, dict[str, Any]]:
    response = caller.request("PUT", f"/v3/usage-batches/{batch}", {"asset_usages": used})
    return response.status, json.loads(response.body)


def used(asset_id: str = EXAMPLE, quantity: Any = 2, day: str = "2026-09-01") -> dict[str, Any]:
    return {"asset_id": asset_id, "quantity": quantity, "usage_date": day}


def test_a_usage_batch_is_accepted_once() -> None:
    partner = ApiClient(Sandbox())
    taken = {"invalid_assets": [], "total_asset_usages_processed": 2}
    assert report(partner, "september", used(), used(CREATIVE, day="2026-09-01T10:00:00Z")) == (201, taken)
    assert report(partner, "september", used())[0] == 409
    assert report(partner, "october", used())[0] == 201


@pytest.mark.parametrize(
    "usages",
    [
        [],
        [used()] * 1001,
        [used("1")],
        [used(quantity=0)],
        [used(quantity="2")],
        [used(day="9999-01-01")],
        [used(day="soon")],
        ["74917285"],
    ],
)
def test_an_invalid_usage_rejects_the_whole_batch(usages: list[Any]) -> None:
    partner = ApiClient(Sandbox())
    assert report(partner, "b", used(), *usages)[0] == 400 if usages else report(partner, "b")[0] == 400
    assert report(partner, "b", used())[0] == 201


def test_only_partners_with_a_token_report_usage() -> None:
    assert report(ApiClient(Sandbox(), None), "b", used())[0] == 401
    assert report(ApiClient(Sandbox(), APPLICATION, SEARCH_CLIENT), "b", used())[0] == 403
