"""The fold: the same enrollment in the end, whatever the order, repetition or loss of what LearnUpon says."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from learners import enrollments
from learners.enrollments import fold
from learners.models import Enrollment, Learner
from learners.observations import NAMES, STATUS, Observation, from_rest, from_webhook
from portals.models import Portal

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
FIELDS = (*NAMES, "status", "result")
MOMENTS = st.integers(0, 3).map(lambda minutes: START + timedelta(minutes=minutes))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "course_name": st.sampled_from(["A", "B"]),
    "score_percent": st.sampled_from([None, 10.0, 9.0, 100.0]),
    "progress_percent": st.sampled_from([None, 0.0, 55.0, 100.0]),
    "enrolled_at": st.none() | MOMENTS,
    "started_at": st.none() | MOMENTS,
    "completed_at": st.none() | MOMENTS,
    "last_accessed_at": st.none() | MOMENTS,
    "due_on": st.none() | st.just(date(2026, 4, 1)),
    "certificate_name": st.sampled_from(["", "First aid"]),
    "certificate_expires_on": st.none() | st.just(date(2027, 4, 1)),
    "overdue": st.booleans(),
    "unenrolled": st.booleans(),
}
PAIRS = st.sampled_from(sorted(set(STATUS.values())))


def with_status(fields: dict[str, Any], pair: tuple[str, str] | None) -> dict[str, Any]:
    return fields | ({"status": pair[0], "result": pair[1]} if pair else {})


PARTS = st.builds(
    lambda as_of, fields, pair: Observation(1, 2, 3, as_of, False, with_status(fields, pair)),
    MOMENTS, st.fixed_dictionaries({}, optional=VALUES), st.none() | PAIRS,
)  # fmt: skip
WHOLES = st.builds(
    lambda as_of, fields, pair: Observation(1, 2, 3, as_of, True, with_status(fields, pair)),
    MOMENTS, st.fixed_dictionaries(VALUES), PAIRS,
)  # fmt: skip


def folded(observations: Sequence[Observation]) -> Enrollment:
    row = Enrollment(enrollment_id=1, course_id=3)
    for seen in observations:
        fold(row, seen)
    return row


def shown(row: Enrollment) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


@given(st.data(), st.lists(PARTS | WHOLES, min_size=1, max_size=6))
@settings(max_examples=150)
def test_order_and_repetition_do_not_matter(data: st.DataObject, seen: list[Observation]) -> None:
    again = data.draw(st.permutations(seen + data.draw(st.lists(st.sampled_from(seen), max_size=4))))
    one, other = folded(seen), folded(again)
    assert shown(one) == shown(other)
    assert (one.read_as_of, one.stamps) == (other.read_as_of, other.stamps)


@given(st.data(), st.lists(PARTS, min_size=1, max_size=6), WHOLES)
@settings(max_examples=80)
def test_what_is_lost_a_later_whole_reading_brings(
    data: st.DataObject, seen: list[Observation], whole: Observation
) -> None:
    """Webhooks may be dropped, and REST tells the whole truth of its moment."""
    whole = Observation(1, 2, 3, START + timedelta(minutes=9), True, whole.fields)
    kept = data.draw(st.lists(st.sampled_from(seen), max_size=6))
    assert shown(folded([*seen, whole])) == shown(folded([*kept, whole])) == shown(folded([whole]))


@given(st.lists(PARTS | WHOLES, min_size=1, max_size=6))
@settings(max_examples=80)
def test_status_and_result_are_of_one_observation(seen: list[Observation]) -> None:
    """An enrollment that is in progress and passed at once would be in no report."""
    row = folded(seen)
    assert (row.status, row.result) in {*STATUS.values(), ("not_started", "")}


@given(st.lists(PARTS | WHOLES, min_size=1, max_size=6))
@settings(max_examples=50)
def test_a_second_time_nothing_is_news(seen: list[Observation]) -> None:
    row = folded(seen)
    assert not any(fold(row, one) for one in seen)


def test_of_the_same_second_the_further_status_counts() -> None:
    """LearnUpon stamps to the second: a completion and the progress before it can carry the same time."""
    started = Observation(
        1, 2, 3, START, False, {"status": "in_progress", "result": "", "progress_percent": 9.0}
    )
    passed = Observation(
        1, 2, 3, START, False, {"status": "completed", "result": "passed", "progress_percent": 100.0}
    )
    for order in ([started, passed], [passed, started]):
        row = folded(order)
        assert (row.status, row.result, row.progress_percent) == ("completed", "passed", 100.0)


def test_a_completed_course_can_reopen() -> None:
    done = {"status": "completed", "result": "passed", "completed_at": START, "progress_percent": 100.0}
    again = {"status": "in_progress", "result": "", "completed_at": None, "progress_percent": 40.0}
    row = folded([
        Observation(1, 2, 3, START, False, done), Observation(1, 2, 3, START + timedelta(days=30), False, again),
    ])  # fmt: skip
    assert (row.status, row.result, row.completed_at, row.progress_percent) == ("in_progress", "", None, 40.0)


def test_a_webhook_changes_only_what_it_carries() -> None:
    row = folded(
        [
            Observation(
                1,
                2,
                3,
                START,
                True,
                with_status({"course_name": "A", "score_percent": 50.0}, ("completed", "passed")),
            )
        ]
    )
    event = {"enrollmentId": 1, "courseId": 3, "user": {"userId": 2}, "dueDate": "2026-05-01T00:00:00.000Z",
             "eventCreated": "2026-03-01T10:00:00.000Z"}  # fmt: skip
    seen = from_webhook(event, START)
    assert seen is not None
    assert fold(row, seen)
    assert (row.course_name, row.score_percent, row.status, row.due_on) == (
        "A",
        50.0,
        "completed",
        date(2026, 5, 1),
    )


@given(st.dictionaries(st.sampled_from(["id", "user_id", "course_id", "status", "percentage", "date_completed", "due_date", "x"]),
                       st.none() | st.integers() | st.text() | st.floats() | st.booleans() | st.sampled_from(["passed", "2026-01-01T00:00:00Z"])))  # fmt: skip
@settings(max_examples=80)
def test_no_row_breaks_the_reader(row: dict[str, Any]) -> None:
    seen = from_rest(row, START)
    assert seen is None or all(
        0 < number < 2**63 for number in (seen.enrollment_id, seen.user_id, seen.course_id)
    )


def test_every_status_of_learnupon_is_known() -> None:
    assert set(STATUS) == {"not_started", "in_progress", "pending_review", "completed", "passed", "failed"}
    for status, (ours, result) in STATUS.items():
        row = from_rest({"id": 1, "user_id": 2, "course_id": 3, "status": status}, START)
        assert row is not None
        assert (row.fields["status"], row.fields["result"]) == (ours, result)


# --- through the database --------------------------------------------------------------------------------
@pytest.fixture
def linked(acme_portal: Portal, globex_portal: Portal) -> tuple[Portal, Portal]:
    for portal in (acme_portal, globex_portal):
        Learner.objects.create(
            account=portal.account, portal=portal, record_type="contact", record_id="7", state="active", learnupon_user_id=2
        )  # fmt: skip
    return acme_portal, globex_portal


@given(st.data(), st.lists(PARTS | WHOLES, min_size=1, max_size=5))
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_ends_in_the_same_row(
    linked: tuple[Portal, Portal], data: st.DataObject, seen: list[Observation]
) -> None:
    """In batches as they come, or one by one in another order."""
    ours, theirs = linked
    Enrollment.objects.all().delete()
    enrollments.take(ours, seen)
    for one in data.draw(st.permutations(seen)):
        enrollments.take(theirs, [one])
    mine, other = Enrollment.objects.get(portal=ours), Enrollment.objects.get(portal=theirs)
    assert shown(mine) == shown(other) == shown(folded(seen))
    assert mine.due_at is not None


PAGES = st.lists(
    st.tuples(MOMENTS, st.dictionaries(st.integers(1, 3), WHOLES, min_size=1)), min_size=1, max_size=4
)
KEPT = (
    *FIELDS, "enrollment_id", "course_id", "read_as_of", "stamps", "version", "bulk", "withdrawn", "attempts",
    "parked_reason", "pushed_version", "hubspot_id",
)  # fmt: skip


@given(PAGES, st.lists(PARTS, max_size=2), st.data(), st.booleans())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_are_taken_over_as_if_folded_one_by_one(
    linked: tuple[Portal, Portal],
    pages: list[tuple[datetime, dict[int, Observation]]],
    parts: list[Observation],
    data: st.DataObject,
    bulk: bool,
) -> None:
    """What the database takes over by itself must be what the rule in Python makes of it, down to the version."""
    ours, theirs = linked
    Enrollment.objects.all().delete()
    batches = [
        [Observation(number, 2, 3, as_of, True, one.fields) for number, one in page.items()]
        for as_of, page in pages
    ]
    for batch in data.draw(st.permutations([*batches, *([one] for one in parts)])):
        enrollments.take(ours, batch, bulk=bulk)
        for one in batch:
            enrollments._fold_in(theirs, [one], enrollments._kept(theirs, {2}), bulk=bulk, since=None)
        Enrollment.objects.update(due_at=None, bulk=False) if data.draw(st.booleans()) else None
    mine, other = (
        list(Enrollment.objects.filter(portal=portal).order_by("enrollment_id").values(*KEPT))
        for portal in linked
    )
    assert mine == other
    assert mine


def test_take_keeps_only_the_linked_of_this_portal(linked: tuple[Portal, Portal]) -> None:
    ours, _ = linked
    fields = with_status({}, ("in_progress", ""))
    strangers = [Observation(number, 90 + number, 3, START, True, fields) for number in range(5)]
    assert enrollments.take(ours, [*strangers, Observation(77, 2, 3, START, True, fields)]) == 1
    row = Enrollment.objects.get()
    assert (row.enrollment_id, row.portal, row.account) == (77, ours, ours.account)


def test_the_paused_and_the_pending_gather_nothing(linked: tuple[Portal, Portal]) -> None:
    ours, _ = linked
    for state in ("paused", "pending", "unlinked", "new"):
        Learner.objects.filter(portal=ours).update(state=state)
        assert (
            enrollments.take(ours, [Observation(1, 2, 3, START, True, with_status({}, ("completed", "")))])
            == 0
        )
    assert not Enrollment.objects.exists()


def test_two_goes_at_one_course_stay_apart(linked: tuple[Portal, Portal]) -> None:
    ours, _ = linked
    first = Observation(1, 2, 3, START, True, with_status({}, ("completed", "passed")))
    second = Observation(2, 2, 3, START, True, with_status({}, ("not_started", "")))
    enrollments.take(ours, [second, first, second])
    found = Enrollment.objects.order_by("enrollment_id").values_list("enrollment_id", "status")
    assert list(found) == [(1, "completed"), (2, "not_started")]


def test_versions_count_changes_only(linked: tuple[Portal, Portal]) -> None:
    ours, _ = linked
    seen = Observation(1, 2, 3, START, True, with_status({"course_name": "A"}, ("in_progress", "")))
    enrollments.take(ours, [seen])
    enrollments.take(ours, [seen, Observation(1, 2, 3, START + timedelta(hours=1), True, seen.fields)])
    assert Enrollment.objects.get().version == 1
    enrollments.take(
        ours, [Observation(1, 2, 3, START + timedelta(hours=2), True, seen.fields | {"course_name": "B"})]
    )
    assert Enrollment.objects.get().version == 2
