"""API calls of a picture desk: events and their pictures, products, past downloads, and a raw request."""

from embedkit import EmbedKit, Event, PastDownload, Product

kit = EmbedKit()


def pictures(event: Event) -> list[str]:
    found = kit.api.search.editorial("", event_ids=event.id, sort_order="newest")
    return [image.shortcode for image in found]


def events(phrase: str) -> list[tuple[str, str, int]]:
    page = kit.api.search.events(phrase, editorial_segment="sport", date_from="2026-01-01", sort_order="oldest")
    return [(one.name, one.location.city, one.image_count or 0) for one in page.events if one.hero_image]


def known(ids: list[int]) -> tuple[int, ...]:
    return kit.api.events(ids, fields=["name", "start_date"]).missing


def left(products: tuple[Product, ...]) -> dict[str, int | None]:
    return {one.id: one.downloads_remaining for one in products if one.status == "active"}


def spent(id: str) -> list[str]:
    past: tuple[PastDownload, ...] = kit.api.image_download_history(id, company_downloads=True)
    return [f"{one.date_downloaded} {one.agreement_name} {one.download_details.project_code}" for one in past]


def latest() -> PastDownload | None:
    page = kit.api.download_history(page_size=1, product_type="easyaccess", use_time=True)
    return page.downloads[0] if page.downloads else None


def like(id: str, name: str) -> int:
    return kit.api.search.by_image(id, "red").total + kit.api.search.by_artist(name, page_size=10).total


def order(number: int) -> str:
    answer = kit.api.get(f"/v3/orders/{number}", language="de")
    return str(answer["order_type"])


def report(batch: str) -> None:
    usage = {"asset_id": "74917285", "quantity": 1, "usage_date": "2026-01-02"}
    kit.api.put(f"/v3/usage-batches/{batch}", body={"asset_usages": [usage]})
    print(left(kit.api.products(requirements=True)), kit.api.customer().last_name)
