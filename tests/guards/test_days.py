"""A day or an instant that comes in is read only as it is written: "0" is no day of 1970."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

import admin.views  # noqa: F401
import backend.app  # noqa: F401 whatever takes a body is imported by these
from admin.forms import Filters, Form
from backend.http.schema import Query, Schema

NUMBERS = (b"0", b'"0"', b'"1700000000"', b"1700000000", b'"1e9"')


def fields() -> Iterator[tuple[str, FieldInfo]]:
    """Every field of what comes in that holds a day or an instant."""
    waiting: list[type[BaseModel]] = [Schema, Query, Form, Filters]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        for name, field in model.model_fields.items():
            if holds_a_day(field.annotation):
                yield f"{model.__module__}.{model.__name__}.{name}", field


def holds_a_day(kind: Any) -> bool:
    """Whether a day or an instant stands in a type; not within models, which are asked themselves."""
    if isinstance(kind, type) and not hasattr(kind, "__args__"):
        return issubclass(kind, date)
    return any(holds_a_day(each) for each in getattr(kind, "__args__", ()))


def test_no_number_is_read_as_a_day_or_an_instant():
    found = list(fields())
    assert len(found) > 15, "the walk finds what comes in"
    for name, field in found:
        kind: Any = field.annotation
        for each in field.metadata:
            kind = Annotated[kind, each]
        read = [
            (number, strict)
            for number in NUMBERS
            for strict in (False, True)
            if reads(TypeAdapter(kind), number, strict=strict)
        ]
        assert not read, name


def reads(adapter: TypeAdapter[Any], number: bytes, *, strict: bool) -> bool:
    try:
        adapter.validate_json(number, strict=strict)
    except ValidationError:
        return False
    return True
