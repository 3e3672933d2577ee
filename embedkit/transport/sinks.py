"""Bodies that are too large for memory, handed on piece by piece to whoever takes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from embedkit.messages import Sink
from embedkit.transport.responses import announced, pieces


class NotTaken(Exception):
    """Carries an error past those who would take it for one of the network: a full disk is an OSError, too."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def pour(chunks: Iterable[bytes], headers: Mapping[str, str], into: Sink, most: int) -> None:
    """Hand a body on, without its content coding.

    :param most: bytes that may be handed on.
    :raises NotTaken: where whoever takes it fails, which is no fault of the service.
    :raises InvalidResponse: where the body is larger, or broken.
    """
    total = announced(headers, most)
    found = pieces(chunks, headers.get("content-encoding", ""), most)
    with _taking():
        into.begin(total)
    for piece in found:
        with _taking():
            into.write(piece)


@contextmanager
def _taking() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise NotTaken(error) from None
