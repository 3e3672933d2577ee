"""A slow oEmbed endpoint: ``python -m tests.bench.upstream`` prints its port.

``/counts`` returns the number of requests and connections and the requested IDs, and resets them.
"""

from __future__ import annotations

import asyncio
import json
import re

from tests.bench.bench_markup import ITEM, SCRIPT

LATENCY = 0.05  # seconds
ANSWER = json.dumps(
    {"type": "rich", "version": "1.0", "height": 396, "width": 594, "html": SCRIPT, "title": "A harbour"}
)
ASKED = re.compile(rb"GET /oembed\?\S*gty\.im%2F([0-9]+)")


class Upstream:
    """Responds to oEmbed requests and counts them."""

    def __init__(self) -> None:
        self.questions = self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected = False
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                if asked := ASKED.match(head):
                    self.connections += not connected
                    connected = True
                    self.questions += 1
                    await asyncio.sleep(LATENCY)
                    body = ANSWER.replace(ITEM, asked[1].decode()).encode()
                else:
                    body = json.dumps([self.questions, self.connections]).encode()
                    self.questions = self.connections = 0
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def main() -> None:
    server = await asyncio.start_server(Upstream().serve, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
