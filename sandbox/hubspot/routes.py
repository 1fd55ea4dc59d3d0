"""The API addresses served, all dated; the numbered ones that older SDKs call are not there (404).

2026-09 is the newest of most APIs and 2026-03 is still good; both are served alike.
"""

from aiohttp import web

from sandbox.hubspot import association_calls, batches, callbacks, definitions, objects, search
from sandbox.hubspot.call import Endpoint, endpoint
from sandbox.hubspot.oauth import token_endpoints
from sandbox.hubspot.world import HubSpotWorld

DATE = "{date:2026-0[39]}"
OBJECTS = f"/crm/objects/{DATE}"
ONE_TO_ONE = OBJECTS + "/{from}/{from_id}/associations"
PAIRS = f"/crm/associations/{DATE}" + "/{from}/{to}"
PROPERTIES = f"/crm/properties/{DATE}" + "/{type}"

ROUTES: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("GET", f"/account-info/{DATE}/details", "api", definitions.account_details),
    ("DELETE", f"/appinstalls/{DATE}/external-install", "api", definitions.uninstall),
    ("POST", f"/automation/actions/callbacks/{DATE}/complete", "api", callbacks.complete_batch),
    (
        "POST",
        f"/automation/actions/callbacks/{DATE}" + "/{callback_id}/complete",
        "api",
        callbacks.complete_one,
    ),
    ("GET", f"/crm/owners/{DATE}", "api", definitions.list_owners),
    ("GET", f"/crm/owners/{DATE}" + "/{id}", "api", definitions.read_owner),
    ("GET", PROPERTIES, "api", definitions.list_properties),
    ("POST", PROPERTIES, "api", definitions.create_property),
    ("POST", PROPERTIES + "/batch/read", "api", definitions.read_properties),
    ("GET", PROPERTIES + "/groups", "api", definitions.list_groups),
    ("GET", PROPERTIES + "/{name}", "api", definitions.read_property),
    ("GET", f"/crm-object-schemas/{DATE}/schemas", "api", definitions.list_schemas),
    ("GET", f"/crm-object-schemas/{DATE}/schemas" + "/{type}", "api", definitions.read_schema),
    ("POST", OBJECTS + "/contacts/gdpr-delete", "api", objects.gdpr_delete),
    ("POST", OBJECTS + "/contacts/merge", "api", objects.merge_contacts),
    ("POST", OBJECTS + "/{type}/search", "search", search.search),
    ("POST", OBJECTS + "/{type}/batch/read", "api", batches.read),
    ("POST", OBJECTS + "/{type}/batch/create", "api", batches.create),
    ("POST", OBJECTS + "/{type}/batch/update", "api", batches.update),
    ("POST", OBJECTS + "/{type}/batch/upsert", "api", batches.upsert),
    ("POST", OBJECTS + "/{type}/batch/archive", "api", batches.archive),
    ("GET", OBJECTS + "/{type}", "api", objects.list_records),
    ("POST", OBJECTS + "/{type}", "api", objects.create_record),
    ("GET", OBJECTS + "/{type}/{id}", "api", objects.read_record),
    ("PATCH", OBJECTS + "/{type}/{id}", "api", objects.change_record),
    ("DELETE", OBJECTS + "/{type}/{id}", "api", objects.archive_record),
    ("PUT", ONE_TO_ONE + "/default/{to}/{to_id}", "associations", association_calls.associate_default),
    ("GET", ONE_TO_ONE + "/{to}", "associations", association_calls.list_associated),
    ("PUT", ONE_TO_ONE + "/{to}/{to_id}", "associations", association_calls.label_one),
    ("DELETE", ONE_TO_ONE + "/{to}/{to_id}", "associations", association_calls.part_one),
    ("POST", PAIRS + "/batch/associate/default", "associations", association_calls.batch_associate_default),
    ("POST", PAIRS + "/batch/create", "associations", association_calls.batch_create),
    ("POST", PAIRS + "/batch/read", "associations", association_calls.batch_read),
    ("POST", PAIRS + "/batch/archive", "associations", association_calls.batch_archive),
    ("POST", PAIRS + "/batch/labels/archive", "associations", association_calls.batch_archive_labels),
    ("GET", PAIRS + "/labels", "associations", association_calls.labels),
)


def add_routes(app: web.Application, world: HubSpotWorld) -> None:
    for name, work in token_endpoints(world).items():
        app.router.add_post(f"/oauth/{DATE}/{name}", work)
    for method, path, bucket, handler in ROUTES:
        app.router.add_route(method, path, endpoint(world, bucket, handler))
