"""Finding learners, one learner's page, and what can be done there."""

import pytest
from django.test import Client
from django.utils import timezone

from learners import links
from learners.models import Enrollment, Learner
from portals.models import Course, Portal, PropertyMapping
from webhooks.models import Delivery

HTMX = {"HX-Request": "true"}


def learner(portal: Portal, name: str = "Ada", **fields: object) -> Learner:
    record_id = str(fields.pop("record_id", 5000 + Learner.objects.count()))
    return Learner.objects.create(
        account=portal.account, portal=portal, record_type=portal.record_type, record_id=record_id,
        first_name=name, last_name="Lovelace", email=f"{name.lower()}@example.com",
        **({"state": "active"} | fields),
    )  # fmt: skip


def enrollment(person: Learner, course: str = "Onboarding", **fields: object) -> Enrollment:
    return Enrollment.objects.create(
        account=person.account, portal=person.portal, learner=person, course_name=course,
        **({"enrollment_id": Enrollment.objects.count() + 1, "course_id": 1} | fields),
    )  # fmt: skip


def test_an_empty_list_says_what_to_do_next(as_acme: Client, acme_portal: Portal) -> None:
    assert "No learners yet" in as_acme.get(f"/portals/{acme_portal.pk}/learners").content.decode()


def test_search_by_name_e_mail_and_id(as_acme: Client, acme_portal: Portal) -> None:
    learner(acme_portal, "Ada", learnupon_user_id=77, record_id="501")
    learner(acme_portal, "Grace", record_id="502")
    for text in ("ada", "ADA lovelace", "ada@example", "77", "501"):
        page = as_acme.get(f"/portals/{acme_portal.pk}/learners", {"q": text}).content.decode()
        assert "ada@example.com" in page, text
        assert "grace@example.com" not in page, text
    page = as_acme.get(f"/portals/{acme_portal.pk}/learners", {"q": "nobody"}).content.decode()
    assert "Nobody found" in page


def test_filter_by_state(as_acme: Client, acme_portal: Portal) -> None:
    learner(acme_portal, "Ada")
    learner(acme_portal, "Grace", state="pending")
    page = as_acme.get(f"/portals/{acme_portal.pk}/learners", {"state": "pending"}).content.decode()
    assert "grace@example.com" in page
    assert "ada@example.com" not in page


def test_a_senseless_question_shows_everybody(as_acme: Client, acme_portal: Portal) -> None:
    learner(acme_portal, "Ada")
    query = {"state": "no-such", "before": "x" * 30, "after": "-1", "q": "9" * 40}
    assert as_acme.get(f"/portals/{acme_portal.pk}/learners", query).status_code == 200
    assert "ada@example.com" in as_acme.get(f"/portals/{acme_portal.pk}/learners?state=x").content.decode()


def test_typing_in_the_search_replaces_the_rows_only(as_acme: Client, acme_portal: Portal) -> None:
    learner(acme_portal, "Ada")
    part = as_acme.get(f"/portals/{acme_portal.pk}/learners", {"q": "ada"}, headers=HTMX).content.decode()
    assert "ada@example.com" in part
    assert "<html" not in part


def test_pages_of_the_list_meet_without_gap_or_overlap(as_acme: Client, acme_portal: Portal) -> None:
    everybody = {learner(acme_portal, f"Person{n}").pk for n in range(120)}
    seen: list[int] = []
    query: dict[str, int] = {}
    while True:
        window = as_acme.get(f"/portals/{acme_portal.pk}/learners", query).context["page"]
        seen += [row.pk for row in window.rows]
        if not window.older:
            break
        query = {"before": window.older}
    assert seen == sorted(everybody, reverse=True)
    back = as_acme.get(f"/portals/{acme_portal.pk}/learners", {"after": window.newer}).context["page"]
    assert [row.pk for row in back.rows] == seen[50:100]


def test_one_learners_page(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal, learnupon_user_id=77, record_id="501")
    enrollment(person, parked_reason="HubSpot refused the score.", due_at=None)
    Delivery.objects.create(
        account=acme_portal.account, portal=acme_portal, kind="hubspot.action.user-add", lane="actions", key="k1",
        record_type="contact", record_id="501", state="done", outcome="created",
    )  # fmt: skip
    page = as_acme.get(f"/portals/{acme_portal.pk}/learners/{person.pk}").content.decode()
    assert "Ada Lovelace" in page
    assert "record/0-1/501" in page
    assert "Onboarding" in page
    assert "HubSpot refused the score." in page
    assert "Workflow: add learner" in page
    assert "Learner created" in page


def test_another_portals_learner_is_not_shown(
    as_acme: Client, as_globex: Client, acme_portal: Portal, globex_portal: Portal
) -> None:
    theirs = learner(globex_portal, "Gil")
    assert as_acme.get(f"/portals/{acme_portal.pk}/learners/{theirs.pk}").status_code == 404
    assert as_acme.get(f"/portals/{globex_portal.pk}/learners/{theirs.pk}").status_code == 404
    assert "gil@" not in as_acme.get(f"/portals/{acme_portal.pk}/learners").content.decode()


@pytest.mark.parametrize("act", ["unlink", "send-invitation", "send-welcome", "retry", "update"])
def test_another_accounts_learner_cannot_be_changed(as_globex: Client, acme_portal: Portal, act: str) -> None:
    person = learner(acme_portal)
    answer = as_globex.post(f"/portals/{acme_portal.pk}/learners/{person.pk}/{act}", {"confirm": "yes"})
    assert answer.status_code == 404
    person.refresh_from_db()
    assert person.state == Learner.State.ACTIVE


def test_unlinking_needs_the_box_ticked(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal)
    address = f"/portals/{acme_portal.pk}/learners/{person.pk}"
    as_acme.post(f"{address}/unlink")
    person.refresh_from_db()
    assert person.state == Learner.State.ACTIVE
    as_acme.post(f"{address}/unlink", {"confirm": "yes"})
    person.refresh_from_db()
    assert person.state == Learner.State.UNLINKED
    assert as_acme.get(address).status_code == 200


def test_an_unconfirmed_invitation_has_a_button(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal, state="pending", invitation="unconfirmed")
    address = f"/portals/{acme_portal.pk}/learners/{person.pk}"
    assert "Send the invitation again" in as_acme.get(address).content.decode()
    as_acme.post(f"{address}/send-invitation")
    assert Delivery.objects.get().kind == "hubspot.action.user-invite"
    person.refresh_from_db()
    assert person.invitation == Learner.Sent.NO


def test_the_first_mail_again_but_never_with_single_sign_on(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal)
    address = f"/portals/{acme_portal.pk}/learners/{person.pk}/send-welcome"
    Portal.objects.filter(pk=acme_portal.pk).update(sso="saml")
    assert "single sign-on" in as_acme.post(address, follow=True).content.decode()
    person.refresh_from_db()
    assert person.welcome == Learner.Sent.NO
    Portal.objects.filter(pk=acme_portal.pk).update(sso="none")
    as_acme.post(address)
    person.refresh_from_db()
    assert person.welcome == Learner.Sent.DUE


def test_failing_progress_is_tried_again(as_acme: Client, acme_portal: Portal) -> None:
    row = enrollment(learner(acme_portal), parked_reason="HubSpot refused.", due_at=None)
    as_acme.post(f"/portals/{acme_portal.pk}/learners/{row.learner_id}/retry")
    row.refresh_from_db()
    assert row.due_at is not None
    assert row.parked_reason == ""


def test_one_record_is_added_from_the_page(as_acme: Client, acme_portal: Portal) -> None:
    answer = as_acme.post(
        f"/portals/{acme_portal.pk}/learners/add", {"record_id": "501", "action": "user-invite"}
    )
    assert answer["Location"] == f"/portals/{acme_portal.pk}/learners"
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.record_id, delivery.portal_id) == (
        "hubspot.action.user-invite",
        "501",
        acme_portal.pk,
    )


@pytest.mark.parametrize("record_id", ["", "ada@example.com", "12x", "1" * 40])
def test_what_is_no_record_id_is_refused_and_kept(
    as_acme: Client, acme_portal: Portal, record_id: str
) -> None:
    page = as_acme.post(f"/portals/{acme_portal.pk}/learners/add", {"record_id": record_id}).content.decode()
    assert "Nothing was saved" in page
    assert not record_id or f'value="{record_id}"' in page
    assert not Delivery.objects.exists()


def test_what_was_sent_stands_on_the_page(as_acme: Client, acme_portal: Portal) -> None:
    PropertyMapping.objects.create(
        portal=acme_portal, position=0, property="department", property_type="string", definition_id=7,
        definition_label="Department", definition_type=1,
    )  # fmt: skip
    Course.objects.create(portal=acme_portal, course_id=12, name="Safety at work")
    person = learner(acme_portal, state="pending", fingerprint="f" * 64, queued_courses=[12, 13])
    page = as_acme.get(f"/portals/{acme_portal.pk}/learners/{person.pk}").content.decode()
    assert "E-mail, name, Department" in page
    assert "Safety at work, Course 13" in page
    assert "f" * 64 not in page


def test_one_person_is_synced_now(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal, record_id="501")
    as_acme.post(f"/portals/{acme_portal.pk}/learners/{person.pk}/update")
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.record_id) == ("hubspot.action.update-learner", "501")


def test_everybody_is_synced_now(as_acme: Client, acme_portal: Portal, globex_portal: Portal) -> None:
    ada, gil = (learner(of, checked_at=timezone.now()) for of in (acme_portal, globex_portal))
    as_acme.post(f"/portals/{acme_portal.pk}/learners/sync")
    ada.refresh_from_db()
    gil.refresh_from_db()
    assert ada.checked_at is None
    assert gil.checked_at is not None


def test_what_failed_about_a_person_is_tried_again(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal, record_id="501")
    known = {
        "account": acme_portal.account,
        "portal": acme_portal,
        "lane": "actions",
        "record_type": "contact",
    }
    rows: list[tuple[str, dict[str, str] | None]] = [("501", {}), ("502", {}), ("501", None)]
    mine, theirs, blanked = (
        Delivery.objects.create(
            kind="hubspot.action.user-add",
            key=f"k{number}",
            state="failed",
            record_id=record,
            body=body,
            **known,
        )
        for number, (record, body) in enumerate(rows)
    )
    as_acme.post(f"/portals/{acme_portal.pk}/learners/{person.pk}/retry")
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert states == {mine.pk: "waiting", theirs.pk: "failed", blanked.pk: "failed"}


def test_every_delivery_about_a_person_can_be_reached(as_acme: Client, acme_portal: Portal) -> None:
    person = learner(acme_portal, record_id="501")
    everything = {
        Delivery.objects.create(
            account=acme_portal.account, portal=acme_portal, kind="hubspot.action.user-add", lane="actions",
            key=f"k{number}", record_type="contact", record_id="501", state="done",
        ).pk
        for number in range(60)
    }  # fmt: skip
    address = f"/portals/{acme_portal.pk}/learners/{person.pk}"
    first = as_acme.get(address).context["page"]
    second = as_acme.get(address, {"before": first.older}).context["page"]
    assert {row.pk for row in (*first.rows, *second.rows)} == everything


def test_what_hubspot_refused_of_a_paused_link_waits_for_its_end(
    as_acme: Client, acme_portal: Portal
) -> None:
    """Its contact was deleted: pressing the button wrote to HubSpot about it all the same."""
    person = learner(acme_portal)
    row = enrollment(person, parked_reason="HubSpot refused.", due_at=None)
    links.pause(Learner.objects.filter(pk=person.pk), links.DELETED)
    as_acme.post(f"/portals/{acme_portal.pk}/learners/{person.pk}/retry")
    as_acme.post(f"/portals/{acme_portal.pk}/activity/retry", {"all": "1"})
    row.refresh_from_db()
    assert row.due_at is None
    links.resume(Learner.objects.all())
    row.refresh_from_db()
    assert row.due_at is not None
