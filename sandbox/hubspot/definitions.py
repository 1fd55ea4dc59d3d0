"""Properties, schemas, owners, account facts: what an app reads to know its way around."""

from typing import Any

from sandbox.hubspot.batches import finished, inputs_of
from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import error, invalid, not_found
from sandbox.hubspot.records import Store
from sandbox.hubspot.values import Property

Row = dict[str, Any]


def account_details(call: Call) -> Answer:
    account = call.account
    return 200, {
        "portalId": account.hub_id,
        "accountType": "STANDARD",
        "timeZone": account.time_zone,
        "companyCurrency": "USD",
        "additionalCurrencies": [],
        "utcOffset": account.utc_offset,
        "utcOffsetMilliseconds": account.utc_offset_milliseconds,
        "uiDomain": account.ui_domain,
        "dataHostingLocation": "na1",
    }


def uninstall(call: Call) -> Answer:
    call.need("oauth")
    call.world.installs.uninstall(call.account.hub_id)
    return 204, None


def _store(call: Call) -> Store:
    store = call.account.store(call.path["type"])
    if store is None:
        raise invalid(f"Unable to infer object type from: {call.path['type']}")
    call.schema_scope(store)
    return store


def list_properties(call: Call) -> Answer:
    store = _store(call)
    if call.archived():
        return 200, {"results": []}
    return 200, {"results": [definition.as_json() for definition in store.definitions.values()]}


def read_property(call: Call) -> Answer:
    return 200, _definition(_store(call), call.path["name"]).as_json()


def _definition(store: Store, name: str) -> Property:
    definition = store.definitions.get(name)
    if definition is None:
        raise not_found(f"property {name} does not exist")
    return definition


def read_properties(call: Call) -> Answer:
    store = _store(call)
    started = call.world.now()
    names = [str(row.get("name", "")) for row in inputs_of(call)]
    found = [_definition(store, name).as_json() for name in names]
    return finished(started, call.world.now(), found, [])


def create_property(call: Call) -> Answer:
    store = _store(call)
    call.need(f"crm.schemas.{store.kind.name}.write")
    row = call.body()
    unset = [key for key in ("name", "label", "type", "fieldType", "groupName") if not row.get(key)]
    if unset:
        raise invalid(f"Invalid input JSON: Some required fields were not set: [{', '.join(unset)}]")
    if row["name"] in store.definitions:
        raise error(409, "CONFLICT", f"A property named '{row['name']}' already exists.")
    definition = Property(
        name=str(row["name"]),
        label=str(row["label"]),
        type=str(row["type"]),
        field_type=str(row["fieldType"]),
        group=str(row["groupName"]),
        options=[{"hidden": False, **option} for option in row.get("options") or []],
        description=str(row.get("description") or ""),
        unique=bool(row.get("hasUniqueValue")),
        hubspot_defined=False,
    )
    store.definitions[definition.name] = definition
    if definition.unique:
        store.unique[definition.name] = {}
    return 201, definition.as_json()


def list_groups(call: Call) -> Answer:
    names = dict.fromkeys(definition.group for definition in _store(call).definitions.values())
    rows = [
        {"name": name, "label": name.replace("_", " ").capitalize(), "displayOrder": -1, "archived": False}
        for name in names
    ]
    return 200, {"results": rows}


def list_schemas(call: Call) -> Answer:
    call.need(call.world.app_object.schema_scopes[0], "crm.objects.custom.read", "crm.schemas.custom.read")
    schemas = [_schema(call, s) for s in call.account.stores.values() if s.kind.type_id.startswith("1-")]
    return 200, {"results": schemas}


def read_schema(call: Call) -> Answer:
    return 200, _schema(call, _store(call))


def _schema(call: Call, store: Store) -> Row:
    config, qualified = call.world.app_object.config, call.world.app_object.qualified
    own = store.kind.type_id.startswith("1-")
    plain = {"singular": store.kind.label.capitalize(), "plural": store.kind.name.capitalize()}
    first = qualified(config["primaryDisplayLabelPropertyName"]) if own else "hs_object_id"
    second = [qualified(name) for name in config["secondaryDisplayLabelPropertyNames"]] if own else []
    return {
        "id": store.kind.type_id.partition("-")[2],
        "objectTypeId": store.kind.type_id,
        "fullyQualifiedName": store.kind.name,
        "name": store.kind.label,
        "description": config["description"] if own else "",
        "labels": call.world.app_object.labels if own else plain,
        "primaryDisplayProperty": first,
        "secondaryDisplayProperties": second,
        "requiredProperties": [],
        "searchableProperties": [first],
        "properties": [definition.as_json() for definition in store.definitions.values()],
        "associations": [],
        "allowsSensitiveProperties": False,
        "archived": False,
    }


def list_owners(call: Call) -> Answer:
    call.need("crm.objects.owners.read")
    wanted = [row for row in call.account.owners if row["archived"] == call.archived()]
    email = call.query("email").lower()
    if email:
        wanted = [row for row in wanted if row["email"].lower() == email]
    limit = call.number("limit", 100, 500)
    start = int(call.query("after") or 0) if call.query("after").isdecimal() else 0
    answer: Row = {"results": wanted[start : start + limit]}
    if start + limit < len(wanted):
        answer["paging"] = {"next": {"after": str(start + limit), "link": f"?after={start + limit}"}}
    return 200, answer


def read_owner(call: Call) -> Answer:
    call.need("crm.objects.owners.read")
    by = "userId" if call.query("idProperty") == "userId" else "id"
    for row in call.account.owners:
        if str(row.get(by)) == call.path["id"] and row["archived"] == call.archived():
            return 200, row
    raise not_found()
