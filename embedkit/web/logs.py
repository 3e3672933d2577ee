"""Logging for a service: one line per record, as JSON or text, which untrusted text can't forge.

Records are written in printable ASCII, so that line breaks, terminal escape sequences and bidirectional overrides
are visible instead of effective (CWE-117). No field is longer than :data:`MAX_FIELD_BYTES`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

MAX_FIELD_BYTES = 1024
MAX_FRAMES = 20  # of a traceback, counted from the innermost
REQUEST_ID: ContextVar[str] = ContextVar("embedkit_request_id", default="")
UNSAFE = re.compile(r"[^ -~]")  # anything but printable ASCII

Fields = dict[str, Any]


def printable(text: str) -> str:
    """Return a text in printable ASCII, with escapes such as ``\\n`` and ``\\uNNNN``, and cut if too long."""
    return _cut(text, lambda part: UNSAFE.sub(lambda found: ascii(found[0])[1:-1], part))


def quoted(text: str) -> str:
    """Like :func:`printable`, but as a JSON string."""
    return f'"{_cut(text, lambda part: json.dumps(part)[1:-1])}"'


def _cut(text: str, escape: Any) -> str:
    part = text[:MAX_FIELD_BYTES]
    while len(escaped := escape(part)) > MAX_FIELD_BYTES - 3 * (len(part) < len(text)):
        part = part[: len(part) * MAX_FIELD_BYTES // (len(escaped) + 4)]
    return escaped if len(part) == len(text) else f"{escaped}..."


class TextFormatter(logging.Formatter):
    """Formats a record as ``time level logger: message name=value …``.

    :param timed: False to omit time and level, for a terminal.
    """

    def __init__(self, *, timed: bool = True) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        fields = fields_of(record)
        when, level = fields.pop("time"), fields.pop("level")
        head = f"{when} {level} " if self._timed else ""
        line = f"{head}{printable(fields.pop('logger'))}: {printable(fields.pop('message'))}"
        return " ".join([line, *(f"{printable(name)}={_word(value)}" for name, value in fields.items())])


class JSONFormatter(logging.Formatter):
    """Formats a record as a JSON object: ``time``, ``level``, ``logger``, ``message``, and the record's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        pairs = (f"{quoted(name)}: {_value(value)}" for name, value in fields_of(record).items())
        return f"{{{', '.join(pairs)}}}"


def fields_of(record: logging.LogRecord) -> Fields:
    """Return the fields of a record by name, including those in its attribute ``fields``."""
    fields: Fields = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": record.getMessage(),
    }
    if request_id := REQUEST_ID.get():
        fields["request_id"] = request_id
    fields |= getattr(record, "fields", {})
    if record.exc_info and record.exc_info[1] is not None:
        fields |= _exception(record.exc_info[1])
    return fields


def _exception(error: BaseException) -> Fields:
    """Return the type, message and frames of an error, without source lines and variables: they can be secret."""
    frames = traceback.extract_tb(error.__traceback__)[-MAX_FRAMES:]
    return {
        "error": type(error).__name__,
        "detail": str(error),
        "traceback": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value) if isinstance(value, int | float) else quoted(str(value))


def _word(value: Any) -> str:
    if isinstance(value, list):
        return quoted(" < ".join(map(str, reversed(value))))
    return str(value) if isinstance(value, int | float) else quoted(str(value))


class Handler(logging.StreamHandler[TextIO]):
    """The handler added by :func:`listen`, as a class of its own so that a second call can find it."""


def listen(form: str, stream: TextIO | None = None, *, name: str = "embedkit") -> None:
    """Write embedkit's log records, from INFO up, to a stream. A second call replaces the first.

    :param form: ``text`` or ``json``; ``none`` to stop.
    :param stream: the stream; by default stderr.
    :param name: the name of the logger, such as the server's.
    """
    log = logging.getLogger(name)
    log.handlers[:] = [one for one in log.handlers if not isinstance(one, Handler)]
    if form == "none":
        return
    handler = Handler(stream or sys.stderr)
    handler.setFormatter(JSONFormatter() if form == "json" else TextFormatter())
    log.addHandler(handler)
    log.setLevel(min(log.level or logging.INFO, logging.INFO))
