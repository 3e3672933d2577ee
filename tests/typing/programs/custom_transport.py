"""A transport of one's own: every call upstream is counted, and sent by embedkit's."""

from embedkit import EmbedKit, HttpTransport, Request, Response, Settings, Transport


class Counting:
    """Counts by endpoint."""

    def __init__(self, inner: Transport) -> None:
        self.calls: dict[str, int] = {}
        self._inner = inner

    def send(self, request: Request) -> Response:
        self.calls[request.endpoint] = self.calls.get(request.endpoint, 0) + 1
        return self._inner.send(request)


settings = Settings(timeout=3.0)
transport = Counting(HttpTransport(timeout=settings.timeout))
kit = EmbedKit(settings, transport=transport)
