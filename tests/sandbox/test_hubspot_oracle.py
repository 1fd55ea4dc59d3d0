"""HubSpot's own SDK, made from its OpenAPI, finds every answer of the sandbox well typed.

The SDK speaks 2026-03, which the sandbox serves alike. It sends OAuth as JSON where HubSpot documents a
form body, so those answers are checked against the SDK's models instead.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hubspot_sdk import HubSpot
from hubspot_sdk.types.auth.access_token_response import AccessTokenResponse
from hubspot_sdk.types.auth.public_access_token_info_response import PublicAccessTokenInfoResponse
from hubspot_sdk.types.auth.public_refresh_token_info_response import PublicRefreshTokenInfoResponse
from pydantic import TypeAdapter

from tests.sandbox.hubspot_site import CLIENT, KIND, PREFIX, WAIT, HubSpotSite

KEY, STATUS = f"{PREFIX}enrollment_key", f"{PREFIX}status"
CONTACT, RECORD = "101", "9000001"
PAIR = {"from": {"id": RECORD}, "to": {"id": CONTACT}}
SPEC = [{"association_category": "INTEGRATOR_DEFINED", "association_type_id": 28}]
WANTED: dict[str, Any] = {"properties": ["email", "country", "jobtitle"], "properties_with_history": []}
SEARCH: dict[str, Any] = {"after": "0", "filter_groups": [], "limit": 3, "sorts": []}

CALLS: dict[str, Callable[[Any], Any]] = {
    "account": lambda c: c.account.get(),
    "contacts": lambda c: c.crm.objects.contacts.list(limit=50, properties=["email", "country"]),
    "contact": lambda c: c.crm.objects.contacts.get(CONTACT, properties=["email"], associations=[KIND]),
    "contact change": lambda c: c.crm.objects.contacts.update(CONTACT, properties={"firstname": "M"}),
    "contact create": lambda c: c.crm.objects.contacts.create(properties={"email": "q@q.example"}, associations=[]),
    "contacts read": lambda c: c.crm.objects.contacts.batch.get(inputs=[{"id": "101"}, {"id": "9"}], **WANTED),
    "contacts update": lambda c: c.crm.objects.contacts.batch.update(
        inputs=[{"id": CONTACT, "properties": {"firstname": "N"}}]
    ),
    "contacts search": lambda c: c.crm.objects.contacts.search(properties=["email"], **SEARCH),
    "contacts merge": lambda c: c.crm.objects.contacts.merge(object_id_to_merge="108", primary_object_id="109"),
    "users": lambda c: c.crm.objects.users.list(properties=["hs_email"]),
    "users read": lambda c: c.crm.objects.users.batch.get(inputs=[{"id": "111"}], **WANTED),
    "user change": lambda c: c.crm.objects.users.update("111", properties={"hs_job_title": "x"}),
    "owners": lambda c: c.crm.owners.list(),
    "owners gone": lambda c: c.crm.owners.list(archived=True),
    "owner": lambda c: c.crm.owners.get(100151),
    "schema": lambda c: c.crm.object_schemas.get(KIND),
    "schemas": lambda c: c.crm.object_schemas.list(),
    "contact properties": lambda c: c.crm.properties.list("contacts"),
    "user properties": lambda c: c.crm.properties.list("users"),
    "record properties": lambda c: c.crm.properties.list(KIND),
    "property": lambda c: c.crm.properties.get("email", object_type="contacts"),
    "properties read": lambda c: c.crm.properties.batch.get(
        "contacts", archived=False, inputs=[{"name": "email"}], data_sensitivity="non_sensitive"
    ),
    "property groups": lambda c: c.crm.properties.groups.list("contacts"),
    "records upsert": lambda c: c.crm.objects.custom.batch.upsert(
        KIND,
        inputs=[
            {"id": "1:2", "id_property": KEY, "object_write_trace_id": "a", "properties": {STATUS: "completed"}},
            {"id": "1:3", "id_property": KEY, "object_write_trace_id": "b", "properties": {STATUS: "wrong"}},
        ],
    ),
    "records create": lambda c: c.crm.objects.custom.batch.create(
        KIND, inputs=[{"properties": {KEY: "2:2"}, "associations": []}]
    ),
    "records update": lambda c: c.crm.objects.custom.batch.update(
        KIND, inputs=[{"id": RECORD, "properties": {STATUS: "in_progress"}}]
    ),
    "records read": lambda c: c.crm.objects.custom.batch.get(KIND, inputs=[{"id": RECORD}], **WANTED),
    "records": lambda c: c.crm.objects.custom.list(KIND),
    "record": lambda c: c.crm.objects.custom.get(RECORD, object_type=KIND),
    "records search": lambda c: c.crm.objects.custom.search(KIND, properties=[KEY], **SEARCH),
    "records archive": lambda c: c.crm.objects.custom.batch.delete(KIND, inputs=[{"id": RECORD}]),
    "associate": lambda c: c.crm.associations.create(
        CONTACT, from_object_type=KIND, from_object_id=RECORD, to_object_type="contacts"
    ),
    "associate many": lambda c: c.crm.associations.batch.create_default(
        "contacts", from_object_type=KIND, inputs=[PAIR, {**PAIR, "to": {"id": "99"}}]
    ),
    "associations create": lambda c: c.crm.associations.batch.create(
        "contacts", from_object_type=KIND, inputs=[{**PAIR, "types": SPEC}]
    ),
    "associations read": lambda c: c.crm.associations.batch.get(
        "contacts", from_object_type=KIND, inputs=[{"id": RECORD}, {"id": "77"}]
    ),
    "associations": lambda c: c.crm.associations.list("contacts", object_type=KIND, object_id=RECORD),
    "label": lambda c: c.crm.associations.update_labels(
        CONTACT, object_type=KIND, object_id=RECORD, to_object_type="contacts", body=SPEC
    ),
    "labels": lambda c: c.crm.associations_schema.labels.list_labels("contacts", from_object_type=KIND),
    "part": lambda c: c.crm.associations.batch.delete(
        "contacts", from_object_type=KIND, inputs=[{"from": {"id": RECORD}, "to": [{"id": CONTACT}]}]
    ),
    "privacy delete": lambda c: c.crm.objects.contacts.gdpr_delete(object_id="110"),
    "uninstall": lambda c: c.crm.app_uninstalls.uninstall(),
}  # fmt: skip


ENDED: dict[str, Any] = {"output_fields": {"hs_execution_state": "SUCCESS"}, "typed_outputs": {}}
CALLBACKS: dict[str, Callable[[Any, str], Any]] = {
    "one": lambda c, id: c.automation.actions.callbacks.complete(id, **ENDED),
    "many": lambda c, id: c.automation.actions.callbacks.complete_batch(
        inputs=[{"callback_id": id, **ENDED}]
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_answers_are_well_typed(hubspot: HubSpotSite, name: str) -> None:
    api = hubspot.install()
    row = {"key": "1:1", "status": "completed", "completed_at": "2026-11-22T10:00:00Z", "overdue": "false"}
    assert api.upsert(row).json()["results"][0]["id"] == RECORD
    api("PUT", f"/crm/objects/2026-09/{KIND}/{RECORD}/associations/default/contacts/{CONTACT}")
    with HubSpot(
        access_token=api.access_token,
        base_url=hubspot.sandbox.hubspot_url,
        max_retries=0,
        _strict_response_validation=True,
    ) as client:
        CALLS[name](client)


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks_are_completed(hubspot: HubSpotSite, name: str) -> None:
    api = hubspot.install()
    hubspot.answers = [(200, {"outputFields": {"hs_execution_state": "BLOCK"}}, {})]
    body = {"account": 1001, "action": "user-add", "record_ids": ["101"]}
    (callback,) = hubspot.control("POST", "workflow", body)["callback_ids"]
    hubspot.wait(lambda: hubspot.world("callbacks")["callbacks"][0]["state"] == "blocked")
    with HubSpot(
        access_token=api.access_token, base_url=hubspot.sandbox.hubspot_url, _strict_response_validation=True
    ) as client:
        CALLBACKS[name](client, callback)
    assert hubspot.world("callbacks")["callbacks"][0]["state"] == "completed"


def test_oauth_answers_are_well_typed(hubspot: HubSpotSite) -> None:
    code = hubspot.code()
    grant = hubspot.token(grant_type="authorization_code", code=code).json()
    TypeAdapter(AccessTokenResponse).validate_python(grant)
    kinds: dict[str, Any] = {
        "access_token": PublicAccessTokenInfoResponse,
        "refresh_token": PublicRefreshTokenInfoResponse,
    }
    for name, model in kinds.items():
        form = {**CLIENT, "token": grant[name], "token_type_hint": name}
        answer = hubspot.http.post(hubspot.url("/oauth/2026-09/token/introspect"), data=form, timeout=WAIT)
        TypeAdapter(model).validate_python(answer.json())
