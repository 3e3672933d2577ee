"""embedkit in an asynchronous application: a thread for each lookup."""

import asyncio

from embedkit import EmbedKit

kit = EmbedKit()


async def figures(references: list[str]) -> list[str]:
    jobs = [asyncio.to_thread(kit.html, reference, max_width=600) for reference in references]
    return [str(html) for html in await asyncio.gather(*jobs)]
