"""How a value becomes a parameter, by its annotation: the same one that a type checker reads.

bool                          true, false
int, Annotated[…, Between]    digits
Literal[…]                    one of these words
str, Annotated[…, Written]    one clean line, perhaps of a certain form
date | str                    ISO 8601
Several[…]                    any of these, joined by commas
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin

from embedkit.errors import ConfigurationError
from embedkit.getty import payload
from embedkit.validation import shown

LONGEST = 1000  # characters of a free text

_MOMENT = re.compile(r"[0-9TtWZz:.,+ -]{4,40}")  # Python takes any letter at all between date and time

T = TypeVar("T")
Several = Union[T, Sequence[T]]  # noqa: UP007  (X | Y of a variable takes no parameter before Python 3.12)


class Between(NamedTuple):
    """The least and the most that a number may be."""

    least: int
    most: int


class Written(NamedTuple):
    """How a text must be written: a pattern for a full match, an example, and what it may begin without."""

    pattern: str
    example: str
    start: str = ""


def written(name: str, kind: Any, value: Any) -> str:
    """The parameter; empty where a list or a text is empty, so that nothing is said.

    :param name: of the argument, for messages.
    :param kind: its annotation.
    :raises ConfigurationError: for a value that it cannot have, naming those that it can.
    """
    if (element := _element(kind)) is None:
        return _one(name, kind, value)
    return ",".join(dict.fromkeys(_item(name, element, item) for item in items(name, value)))


def _element(kind: Any) -> Any:
    """What a list is of; nothing for what is no list."""
    lists = [one for one in get_args(kind) if get_origin(one) is Sequence] if get_origin(kind) is Union else []
    return get_args(lists[0])[0] if lists else None


def items(name: str, value: Any) -> Iterable[Any]:
    """What a list holds, however it is said.

    :raises ConfigurationError: for what is none.
    """
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    if isinstance(value, int):
        return [value]
    if isinstance(value, set | frozenset):  # in an order that does not change from run to run
        return sorted(value, key=_spelled)
    if isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        return value
    raise _wrong(name, value, "Give a list, or one value.")


def _item(name: str, kind: Any, value: Any) -> str:
    if isinstance(value, str) and ("," in value or not value.strip()):
        raise _wrong(name, value, "Give each value by itself, without commas.")
    return _one(name, kind, value)


def _one(name: str, kind: Any, value: Any) -> str:
    origin, rules = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _word(name, rules, value)
    if kind is bool:
        return _flag(name, value)
    if kind is str:
        return _text(name, value)
    if origin is Annotated and rules[0] is int:
        return _number(name, rules[1], value)
    if origin is Annotated:
        return _form(name, rules[1], value)
    return _when(name, value)


def _word(name: str, words: Sequence[Any], value: Any) -> str:
    spelled = [str(word) for word in words]
    said = _spelled(value)
    if said in spelled:
        return said
    raise _wrong(name, value, f"Use {'one of ' * (len(spelled) > 1)}{', '.join(spelled)}.")


def _spelled(value: Any) -> str:
    """A word or a number as it is written; nothing for anything else."""
    return value if isinstance(value, str) else shown(value) if isinstance(value, int) else ""


def _flag(name: str, value: Any) -> str:
    said = str(value).lower() if isinstance(value, bool | str) else ""
    if said in ("true", "false"):
        return said
    raise _wrong(name, value, "Use True or False.")


def _number(name: str, rule: Between, value: Any) -> str:
    said = "" if isinstance(value, bool) else _spelled(value)
    if re.fullmatch("[0-9]{1,10}", said) and rule.least <= int(said) <= rule.most:
        return str(int(said))
    raise _wrong(name, value, f"Give a whole number from {rule.least} to {rule.most}.")


def _text(name: str, value: Any) -> str:
    if isinstance(value, str) and len(value) <= LONGEST:
        return payload.one_line(value, LONGEST)
    raise _wrong(name, value, f"Give a text of at most {LONGEST} characters.")


def _form(name: str, rule: Written, value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(rule.pattern, value.strip(), re.ASCII):
        return rule.start + value.strip().removeprefix(rule.start)
    raise _wrong(name, value, f"Write it like {rule.example}.")


def _when(name: str, value: Any) -> str:
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    said = value.strip() if isinstance(value, str) else ""
    try:
        datetime.fromisoformat(said if _MOMENT.fullmatch(said) else "")
    except ValueError:
        raise _wrong(name, value, "Give a date, or a text such as 1999-12-31 (ISO 8601).") from None
    return said


def _wrong(name: str, value: Any, hint: str) -> ConfigurationError:
    return ConfigurationError(f"{name} cannot be {shown(value)}.", hint=hint)
