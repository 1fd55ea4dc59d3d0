"""What the app adds to HubSpot's pages: its steps in the workflow editor, its card on a contact."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from sandbox import control
from sandbox.errors import ControlError
from sandbox.hubspot import actions
from sandbox.hubspot.pages import page, render
from sandbox.hubspot.signed_requests import fetch, fetch_options
from sandbox.worlds import Worlds

CARD = "/webhooks/hubspot/cards/"
PRESSED = ("add", "invite", "resend", "refresh")
KINDS = {"contacts": "contact", "users": "user"}
Row = dict[str, Any]


async def editor(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    """One step being set up; what is chosen travels in the address, so that dependent choices can be loaded."""
    return await _editor(worlds, request, dict(request.query), [])


async def _editor(worlds: Worlds, request: web.Request, given: Row, wrong: list[str]) -> web.StreamResponse:
    account = worlds.hubspot.account(int(request.match_info["hub_id"]))
    step, language = actions.action(request.match_info["action"]), str(given.get("language") or "en")
    inputs = step.inputs(language)
    for row in inputs:
        row["options"] = row["options"] or await _choices(worlds, account.hub_id, row, given)
    names = {o["value"]: o["label"] for row in inputs for o in row["options"]}
    values = {row["name"]: str(given.get(row["name"]) or "") for row in inputs}
    chosen = {name: str(names.get(value, value)) for name, value in values.items()}
    return render(
        "editor", account=account, step=step, texts=step.texts(language), language=language, inputs=inputs,
        given=given, sentence=step.sentence(chosen, language), wrong=wrong, kinds=list(KINDS),
    )  # fmt: skip


async def _choices(worlds: Worlds, hub_id: int, row: Row, given: Row) -> list[Row]:
    """What the app's own address offers, given what is chosen above."""
    inputs = {name: value for name, value in given.items() if value and name != "language"}
    answer = await fetch_options(worlds.hubspot, {"account": hub_id, "field": row["asked"], "inputs": inputs})
    body = answer["body"]
    return list(body.get("options", [])) if answer["status"] == 200 and isinstance(body, dict) else []


async def enroll(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    """Save the step and enroll records; what the editor would refuse is shown above the form instead."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    hub_id, step = int(request.match_info["hub_id"]), actions.action(request.match_info["action"])
    language, kind = form.get("language", "en"), KINDS.get(form.get("kind", ""), "contact")
    names = {row["name"] for row in step.inputs(language)}
    inputs = {name: value for name, value in form.items() if name in names and value}
    ids = form.get("record_ids", "").replace(",", " ").split()
    wrong = step.problems(inputs, language) + ([] if ids else ["Enroll at least one record."])
    if wrong:
        return await _editor(worlds, request, form, wrong)
    body = {"account": hub_id, "action": step.name, "record_ids": ids, "inputs": inputs, "record_type": kind}
    control.workflow(worlds, body)
    raise web.HTTPSeeOther(f"/accounts/{hub_id}/workflows?{urlencode({'language': language})}")


async def card(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    """The data of the app's card, fetched and signed as HubSpot's proxy does it."""
    hub_id, contact = int(request.match_info["hub_id"]), request.match_info["id"]
    account = worlds.hubspot.account(hub_id)
    wanted = {"account": hub_id, "path": f"{CARD}enrollments", "query": {"contactId": contact}}
    answer = await fetch(worlds.hubspot, wanted)
    shown = answer["body"] if answer["status"] == 200 and isinstance(answer["body"], dict) else {}
    said = request.query.get("said", "") or shown.get("message", "")
    if answer["status"] != 200:
        said = f"The app answered {answer['status']}."
    return render("card", account=account, contact=contact, card=shown, said=said)


async def press(worlds: Worlds, request: web.Request) -> web.StreamResponse:
    form, button = await request.post(), request.match_info["button"]
    if button not in PRESSED:
        raise ControlError(404, "The card has no such button.")
    hub_id, contact = int(request.match_info["hub_id"]), request.match_info["id"]
    body = {"contactId": contact, "portal": int(str(form.get("portal", "0")) or 0)}
    wanted = {"account": hub_id, "path": f"{CARD}{button}", "method": "POST", "body": body}
    answer = (await fetch(worlds.hubspot, wanted))["body"]
    said = answer.get("message", "") if isinstance(answer, dict) else ""
    raise web.HTTPSeeOther(f"/accounts/{hub_id}/contacts/{contact}/card?{urlencode({'said': said})}")


def add_routes(app: web.Application, worlds: Worlds) -> None:
    step = r"/accounts/{hub_id:\d+}/workflows/{action:[a-z-]+}"
    app.router.add_get(step, page(worlds, editor))
    app.router.add_post(step, page(worlds, enroll))
    contact = r"/accounts/{hub_id:\d+}/contacts/{id:\d+}/card"
    app.router.add_get(contact, page(worlds, card))
    app.router.add_post(contact + "/{button}", page(worlds, press))
