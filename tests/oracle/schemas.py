"""JSON Schemas made from the SDK's parameter types, under the names that travel on the wire."""

import types
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from hubspot_sdk._utils import PropertyInfo
from typing_extensions import get_type_hints, is_typeddict

from tests.oracle.operations import Fields

Schema = dict[str, Any]
PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
    type(None): {"type": "null"},
    object: {},
    Any: {},
}


def schema_of(fields: Fields) -> Schema:
    """The schema of a whole body or query; a key that HubSpot does not know is a violation."""
    return _record(fields.kind, fields.keys)


def _record(kind: Any, keys: Iterable[str] | None = None) -> Schema:
    wanted = None if keys is None else set(keys)
    properties: Schema = {}
    needed: list[str] = []
    for name, hint in get_type_hints(kind, include_extras=True).items():
        if wanted is not None and name not in wanted:
            continue
        alias, inner, required = _unwrapped(name, hint, bool(kind.__total__))
        properties[alias] = _schema(inner)
        if required:
            needed.append(alias)
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(needed),
        "additionalProperties": False,
    }


def _unwrapped(name: str, hint: Any, required: bool) -> tuple[str, Any, bool]:
    """Past `Required[Annotated[X, PropertyInfo(alias=…)]]`."""
    alias = name
    while get_origin(hint) in (Required, NotRequired, Annotated):
        if get_origin(hint) is Annotated:
            alias = next((info.alias for info in hint.__metadata__ if _renames(info)), alias)
        else:
            required = get_origin(hint) is Required
        hint = get_args(hint)[0]
    return alias, hint, required


def _renames(info: Any) -> bool:
    return isinstance(info, PropertyInfo) and bool(info.alias)


def _schema(hint: Any) -> Schema:
    if hint in PLAIN:
        return PLAIN[hint]
    if is_typeddict(hint):
        return _record(hint)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _schema(arguments[0])
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(one) for one in arguments]}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if len(arguments) == 1:  # Iterable, List, Sequence and the SDK's SequenceNotStr
        return {"type": "array", "items": _schema(arguments[0])}
    raise TypeError(f"no schema for {hint}")


def from_query(fields: Fields, values: Mapping[str, list[str]]) -> dict[str, Any]:
    """A query string's values as the types they stand for; what cannot be read stays text, and fails."""
    properties = schema_of(fields)["properties"]
    return {name: _typed(given, properties.get(name, {})) for name, given in values.items()}


def _typed(given: list[str], schema: Schema) -> Any:
    if schema.get("type") == "array":
        return [value for text in given for value in text.split(",")]
    if len(given) != 1:
        return given
    (text,) = given
    if schema.get("type") == "integer" and text.isdecimal():
        return int(text)
    if schema.get("type") == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
