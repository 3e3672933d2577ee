"""Everything that users call is documented as the contributors' page requires, and its results can be imported."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import embedkit
from embedkit import Api, AssetChanges, Boards, Build, Downloads, EmbedCache, EmbedKit, Search, Settings, Shelf

CALLED = (EmbedKit, Settings, Api, Search, Downloads, Boards, AssetChanges, Build, Shelf)
FOREIGN = {"Any", "Iterator", "Literal", "Markup", "None", "Path"}


def methods(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods of a class, as a user calls them."""
    for name, raw in vars(kind).items():
        if not name.startswith("_") and (inspect.isfunction(raw) or isinstance(raw, (staticmethod, classmethod))):
            yield name, getattr(kind, name)


@pytest.mark.parametrize(
    ("kind", "name", "method"),
    [pytest.param(kind, *named, id=f"{kind.__name__}.{named[0]}") for kind in CALLED for named in methods(kind)],
)
def test_a_public_method_documents_its_arguments_and_has_an_example(kind: type, name: str, method: Any) -> None:
    """An argument has a line of its own, or is named in another's; an example may be that of the class."""
    doc, parameters = inspect.getdoc(method) or "", inspect.signature(method).parameters
    assert doc
    missing = [one for one in parameters if one != "self" and not re.search(rf":param {one}:|``{one}``", doc)]
    assert not missing, f"write :param {missing[0]}: units, allowed values, default"
    shown = ">>>" in doc or f".{name}(" in (inspect.getdoc(kind) or "")
    assert shown or len(parameters) == ("self" in parameters), "write an example, here or in the class"


@pytest.mark.parametrize("kind", [*CALLED, EmbedCache], ids=lambda kind: kind.__name__)
def test_what_a_public_method_returns_can_be_imported(kind: type) -> None:
    for name, method in methods(kind):
        returned = str(inspect.signature(method).return_annotation)
        missing = set(re.findall(r"\b[A-Z]\w+", returned)) - FOREIGN - {*embedkit.__all__}
        assert not missing or name == "single_flight", f"{name} returns {missing}: export it from embedkit"
