"""What HubSpot's own SDK, made from its OpenAPI, says about each call: path, query, body, answer.

Read from the SDK's source, so that nothing here is written by the people who wrote our client.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any

# The families of our client's versions table.
RESOURCES = (
    "account.account",
    "auth.oauth",
    "automation.actions.callbacks",
    "crm.app_uninstalls",
    "crm.associations.batch",
    "crm.object_schemas.object_schemas",
    "crm.objects.contacts.batch",
    "crm.objects.custom.batch",
    "crm.objects.users.batch",
    "crm.objects.users.users",
    "crm.owners",
    "crm.properties.properties",
)
SDK_DATE = "2026-03"
VERBS = {"_get": "GET", "_post": "POST", "_patch": "PATCH", "_put": "PUT", "_delete": "DELETE"}


@dataclass(frozen=True)
class Fields:
    """A body or a query: the parameter type, and which of its keys travel there."""

    kind: Any
    keys: frozenset[str]


@dataclass(frozen=True)
class Operation:
    method: str
    path: str
    body: Fields | None
    query: Fields | None
    answer: Any

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def matches(self, method: str, path: str) -> bool:
        pattern = re.sub(r"\{\w+\}", "[^/]+", self.path)
        return method == self.method and re.fullmatch(pattern, path) is not None


@cache
def operations() -> tuple[Operation, ...]:
    """The most literal path first: `/contacts/batch/read` before `/{object_type}/batch/read`."""
    found: dict[str, Operation] = {}
    for name in RESOURCES:
        module = importlib.import_module(f"hubspot_sdk.resources.{name}")
        for operation in _read(module):
            found.setdefault(operation.name, operation)
    return tuple(sorted(found.values(), key=lambda one: one.path.count("{")))


def operation(method: str, path: str) -> Operation | None:
    return next((one for one in operations() if one.matches(method, path)), None)


def _read(module: ModuleType) -> Iterator[Operation]:
    tree = ast.parse(inspect.getsource(module))
    calls = [part for one in tree.body if _is_sync(one) for part in ast.walk(one)]
    for node in calls:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        named = {word.arg: word.value for word in node.keywords}
        path = _text(node.args[0])
        if node.func.attr in VERBS:
            answer = _value(module, _uncast(named["cast_to"]))
            method = VERBS[node.func.attr]
        elif node.func.attr == "_get_api_list" and "page" in named:
            answer, method = _value(module, named["page"]), "GET"
        else:
            continue
        options = named["options"]
        assert isinstance(options, ast.Call)
        query = next((word.value for word in options.keywords if word.arg == "query"), None)
        yield Operation(method, path, _fields(module, named.get("body")), _fields(module, query), answer)


def _is_sync(node: ast.stmt) -> bool:
    """The SDK writes each resource twice, once for asyncio."""
    return isinstance(node, ast.ClassDef) and not node.name.startswith("Async")


def _text(node: ast.expr) -> str:
    """`"/path"` or `path_template("/path/{id}", id=id)`."""
    literal = node.args[0] if isinstance(node, ast.Call) else node
    assert isinstance(literal, ast.Constant)
    return str(literal.value)


def _uncast(node: ast.expr) -> ast.expr:
    """`cast(Any, Model)` is how the SDK writes a union."""
    return node.args[1] if isinstance(node, ast.Call) else node


def _fields(module: ModuleType, node: ast.expr | None) -> Fields | None:
    """`maybe_transform({"a": a, …}, params.Params)`."""
    if node is None:
        return None
    assert isinstance(node, ast.Call), ast.unparse(node)
    values, kind = node.args
    assert isinstance(values, ast.Dict)
    keys = frozenset(key.value for key in values.keys if isinstance(key, ast.Constant))
    return Fields(_value(module, kind), frozenset(str(key) for key in keys))


def _value(module: ModuleType, node: ast.expr) -> Any:
    """A dotted name or a generic, as the SDK's module knows it."""
    if isinstance(node, ast.Subscript):
        return _value(module, node.value)[_value(module, node.slice)]
    if isinstance(node, ast.Attribute):
        return getattr(_value(module, node.value), node.attr)
    assert isinstance(node, ast.Name), ast.unparse(node)
    return getattr(module, node.id)
