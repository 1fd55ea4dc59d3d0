"""What happens to a record over time, and the webhook events that tell of it."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.records import Record, Store, Values
from sandbox.hubspot.world import HubSpotWorld


def created(world: HubSpotWorld, account: Account, store: Store, record: Record) -> None:
    if store is account.contacts:
        world.events.emit(account, "contact.creation", record.id, changeFlag="NEW", changeSource="CRM_UI")


def change(
    world: HubSpotWorld, account: Account, store: Store, record: Record, values: Values, *, source: str
) -> None:
    changed = store.change(record, values, world.now())
    world.touch(store, record)
    if store is not account.contacts:
        return
    for name, value in changed.items():
        world.events.emit(
            account,
            "contact.propertyChange",
            record.id,
            propertyName=name,
            propertyValue=value,
            isSensitive=False,
            changeSource=source,
        )


def archive(world: HubSpotWorld, account: Account, store: Store, record: Record, *, source: str) -> None:
    """A plain deletion: HubSpot keeps the record, so it can be restored."""
    store.archive(record, world.now())
    world.touch(store, record)
    if store is account.contacts:
        world.events.emit(account, "contact.deletion", record.id, changeFlag="DELETED", changeSource=source)


def restore(world: HubSpotWorld, account: Account, record: Record) -> None:
    account.contacts.restore(record, world.now())
    world.touch(account.contacts, record)
    world.events.emit(account, "contact.restore", record.id, changeFlag="RESTORED", changeSource="CRM_UI")


def privacy_delete(world: HubSpotWorld, account: Account, record: Record) -> None:
    """The contact and its associations go for good; app-object records stay behind as they are [I].

    Both events are sent, in any order and maybe in different batches (webhooks guide). Neither names a
    person: the sample payload is not published, the common fields are assumed.
    """
    store = account.contacts
    account.blocked_emails.update(emails(record))
    account.associations.forget((store.kind.type_id, record.id))
    store.purge(record)
    world.touch(store, record)
    types = ["contact.privacyDeletion", "contact.deletion"]
    for event in world.events.either_order(types):
        flag: dict[str, Any] = {"changeFlag": "DELETED"} if event == "contact.deletion" else {}
        world.events.emit(account, event, record.id, changeSource="CRM_UI", apart=True, **flag)


def merge(
    world: HubSpotWorld, account: Account, primary: Record, merged: Record, *, new_id: bool = False
) -> Record:
    """`merged` goes into `primary`, or both into a new record; old ids go on answering for the survivor."""
    store = account.contacts
    now = world.now()
    values = {**merged.properties, **primary.properties}
    others = {*emails(primary), *emails(merged)} - {primary.properties.get("email", "").lower()}
    values["hs_additional_emails"] = ";".join(sorted(others))
    gone = [merged, primary] if new_id else [merged]
    for record in gone:
        store.purge(record)
        world.touch(store, record)
    kept = store.create(values, now) if new_id else primary
    if not new_id:
        store.change(kept, {**values, "hs_object_id": kept.id}, now)
    world.touch(store, kept)
    for record in gone:
        store.rename(record.id, kept.id)
        account.associations.move((store.kind.type_id, record.id), (store.kind.type_id, kept.id))
    world.events.emit(
        account,
        "contact.merge",
        kept.id,
        primaryObjectId=int(primary.id),
        mergedObjectIds=[int(merged.id)],
        newObjectId=int(kept.id),
        numberOfPropertiesMoved=len(values),
        changeFlag="MERGED",
        changeSource="CRM_UI",
    )
    return kept


def emails(record: Record) -> set[str]:
    """Primary and secondary addresses, in small letters."""
    listed = [record.properties.get("email", "")]
    listed += record.properties.get("hs_additional_emails", "").split(";")
    return {email.lower() for email in listed if email}
