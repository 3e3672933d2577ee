"""Mistakes that a type checker must find, each on its own line and marked with ``# slip``."""

from pathlib import Path

from embedkit import AssetRef, EmbedKit, Options, RenderOptions, Settings


def options(kit: EmbedKit) -> None:
    kit.html("74917285", widht=480)  # slip
    kit.html("74917285", target="facad")  # slip
    kit.html("74917285", max_width="480")  # slip
    kit.html("74917285", align="middle")  # slip
    kit.resolve("74917285", max_widht=480)  # slip
    kit.resolve(7.5)  # slip
    kit.render("A post.", input="markdwon")  # slip
    kit.render("A post.", target="webb")  # slip
    kit.documents([("A post.", "rst")])  # slip
    kit.assets("fasade")  # slip
    named: RenderOptions = {"max_width": 480, "traget": "web"}  # slip
    kit.html("74917285", Options(aling="left"))  # slip
    kit.html("74917285", **named).unescaped  # slip


def searching(kit: EmbedKit) -> None:
    kit.search("harbour", family="news")  # slip
    kit.search("harbour", orientation=["horizontal"])  # slip
    kit.search("harbour", orientations=["horizontl"])  # slip
    kit.search("harbour", page="2")  # slip
    kit.api.search.creative("harbour", editorial_segments="news")  # slip
    kit.api.search.editorial("harbour", moods="warm")  # slip
    kit.api.search.editorial("harbour", sort_order="oldes")  # slip
    kit.search("harbour").images[0].photograper  # slip
    kit.api.images("74917285", felds=["detail_set"])  # slip


def customers(kit: EmbedKit) -> None:
    kit.api.downloads.save("74917285", Path("."), overwite=True)  # slip
    kit.api.downloads.save("74917285", Path("."), file_type="png")  # slip
    kit.api.boards.list(relationship="own")  # slip
    kit.api.boards.create("Eclipse").name  # slip
    kit.api.download_history(product_type="free")  # slip
    kit.api.products()[0].downloads_left  # slip
    kit.api.search.events("derby", editorial_segments="sport")  # slip
    kit.api.get("/v3/images", ["74917285"])  # slip


def parts(kit: EmbedKit) -> None:
    Settings(max_aeg=60)  # slip
    EmbedKit(transport=object())  # slip
    EmbedKit(Settings(), cach=None)  # slip
    kit.resolve("74917285").thumbnail_url.lower()  # slip
    kit.resolve_many(["74917285"])[0].photographer  # slip
    AssetRef("74917285")  # slip
    kit.warm(["A post."]).faild  # slip
