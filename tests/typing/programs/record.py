"""A picture's record for a custom template, and the figure that embedkit renders from it."""

from markupsafe import Markup

from embedkit import Align, AssetRef, Embed, EmbedKit, Frame, Options

SIDES: dict[str, Align] = {"l": "left", "r": "right"}


def figure(kit: EmbedKit, reference: str, side: str) -> Markup | str:
    embed: Embed = kit.resolve(reference)
    frame: Frame = embed.frame
    print(embed.ref.items, frame.path(caption=True), embed.thumbnail_url or "no thumbnail")
    return kit.show(embed, Options(align=SIDES.get(side), target="feed"))


def references(kit: EmbedKit, text: str) -> list[AssetRef]:
    return kit.find(text, input="markdown")
