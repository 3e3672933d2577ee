"""A custom transport that counts upstream calls and passes them to embedkit's own."""

from embedkit import EmbedKit, HttpTransport, Request, Response, Settings, Transport


class Counting:
    """Counts calls by endpoint."""

    def __init__(self, inner: Transport) -> None:
        self.calls: dict[str, int] = {}
        self._inner = inner

    def send(self, request: Request) -> Response:
        self.calls[request.endpoint] = self.calls.get(request.endpoint, 0) + 1
        return self._inner.send(request)


settings = Settings(timeout=3.0)
transport = Counting(HttpTransport(timeout=settings.timeout))
kit = EmbedKit(settings, transport=transport)
