"""One record at a time: list, read, create, change, archive.

https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
"""

from typing import Any

from sandbox.hubspot import lifecycle, writing
from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import error, invalid, not_found
from sandbox.hubspot.records import Record, Store, shown
from sandbox.hubspot.values import defaults

PAGE = 100


def list_records(call: Call) -> Answer:
    store = call.store("view")
    limit = call.number("limit", 10, PAGE)
    archived = asks_archived(call, store)
    after = call.query("after") or "0"
    if not after.isdecimal():
        raise invalid(f"Invalid input: after {after!r} is not a paging cursor")
    found, following = store.page(int(after), limit, archived=archived)
    names = read_names(store, call.names())
    answer: dict[str, Any] = {"results": [present(call, store, record, names) for record in found]}
    if following is not None:
        answer["paging"] = {"next": {"after": following, "link": f"?after={following}"}}
    return 200, answer


def read_record(call: Call) -> Answer:
    store = call.store("view")
    record = find(call, store)
    row = present(call, store, record, read_names(store, call.names()))
    wanted = [name for name in call.query("associations").split(",") if name]
    if wanted:
        row["associations"] = _associated(call, store, record, wanted)
    return 200, row


def create_record(call: Call) -> Answer:
    store = call.store("create")
    if store is call.account.users:
        raise error(405, "METHOD_NOT_ALLOWED", "users are provisioned in the account's settings")
    body = call.body()
    values = writing.checked(call, store, writing.properties_of(body))
    record = writing.create(call, store, values)
    lifecycle.created(call.world, call.account, store, record)
    return 201, present(call, store, record, tuple(values))


def change_record(call: Call) -> Answer:
    store = call.store("edit")
    record = find(call, store)
    values = writing.checked(call, store, writing.properties_of(call.body()), record)
    lifecycle.change(call.world, call.account, store, record, values, source="INTEGRATION")
    return 200, present(call, store, record, tuple(values))


def archive_record(call: Call) -> Answer:
    store = call.store("delete")
    record = store.live(call.path["id"])
    if record is not None:
        lifecycle.archive(call.world, call.account, store, record, source="INTEGRATION")
    return 204, None


def gdpr_delete(call: Call) -> Answer:
    call.need("crm.objects.contacts.write")
    body = call.body()
    key, by = body.get("objectId"), body.get("idProperty")
    if not isinstance(key, str) or by not in (None, "email"):
        raise invalid("objectId is required; idProperty may be email")
    record = call.account.contacts.find(key, by)
    if record is None and by is None:
        raise not_found()
    if record is None:
        # "An unknown e-mail is put on the block list."
        call.account.blocked_emails.add(key.lower())
    else:
        lifecycle.privacy_delete(call.world, call.account, record)
    return 204, None


def merge_contacts(call: Call) -> Answer:
    store = call.store("edit", "contacts")
    body = call.body()
    primary = store.live(str(body.get("primaryObjectId", "")))
    merged = store.live(str(body.get("objectIdToMerge", "")))
    if primary is None or merged is None:
        raise not_found()
    kept = lifecycle.merge(call.world, call.account, primary, merged)
    return 200, present(call, store, kept, read_names(store, []))


def find(call: Call, store: Store) -> Record:
    by = call.query("idProperty") or None
    unique_property(store, by)
    record = store.find(call.path["id"], by)
    if record is None or (record.archived_at is not None) != asks_archived(call, store):
        raise not_found()
    return record


def unique_property(store: Store, name: str | None) -> None:
    if name is not None and name != "hs_object_id" and name not in store.unique:
        raise invalid(f"Unable to perform update/upsert by non-unique {store.kind.type_id} property {name}")


def asks_archived(call: Call, store: Store) -> bool:
    """Users cannot be listed when archived: leavers show by `hs_deactivated` or by being gone [S]."""
    archived = call.archived()
    if archived and store is call.account.users:
        raise invalid("Archived users cannot be requested")
    return archived


def read_names(store: Store, asked: list[str]) -> tuple[str, ...]:
    return defaults(asked, store.definitions) if asked else store.kind.shown


def present(call: Call, store: Store, record: Record, names: tuple[str, ...]) -> dict[str, Any]:
    return shown(store, record, names, call.account, nulls=call.world.options.null_properties)


def _associated(call: Call, store: Store, record: Record, wanted: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in wanted:
        other = call.store("view", name)
        ids = call.account.associations.of((store.kind.type_id, record.id), other.kind.type_id)
        live = [id for id in ids if other.live(id)]
        kind = f"{store.kind.label}_to_{other.kind.label}".lower()
        if live:
            found[other.kind.name] = {"results": [{"id": id, "type": kind} for id in live]}
    return found
