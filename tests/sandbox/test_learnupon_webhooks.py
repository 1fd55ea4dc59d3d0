"""Webhooks v2 from the sandbox: signed, batched by 10, retried, and only the event known to exist."""

import hashlib
import hmac

from sandbox.learnupon.webhooks import SCHEDULE, sign
from tests.sandbox.learnupon_site import Site

# Computed apart from this code: see the reference notes on webhooks v2.
VECTOR = (
    b'{"data":[{"courseId":1,"enrollmentId":2,"enrollmentStatus":"completed"}]}',
    "f3028b2b5fdc91e2fe6df1fdbeef5a2089f84b30867f36d79985984889118e00",
)


def enrolled(site: Site, email: str = "maria.lopez@acme.example") -> int:
    acme = site.world.portals["acme"]
    course = next(c for c in acme.courses.values() if c.name == "Leading a team")
    return int(site.do(site.world.enroll, "acme", acme.by_email[email].id, course.id)["id"])


def test_the_signature_fits_the_known_vector() -> None:
    assert sign("test-secret", VECTOR[0]) == VECTOR[1]


def test_retries_last_72_hours() -> None:
    assert 71 * 3600 < sum(SCHEDULE) <= 72 * 3600


def test_a_completion_is_sent_signed_over_the_raw_body(site: Site) -> None:
    site.listen_to("acme", "s3cret")
    number = enrolled(site)
    site.do(site.world.progress, "acme", number, "in_progress", None, 20)
    site.do(site.world.progress, "acme", number, "passed", 90)
    got = site.wait_for(1)[0]
    assert got.headers["X-Webhook-Type"] == "course_completion"
    assert got.headers["X-Webhook-ID"]
    wanted = hmac.new(b"s3cret", got.body, hashlib.sha256).hexdigest()
    assert got.headers["X-Webhook-Signature"] == wanted
    event = got.events[0]
    assert (event["enrollmentId"], event["enrollmentStatus"], event["percentage"]) == (number, "passed", 90)
    assert event["user"]["email"] == "maria.lopez@acme.example"
    assert event["eventCreated"].endswith(".000Z")
    assert "courseName" not in event


def test_completions_at_once_ride_together_ten_to_a_request(site: Site) -> None:
    site.listen_to()
    site.do(site.world.seed_bulk, portal="acme", users=25, courses=1, enrollments=25)
    rows = list(site.world.portals["acme"].enrollments.values())[-25:]
    for row in rows:
        row.status = "in_progress"

    def finish_all() -> None:
        for row in rows:
            site.world.progress("acme", row.id, "completed")

    site.do(finish_all)
    got = site.wait_for(3)
    assert sorted(len(request.events) for request in got) == [5, 10, 10]
    assert {event["enrollmentId"] for request in got for event in request.events} == {row.id for row in rows}


def test_a_refused_delivery_comes_again_with_the_same_id(site: Site) -> None:
    site.options.update({"time_scale": 0.001})
    site.listen_to()
    site.answers = [500, 401]
    site.do(site.world.progress, "acme", enrolled(site), "completed")
    got = site.wait_for(3)
    assert len({request.headers["X-Webhook-ID"] for request in got}) == 1
    assert len({request.body for request in got}) == 1


def test_nothing_but_completions_unless_assumed_events_are_on(site: Site) -> None:
    site.listen_to()
    site.do(site.world.progress, "acme", enrolled(site), "in_progress", None, 20)
    site.options.update({"assumed_events": True})
    number = enrolled(site, "yuki.tanaka@acme.example")
    site.do(site.world.progress, "acme", number, "in_progress", None, 20)
    site.api("DELETE", f"/enrollments/{number}")
    yuki = site.world.portals["acme"].by_email["yuki.tanaka@acme.example"].id
    site.api("PUT", f"/users/{yuki}", {"User": {"first_name": "Y."}})
    kinds = {request.headers["X-Webhook-Type"] for request in site.wait_for(4)}
    assert kinds == {"enrollment_created", "enrollment_updated", "enrollment_deleted", "user_updated"}


def test_a_repeated_completion_is_no_event(site: Site) -> None:
    site.listen_to()
    number = enrolled(site)
    site.do(site.world.progress, "acme", number, "completed")
    site.wait_for(1)
    site.do(site.world.progress, "acme", number, "completed")
    site.do(site.world.progress, "acme", number, "failed", 10)
    assert site.wait_for(2)[1].events[0]["enrollmentStatus"] == "failed"
