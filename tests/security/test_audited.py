"""What an admin does and its entry in the trail are one: without the entry it did not happen."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client

from learners.models import Learner, ReviewItem
from portals.models import AuditEntry, Portal
from tests.learners.test_pages_people import learner

pytestmark = pytest.mark.django_db(transaction=True)
GONE = """
CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the server is shutting down' USING ERRCODE = '57P01'; END $$
"""
SETTINGS = {"sso": "saml", "welcome_mail": "hubsync", "clash_policy": "refuse", "record_field": ""}


@contextmanager
def no_trail() -> Iterator[None]:
    """The database goes away just as an entry is written."""
    with connection.cursor() as cursor:
        cursor.execute(GONE)
        cursor.execute(
            f"CREATE TRIGGER gone BEFORE INSERT ON {AuditEntry._meta.db_table} EXECUTE FUNCTION gone()"
        )
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION gone CASCADE")


def state() -> list[object]:
    return [
        list(Portal.objects.order_by("pk").values()),
        list(Learner.objects.order_by("pk").values()),
        list(ReviewItem.objects.order_by("pk").values()),
    ]


@pytest.mark.parametrize("what", ["pause", "resume", "remove", "settings", "unlink", "decide"])
def test_without_its_entry_nothing_is_done(acme_portal: Portal, as_acme: Client, what: str) -> None:
    person = learner(acme_portal)
    if what == "resume":
        Portal.objects.update(state="paused")
    item = ReviewItem.objects.create(
        account=acme_portal.account, portal=acme_portal, kind="merged", record_type="contact", first_record="501", first_user=5,
        second_record="502", second_user=6,
    )  # fmt: skip
    at = f"/portals/{acme_portal.pk}"
    addresses = {
        "settings": f"{at}/settings",
        "unlink": f"{at}/learners/{person.pk}/unlink",
        "decide": f"{at}/review/{item.pk}",
    }
    before = state()
    as_acme.raise_request_exception = False
    form = {"confirm": "yes", "keep": "left", **(SETTINGS if what == "settings" else {})}
    with no_trail():
        answer = as_acme.post(addresses.get(what, f"{at}/settings/{what}"), form)
    assert answer.status_code >= 500, answer.content[:300]
    assert state() == before
