"""The JSON that the database writes for HubSpot, against the same rules in Python."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners import push_rows
from learners.models import Enrollment, Learner
from portals.models import Course, Portal
from portals.schema import PREFIX, PROPERTIES

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# PostgreSQL holds no NUL, and no half of a pair.
TEXTS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20
) | st.sampled_from(['"', "\\", '\\"', "</script>", "\u2028", "ü\n\t", "{}", "%s", "$1"])
MOMENTS = st.none() | st.integers(-(10**13), 10**14).map(
    lambda ms: EPOCH + timedelta(milliseconds=ms, microseconds=7)
)
DAYS = st.none() | st.dates(date(1000, 1, 1), date(9999, 12, 31))
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "course_name": TEXTS, "certificate_name": TEXTS, "status": st.sampled_from(Enrollment.Status.values),
    "result": st.sampled_from(Enrollment.Result.values), "progress_percent": NUMBERS, "score_percent": NUMBERS,
    "enrolled_at": MOMENTS, "started_at": MOMENTS, "completed_at": MOMENTS, "last_accessed_at": MOMENTS,
    "due_on": DAYS, "certificate_expires_on": DAYS, "overdue": st.booleans(),
}  # fmt: skip


def text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return "" if value is None else str(value)


@pytest.fixture
def learners(acme_portal: Portal, globex_portal: Portal) -> list[Learner]:
    """One of each tenant; both have a course 5, which only acme requires."""
    Course.objects.create(portal=acme_portal, course_id=5, name="Safety", required=True)
    Course.objects.create(portal=globex_portal, course_id=5, name="Safety")
    return [
        Learner.objects.create(
            account=portal.account, portal=portal, record_type="contact", record_id="7", state="active",
            learnupon_user_id=2, email=f"ä\"{portal.subdomain}@x.example",
        )
        for portal in (acme_portal, globex_portal)
    ]  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.fixed_dictionaries(VALUES), title=TEXTS, course_id=st.sampled_from([5, 6]))
def test_every_value_arrives_as_it_is(
    learners: list[Learner], values: dict[str, Any], title: str, course_id: int
) -> None:
    """Would catch: a quote that ends a text, a time in the wrong zone, a NULL that empties the whole row."""
    Enrollment.objects.all().delete()
    for learner in learners:
        portal = learner.portal
        portal.title = title
        portal.save()
        row = Enrollment.objects.create(
            account=portal.account,
            portal=portal,
            learner=learner,
            enrollment_id=9,
            course_id=course_id,
            **values,
        )
        (due,) = push_rows.read([row.pk])
        sent = json.loads(due.body)
        expected = {name: text(value) for name, value in values.items() if "percent" not in name}
        expected |= {
            "enrollment_key": "1:9", "course_id": str(course_id), "portal_name": title or portal.subdomain,
            "course_name": values["course_name"] or f"Course {course_id}", "record_id": "7",
            "learner_email": learner.email,
            "required": text(portal.subdomain == "acme" and course_id == 5),
        }  # fmt: skip
        properties = {name.removeprefix(PREFIX): value for name, value in sent["properties"].items()}
        for name in ("progress_percent", "score_percent"):  # written in another way, and the same number
            number = properties.pop(name)
            assert (float(number) if number else None) == values[name]
        assert properties == expected
        assert {*expected, "progress_percent", "score_percent"} == set(PROPERTIES)
        assert (sent["id"], sent["idProperty"]) == ("1:9", f"{PREFIX}enrollment_key")
        assert sent["objectWriteTraceId"] == str(row.pk)
