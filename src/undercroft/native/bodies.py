"""How a call's request becomes a typed struct: from a JSON body, or from query parameters when it comes by GET.

A field that is null is a field that is absent; a field nobody knows is refused by name, so that a misspelt option never
goes unnoticed.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
from msgspec import inspect

from undercroft.native.errors import BadRequest, NativeError

T = TypeVar("T")


class Body(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The base of all request bodies. Optional fields are `… | None = None`, which makes null equal absent."""


class BodyReader(Generic[T]):
    """Reads one type of body, `struct`. Made once per call, when the table of calls is built."""

    def __init__(self, body_type: type[T]) -> None:
        self.struct = body_type
        self._decoder = msgspec.json.Decoder(body_type)
        self._lists: set[str] = set()
        self._objects: set[str] = set()
        for field in inspect.type_info(body_type).fields:  # type: ignore[attr-defined]
            kinds = field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,)
            if any(isinstance(kind, inspect.ListType) for kind in kinds):
                self._lists.add(field.encode_name)
            elif any(isinstance(kind, (inspect.DictType, inspect.StructType)) for kind in kinds):
                self._objects.add(field.encode_name)

    def from_json(self, raw: bytes) -> T:
        """The body of a POST; an empty one counts as `{}`. Raises `BadRequest` naming what is wrong."""
        body: T = _decoded(self._decoder, raw)
        return body

    def from_query(self, pairs: list[tuple[str, str]]) -> T:
        """The same from query parameters. Lists are repeated, separated by commas, or JSON; objects are JSON."""
        values: dict[str, Any] = {}
        try:
            for name, text in pairs:
                if name in self._lists:
                    items = msgspec.json.decode(text) if text.startswith("[") else text.split(",")
                    values.setdefault(name, []).extend(items)
                elif name in values:
                    raise BadRequest(f"The parameter {name} is given twice")
                else:
                    values[name] = msgspec.json.decode(text) if name in self._objects else text
            return msgspec.convert(values, self.struct, strict=False)
        except RecursionError:
            raise BadRequest("A query parameter is nested too deeply") from None
        except (msgspec.MsgspecError, ValueError) as error:
            raise BadRequest(f"Invalid query parameters: {error}") from None


class ArrayReader(Generic[T]):
    """Reads a body that is an array of one type of object, `struct`. No query says the same."""

    def __init__(self, item_type: type[T]) -> None:
        self.struct = item_type
        self._decoder = msgspec.json.Decoder(list[item_type])  # type: ignore[valid-type]

    def from_json(self, raw: bytes) -> list[T]:
        """The body of a POST. Raises `BadRequest` naming what is wrong."""
        items: list[T] = _decoded(self._decoder, raw)
        return items

    def from_query(self, _pairs: list[tuple[str, str]]) -> list[T]:
        """Refuse a GET: there are no arrays of objects in a query. Raises `NativeError`."""
        raise NativeError(405, "method_not_allowed", "Only POST is supported")


def _decoded(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        return decoder.decode(raw or b"{}")
    except RecursionError:
        raise BadRequest("The request body is nested too deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadRequest(f"Invalid request body: {error}") from None
