"""Frozen dataclasses as JSON and back: what crosses the gate is data of known types, never objects."""

import functools
import types
import typing
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, cast

T = TypeVar("T")
Check = Callable[[Any], Any]
_PLAIN = frozenset({str, int, float, bool, types.NoneType})


def pack(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists; everything else must be JSON's already."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [pack(item) for item in value]
    if is_dataclass(kind):
        return {name: pack(getattr(value, name)) for name in _names(kind)}
    return {key: pack(item) for key, item in value.items()} if isinstance(value, Mapping) else value


@functools.cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def unpack(kind: type[T], value: Any) -> T:
    """The dataclass `kind` out of what `pack` made.

    Raises:
        ValueError: a field is missing, unknown or of another type: whoever sent it is not to be trusted.
    """
    return cast("T", _dataclass(cast("Hashable", kind))(value))


@functools.cache
def _dataclass(kind: Any) -> Check:
    """What checks and builds a dataclass; made once for each, because thousands of headers come through it."""
    hints = typing.get_type_hints(kind)
    checks = [(field.name, _check(hints[field.name])) for field in fields(kind)]
    names = {name for name, _ in checks}

    def build(value: Any) -> Any:
        if type(value) is not dict or value.keys() != names:
            raise ValueError(f"not a {kind.__name__}")
        return kind(*[check(value[name]) for name, check in checks])

    return build


def _check(hint: Any) -> Check:
    """What gives back a value of the type `hint`, and refuses any other."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return lambda value: value
    if origin in (types.UnionType, typing.Union):
        present = _check(next(each for each in inner if each is not type(None)))
        return lambda value: None if value is None else present(value)
    if origin is typing.Literal:
        return lambda value: _right(value, value in inner)
    if origin is tuple:
        return (
            _sequence(_check(inner[0])) if len(inner) == 2 and inner[1] is Ellipsis else _fixed([_check(each) for each in inner])
        )
    if origin is not None and issubclass(origin, Mapping):
        return lambda value: _right(value, type(value) is dict)
    if is_dataclass(hint):
        return _dataclass(cast("Hashable", hint))
    if hint is float:
        return _float
    return lambda value: _right(value, type(value) is hint)


def _sequence(check: Check) -> Check:
    return lambda value: tuple(map(check, _right(value, type(value) is list)))


def _fixed(checks: list[Check]) -> Check:
    def build(value: Any) -> Any:
        _right(value, type(value) is list and len(value) == len(checks))
        return tuple(check(item) for check, item in zip(checks, value, strict=True))

    return build


def _float(value: Any) -> float:
    if type(value) is float:
        return value
    return float(_right(value, type(value) is int))


def _right(value: Any, is_right: bool) -> Any:
    if not is_right:
        raise ValueError("a value has another type than its field")
    return value
