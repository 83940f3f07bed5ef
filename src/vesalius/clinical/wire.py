"""Frozen dataclasses as JSON and back: what crosses the gate is data of known types, never objects."""

import functools
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")


def pack(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists; everything else must be JSON's already."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: pack(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: pack(item) for key, item in value.items()}
    return [pack(item) for item in value] if isinstance(value, tuple | list) else value


def unpack(kind: type[T], value: Any) -> T:
    """The dataclass `kind` out of what `pack` made.

    Raises:
        ValueError: a field is missing, unknown or of another type: whoever sent it is not to be trusted.
    """
    known = _hints(cast("Hashable", kind))
    if not isinstance(value, dict) or value.keys() != known.keys():
        raise ValueError(f"not a {kind.__name__}")
    return kind(**{name: _typed(hint, value[name]) for name, hint in known.items()})


def _typed(hint: Any, value: Any) -> Any:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _typed(next(each for each in inner if each is not type(None)), value)
    if origin is typing.Literal:
        return _checked(value, value in inner)
    if origin is tuple:
        _checked(value, isinstance(value, list))
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(_typed(inner[0], item) for item in value)
        _checked(value, len(value) == len(inner))
        return tuple(map(_typed, inner, value))
    if origin is not None and issubclass(origin, Mapping):
        return _checked(value, isinstance(value, dict))
    if is_dataclass(hint):
        return unpack(typing.cast("type[Any]", hint), value)
    if hint is float and type(value) is int:
        return float(value)
    return _checked(value, type(value) is hint)


def _checked(value: Any, is_right: bool) -> Any:
    if not is_right:
        raise ValueError("a value has another type than its field")
    return value


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return {field.name: typing.get_type_hints(kind)[field.name] for field in fields(kind)}
