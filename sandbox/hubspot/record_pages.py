"""An account's contacts, users and workflow history, with the buttons that make things happen."""

from typing import Any

from aiohttp import web

from sandbox import control
from sandbox.errors import ControlError
from sandbox.hubspot.account import Account
from sandbox.hubspot.actions import defined
from sandbox.hubspot.automation import offered_actions
from sandbox.hubspot.pages import page, render
from sandbox.hubspot.records import Record, Store
from sandbox.worlds import Worlds

ROWS = 200
EDITABLE = ("email", "firstname", "lastname", "department", "country")
TYPES = {"contacts": "contact", "users": "user"}
BUTTONS: dict[str, control.Work] = {
    "delete": control.delete,
    "restore": control.restore,
    "privacy-delete": control.gdpr_delete,
}


def _account(worlds: Worlds, request: web.Request) -> Account:
    return worlds.hubspot.account(int(request.match_info["hub_id"]))


def _found(account: Account, request: web.Request) -> tuple[Store, Record]:
    store = account.store(request.match_info["type"])
    record = store.find(request.match_info["id"]) if store is not None else None
    if store is None or record is None:
        raise ControlError(404, "This record does not exist (any more).")
    return store, record


def _name(record: Record) -> str:
    held = record.properties
    parts = (
        held.get("firstname", held.get("hs_given_name")),
        held.get("lastname", held.get("hs_family_name")),
    )
    return " ".join(part for part in parts if part) or f"Record {record.id}"


def _email(record: Record) -> str:
    return record.properties.get("email", record.properties.get("hs_email", ""))


async def records(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    account = _account(worlds, request)
    kind = request.match_info["type"]
    store = account.stores[account.types[kind]]
    wanted = request.query.get("q", "").strip().lower()
    rows = [
        {"id": r.id, "name": _name(r), "email": _email(r), "deleted": r.archived_at is not None}
        for r in store.all()
        if wanted in f"{_name(r)} {_email(r)}".lower()
    ]
    return render(
        "records",
        account=account,
        kind=kind,
        rows=rows[:ROWS],
        count=len(rows),
        q=wanted,
        **_workflow(worlds),
    )


def _workflow(worlds: Worlds) -> dict[str, Any]:
    return {"actions": offered_actions(), "portals": list(worlds.learnupon.portals)}


async def record(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    account = _account(worlds, request)
    store, one = _found(account, request)
    kind = request.match_info["type"]
    history = [
        execution
        for execution in worlds.hubspot.workflows.executions.values()
        if (execution.account, execution.record_type, execution.record_id)
        == (account.hub_id, TYPES[kind], one.id)
    ]
    return render(
        "record",
        account=account,
        kind=kind,
        record=one,
        name=_name(one),
        properties=sorted(one.properties.items()),
        editable=EDITABLE if kind == "contacts" else (),
        cards=_cards(worlds, account, store, one),
        history=history,
        **_workflow(worlds),
    )


def _cards(worlds: Worlds, account: Account, store: Store, one: Record) -> dict[str, Any]:
    """What HubSpot's own association card for the app object shows, newest first."""
    app = worlds.hubspot.app_object
    records = account.stores[account.types[app.name]]
    ids = account.associations.of((store.kind.type_id, one.id), records.kind.type_id)
    live = [found for id in ids if (found := records.live(id)) is not None]
    columns = ("course_name", "portal_name", "status", "result", "progress_percent", "completed_at")
    rows = [
        {name: found.properties.get(app.qualified(name), "") for name in columns} | {"id": found.id}
        for found in sorted(live, key=lambda found: found.updated_at, reverse=True)
    ]
    return {"title": app.labels["plural"], "columns": columns, "rows": rows}


async def run_workflow(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    form = await request.post()
    hub_id, kind = int(request.match_info["hub_id"]), request.match_info["type"]
    ids = [str(value) for value in form.getall("record_ids", [])]
    inputs = {
        name: str(value) for name, value in form.items() if name not in ("record_ids", "action") and value
    }
    body = {"account": hub_id, "action": str(form.get("action", "")), "record_ids": ids, "inputs": inputs}
    control.workflow(worlds, {**body, "record_type": TYPES[kind]})
    raise web.HTTPSeeOther(f"/accounts/{hub_id}/workflows")


async def change(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    form = await request.post()
    hub_id, id = int(request.match_info["hub_id"]), request.match_info["id"]
    values = {name: str(form[name]) for name in EDITABLE if name in form}
    control.change(worlds, {"account": hub_id, "contact_id": id, "properties": values})
    raise web.HTTPSeeOther(f"/accounts/{hub_id}/contacts/{id}")


async def press(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    work = BUTTONS.get(request.match_info["button"])
    if work is None:
        raise ControlError(404, "There is no such button.")
    hub_id, id = int(request.match_info["hub_id"]), request.match_info["id"]
    work(worlds, {"account": hub_id, "contact_id": id})
    gone = request.match_info["button"] == "privacy-delete"
    raise web.HTTPSeeOther(f"/accounts/{hub_id}/contacts" + ("" if gone else f"/{id}"))


async def workflows(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    account = _account(worlds, request)
    rows = [one for one in worlds.hubspot.workflows.executions.values() if one.account == account.hub_id]
    language, known = request.query.get("language", "en"), defined()
    shown = rows[::-1][:ROWS]
    told = {
        one.callback_id: known[one.action].told(one.output_fields, language)
        for one in shown
        if one.action in known
    }
    return render(
        "workflows",
        account=account,
        rows=shown,
        count=len(rows),
        told=told,
        steps=known.values(),
        language=language,
    )


async def uninstall(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    control.uninstall(worlds, {"account": int(request.match_info["hub_id"])})
    raise web.HTTPSeeOther("/")


def add_routes(app: web.Application, worlds: Worlds) -> None:
    account = r"/accounts/{hub_id:\d+}"
    typed = account + "/{type:contacts|users}"
    app.router.add_get(account + "/workflows", page(worlds, workflows))
    app.router.add_post(account + "/uninstall", page(worlds, uninstall))
    app.router.add_get(typed, page(worlds, records))
    app.router.add_post(typed + "/run-workflow", page(worlds, run_workflow))
    app.router.add_get(typed + "/{id}", page(worlds, record))
    app.router.add_post(account + "/contacts/{id}/change", page(worlds, change))
    app.router.add_post(account + "/contacts/{id}/{button}", page(worlds, press))
