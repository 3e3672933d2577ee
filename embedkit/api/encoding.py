"""Check parameters against their annotations, and encode them.

bool                          true, false
int, Annotated[…, Range]      digits; only the listed numbers, if any are listed
Literal[…]                    one of these words
str, Annotated[…, Form]       one clean line, matching the pattern if there is one
date | str                    ISO 8601
OneOrMany[…]                  any of the above, joined by commas
"""

from __future__ import annotations

import inspect
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from embedkit.api.parameters import FAMILIES, HEADERS, MAX_INT32, WIRE, Form, Range, takes
from embedkit.errors import ConfigurationError
from embedkit.getty.payload import one_line
from embedkit.validation import short_repr

MAX_TEXT_CHARS = 1000

Params = tuple[tuple[str, str], ...]
Method = TypeVar("Method", bound=Callable[..., Any])

_ISO_8601 = re.compile(r"[0-9TtWZz:.,+ -]{4,40}")  # fromisoformat() accepts any character between date and time


def documented(endpoint: str) -> Callable[[Method], Method]:
    """Let ``help()`` of a method show the parameters of an endpoint and their allowed values."""

    def document(method: Method) -> Method:
        signature = inspect.signature(method)
        own = [param for param in signature.parameters.values() if param.kind is not param.VAR_KEYWORD]
        names = [name for name in takes(endpoint) if name not in signature.parameters]
        more = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None) for name in names]
        rows = [f":param {name}: {allowed_values(takes(endpoint)[name])}." for name in names]
        method.__doc__ = "\n".join([inspect.cleandoc(method.__doc__ or ""), "", *rows])
        method.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
        return method

    return document


def encode(endpoint: str, params: Mapping[str, Any]) -> Params:
    """Return the query parameters of a request, sorted by name.

    Parameters that are sent as headers are checked, but not returned.

    :param params: arguments by name; None counts as not given. A list may also be passed as a single value, or as
        a comma-separated string.
    :raises ConfigurationError: for an unknown parameter or an invalid value; the hint lists what is allowed.
    """
    kinds, wire = takes(endpoint), WIRE.get(endpoint, {})
    pairs = []
    for name, value in params.items():
        if name not in kinds:
            raise _not_taken(endpoint, name)
        text = "" if value is None else _encode(name, kinds[name], value)
        if text and name not in HEADERS:
            pairs.append((wire.get(name, name), text))
    return tuple(sorted(pairs))


def allowed_values(kind: Any) -> str:
    """Describe the values that an annotation allows."""
    origin, rules = get_origin(kind), get_args(kind)
    if (element := _element(kind)) is not None:
        text, words = allowed_values(element), get_origin(element) is Literal
        return f"one or more of {text.removeprefix('one of ')}" if words else f"{text}, or a list"
    if origin is Literal:
        return f"{'one of ' * (len(rules) > 1)}{', '.join(map(str, rules))}"
    if kind is bool:
        return "True or False"
    if kind is str:
        return f"a text of at most {MAX_TEXT_CHARS} characters"
    if origin is Annotated and isinstance(rules[1], Range):
        if rules[1].numbers:
            return f"one of {', '.join(map(str, rules[1].numbers))}"
        unit = f" of {rules[1].unit}" if rules[1].unit else ""
        return f"a whole number{unit} from {rules[1].least} to {rules[1].most}"
    if origin is Annotated:
        return f"a text such as {rules[1].example}"
    return "a date such as 1999-12-31 (ISO 8601)"


def items(name: str, value: Any) -> Iterable[Any]:
    """Return the items of a list, in whatever form it was passed.

    :raises ConfigurationError: if it is not a list.
    """
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, int):
        return [value]
    if isinstance(value, set | frozenset):  # in the same order in every run
        return sorted(value, key=_spelling)
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return value
    raise _invalid(name, value, "Use a list, or one value.")


def _element(kind: Any) -> Any:
    """Return the type of a list's items; None if the annotation is not a list."""
    lists = [arm for arm in get_args(kind) if get_origin(arm) is Sequence] if get_origin(kind) is Union else []
    return get_args(lists[0])[0] if lists else None


def _encode(name: str, kind: Any, value: Any) -> str:
    """Return the encoded parameter; empty for an empty list or string, which is not sent."""
    if (element := _element(kind)) is None:
        return _encode_one(name, kind, value)
    return ",".join(dict.fromkeys(_encode_item(name, element, item) for item in items(name, value)))


def _encode_item(name: str, kind: Any, value: Any) -> str:
    if isinstance(value, str) and ("," in value or not value.strip()):
        raise _invalid(name, value, "Pass each value separately, without commas.")
    return _encode_one(name, kind, value)


def _encode_one(name: str, kind: Any, value: Any) -> str:
    if (text := _text(kind, value)) is None:
        raise _invalid(name, value, f"Use {_nearest(kind, value)}{allowed_values(kind)}.")
    return text


def _nearest(kind: Any, value: Any) -> str:
    """Name the allowed numbers just below and above one that is not allowed; empty for other annotations."""
    rule = get_args(kind)[1] if get_origin(kind) is Annotated else None
    if not isinstance(rule, Range) or not rule.numbers or (number := _digits(Range(0, MAX_INT32), value)) is None:
        return ""
    first = max(0, min(bisect(rule.numbers, int(number)) - 1, len(rule.numbers) - 2))
    return f"{' or '.join(map(str, rule.numbers[first : first + 2]))}: it must be "


def _text(kind: Any, value: Any) -> str | None:
    """Return a value as it is sent; None if the annotation does not allow it."""
    origin, rules = get_origin(kind), get_args(kind)
    if origin is Literal:
        return text if (text := _spelling(value)) in map(str, rules) else None
    if kind is bool:
        text = str(value).lower() if isinstance(value, bool | str) else ""
        return text if text in ("true", "false") else None
    if kind is str:
        fits = isinstance(value, str) and len(value) <= MAX_TEXT_CHARS
        return one_line(value, MAX_TEXT_CHARS) if fits else None
    if origin is Annotated and isinstance(rules[1], Range):
        return _digits(rules[1], value)
    if origin is Annotated:
        return _formed(rules[1], value)
    return _iso_8601(value)


def _spelling(value: Any) -> str:
    """Return a string or number as text; empty for anything else."""
    return value if isinstance(value, str) else short_repr(value) if isinstance(value, int) else ""


def _digits(rule: Range, value: Any) -> str | None:
    text = "" if isinstance(value, bool) else _spelling(value)
    if not re.fullmatch("[0-9]{1,10}", text) or not rule.least <= int(text) <= rule.most:
        return None
    return str(int(text)) if not rule.numbers or int(text) in rule.numbers else None


def _formed(rule: Form, value: Any) -> str | None:
    if isinstance(value, str) and re.fullmatch(rule.pattern, value.strip(), re.ASCII):
        return rule.start + value.strip().removeprefix(rule.start)
    return None


def _iso_8601(value: Any) -> str | None:
    if isinstance(value, date):  # includes datetime
        return value.isoformat()
    text = value.strip() if isinstance(value, str) else ""
    try:
        datetime.fromisoformat(text if _ISO_8601.fullmatch(text) else "")
    except ValueError:
        return None
    return text


def _invalid(name: str, value: Any, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{name} can't be {short_repr(value)}.", hint=hint)


def _not_taken(endpoint: str, name: str) -> ConfigurationError:
    others = [other for other in FAMILIES if name in takes(other)]
    if endpoint in FAMILIES and others:
        return ConfigurationError(f"{name} requires {' or '.join(f'family={other}' for other in others)}.")
    from difflib import get_close_matches

    names = sorted(takes(endpoint))
    nearest = get_close_matches(name, names, 1)
    hint = f"Did you mean {nearest[0]}?" if nearest else f"Use one of {', '.join(names)}."
    return ConfigurationError(f"There is no argument {name!r} here.", hint=hint)
