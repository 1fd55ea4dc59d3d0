"""The control addresses: what tests, the demo and the pages' buttons do to both worlds."""

from collections.abc import Callable
from typing import Any

import orjson
from aiohttp import web

from sandbox.errors import ControlError
from sandbox.hubspot import lifecycle
from sandbox.hubspot.account import Account
from sandbox.hubspot.records import Record
from sandbox.worlds import Worlds

Body = dict[str, Any]
Work = Callable[[Worlds, Body], Any]


def need(body: Body, *names: str) -> list[Any]:
    missing = [name for name in names if body.get(name) is None]
    if missing:
        raise ControlError(400, f"missing: {', '.join(missing)}")
    return [body[name] for name in names]


def reset(worlds: Worlds, body: Body) -> Any:
    worlds.reset()
    return {"reset": True}


def workflow(worlds: Worlds, body: Body) -> Any:
    hub_id, action, ids = need(body, "account", "action", "record_ids")
    account = worlds.hubspot.account(hub_id)
    kind = body.get("record_type", "contact")
    if kind not in ("contact", "user") or not isinstance(ids, list):
        raise ControlError(400, "record_type is contact or user; record_ids is a list")
    inputs = body.get("inputs") or {}
    if body.get("held"):
        held = worlds.hubspot.workflows.held(account, str(action), [str(id) for id in ids], inputs)
        return {"requests": [request.decode() for request in held]}
    sent = worlds.hubspot.workflows.run(account, str(action), [str(id) for id in ids], inputs, kind)
    return {"callback_ids": sent}


def enroll(worlds: Worlds, body: Body) -> Any:
    return worlds.learnupon.enroll(*need(body, "portal", "user_id", "course_id"))


def progress(worlds: Worlds, body: Body) -> Any:
    portal, enrollment_id, status = need(body, "portal", "enrollment_id", "status")
    return worlds.learnupon.progress(
        portal, enrollment_id, status, body.get("percentage"), body.get("percentage_complete")
    )


def learn(worlds: Worlds, body: Body) -> Any:
    """Many at once move in their courses: each of `rows` names an enrollment, or a learner and a course."""
    portal, rows = need(body, "portal", "rows")
    ids = []
    for row in rows:
        number = row.get("enrollment_id")
        if number is None:
            number = worlds.learnupon.enroll(portal, *need(row, "user_id", "course_id"))["id"]
        progress(worlds, {**row, "portal": portal, "enrollment_id": number})
        ids.append(number)
    return {"ids": ids}


def accept_invite(worlds: Worlds, body: Body) -> Any:
    return worlds.learnupon.accept_invite(*need(body, "portal", "email"))


def set_webhook(worlds: Worlds, body: Body) -> Any:
    worlds.learnupon.set_webhook(*need(body, "portal", "url", "secret"))
    return {"portal": body["portal"]}


def seed_bulk(worlds: Worlds, body: Body) -> Any:
    """LearnUpon users, courses and enrollments by the thousand, for benchmarks."""
    (portal,) = need(body, "portal")
    counts = {name: int(body[name]) for name in ("users", "courses", "enrollments") if name in body}
    return worlds.learnupon.seed_bulk(portal, **counts)


def gdpr_delete(worlds: Worlds, body: Body) -> Any:
    account, contact = _contact(worlds, body)
    lifecycle.privacy_delete(worlds.hubspot, account, contact)
    return {"id": contact.id}


def delete(worlds: Worlds, body: Body) -> Any:
    account, contact = _contact(worlds, body)
    if contact.archived_at is None:
        lifecycle.archive(worlds.hubspot, account, account.contacts, contact, source="CRM_UI")
    return {"id": contact.id}


def restore(worlds: Worlds, body: Body) -> Any:
    account, contact = _contact(worlds, body)
    if contact.archived_at is not None:
        lifecycle.restore(worlds.hubspot, account, contact)
    return {"id": contact.id}


def merge(worlds: Worlds, body: Body) -> Any:
    """`contact_id` survives and takes `merged_id` in; with `new_id` both go into a new record."""
    account, primary = _contact(worlds, body)
    _, merged = _contact(worlds, body, "merged_id")
    if primary is merged:
        raise ControlError(400, "a contact cannot be merged into itself")
    kept = lifecycle.merge(worlds.hubspot, account, primary, merged, new_id=bool(body.get("new_id")))
    return {"id": kept.id}


def change(worlds: Worlds, body: Body) -> Any:
    """What a person does on a contact's page: `properties` are written as they are, unchecked."""
    account, contact = _contact(worlds, body)
    (values,) = need(body, "properties")
    given = {str(name): str(value) for name, value in values.items()}
    lifecycle.change(worlds.hubspot, account, account.contacts, contact, given, source="CRM_UI")
    return {"id": contact.id}


def add_contacts(worlds: Worlds, body: Body) -> Any:
    """Contacts with the given `rows` of properties, unchecked and without events, for benchmarks."""
    hub_id, rows = need(body, "account", "rows")
    account, now = worlds.hubspot.account(hub_id), worlds.hubspot.now()
    made = [account.contacts.create({k: str(v) for k, v in row.items()}, now) for row in rows]
    for record in made:
        worlds.hubspot.touch(account.contacts, record)
    return {"ids": [record.id for record in made]}


def uninstall(worlds: Worlds, body: Body) -> Any:
    (hub_id,) = need(body, "account")
    worlds.hubspot.account(hub_id)
    return {"uninstalled": worlds.hubspot.installs.uninstall(hub_id)}


def deliveries(worlds: Worlds, body: Body) -> Any:
    worlds.outbox.set_rates(body)
    return vars(worlds.outbox.rates)


def outgoing(worlds: Worlds, body: Body) -> Any:
    """The rates, and how many deliveries are still being sent or retried."""
    return vars(worlds.outbox.rates) | {"under_way": worlds.outbox.under_way}


def acknowledged(worlds: Worlds, body: Body) -> Any:
    """What the worlds sent and had a 2xx for, of the addresses with a `path` in them."""
    path = str(body.get("path", ""))
    rows = [(url, content) for url, content in worlds.outbox.acknowledged if path in url]
    return {"requests": [{"url": url, "body": orjson.Fragment(content)} for url, content in rows]}


def add_fault(worlds: Worlds, body: Body) -> Any:
    return worlds.faults.add(body).as_dict()


def clear_faults(worlds: Worlds, body: Body) -> Any:
    worlds.faults.clear()
    return {"faults": []}


def faults(worlds: Worlds, body: Body) -> Any:
    return {"faults": worlds.faults.rows()}


def options(worlds: Worlds, body: Body) -> Any:
    return worlds.options.as_dict()


def set_options(worlds: Worlds, body: Body) -> Any:
    worlds.options.update(body)
    return worlds.options.as_dict()


def _contact(worlds: Worlds, body: Body, name: str = "contact_id") -> tuple[Account, Record]:
    hub_id, contact_id = need(body, "account", name)
    account = worlds.hubspot.account(hub_id)
    contact = account.contacts.find(str(contact_id))
    if contact is None:
        raise ControlError(404, f"account {hub_id} has no contact {contact_id}")
    return account, contact


CONTROLS: tuple[tuple[str, str, Work], ...] = (
    ("POST", "reset", reset),
    ("POST", "workflow", workflow),
    ("POST", "enroll", enroll),
    ("POST", "progress", progress),
    ("POST", "learn", learn),
    ("POST", "accept-invite", accept_invite),
    ("PUT", "webhook", set_webhook),
    ("POST", "seed-bulk", seed_bulk),
    ("POST", "contacts", add_contacts),
    ("POST", "change", change),
    ("POST", "gdpr-delete", gdpr_delete),
    ("POST", "delete", delete),
    ("POST", "restore", restore),
    ("POST", "merge", merge),
    ("POST", "uninstall", uninstall),
    ("POST", "deliveries", deliveries),
    ("GET", "deliveries", outgoing),
    ("GET", "acknowledged", acknowledged),
    ("POST", "faults", add_fault),
    ("DELETE", "faults", clear_faults),
    ("GET", "faults", faults),
    ("GET", "options", options),
    ("PUT", "options", set_options),
)


def add_routes(app: web.Application, worlds: Worlds) -> None:
    for method, name, work in CONTROLS:
        app.router.add_route(method, f"/_sandbox/{name}", _control(worlds, work))
    app.router.add_get("/_sandbox/world", _asked(worlds, _world))
    app.router.add_get("/_sandbox/requests", _asked(worlds, _requests))


def _control(worlds: Worlds, work: Work) -> Any:
    async def run(request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            body = orjson.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise ControlError(400, "a JSON object is needed")
            return _json(200, work(worlds, body))
        except orjson.JSONDecodeError as error:
            return _json(400, {"error": str(error)})
        except ControlError as error:
            return _json(error.status, {"error": error.message})

    return run


def _asked(worlds: Worlds, work: Callable[[Worlds, web.Request], Any]) -> Any:
    async def run(request: web.Request) -> web.Response:
        return _json(200, work(worlds, request))

    return run


def _world(worlds: Worlds, request: web.Request) -> Any:
    """`?only=contacts,mails` for some parts: all of a benchmark's world is large."""
    return worlds.snapshot(name for name in request.query.get("only", "").split(",") if name)


def _requests(worlds: Worlds, request: web.Request) -> Any:
    """`?service=` and `?path=` (a part of it) narrow the log down."""
    return {"requests": worlds.log.rows(request.query.get("service"), request.query.get("path"))}


def _json(status: int, payload: Any) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(payload), content_type="application/json")
