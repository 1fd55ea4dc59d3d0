"""The workflow actions: from a slice of deliveries to a result for each. What an action does stands in
learners/provisioning.py and learners/training.py."""

import secrets
from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby

from django.db import transaction
from django.db.models import QuerySet

from learners import carrying, claims, invitations, links, people, provisioning, training
from learners.models import Learner
from learners.outcomes import done
from learners.people import Person
from learners.runs import Run
from portals import audit, connecting, tombstones
from portals.clients.errors import Disconnected, NotFound, TryAgain, VendorError
from portals.clients.learnupon import DataRejected
from portals.lanes import Lane
from portals.models import Portal
from webhooks import intake
from webhooks.intake import Arrival
from webhooks.models import Delivery
from webhooks.results import Done, Flow, Result, settle

Step = Callable[[Learner, Person, Run], Done]
Records = dict[str, Person] | VendorError
LOOKS_FOR_RECORD = 3


def _action(step: Step, *, linked: bool) -> Flow:
    """An action as a flow. `linked`: it is about a learner who is there already, and makes none."""

    def flow(deliveries: list[Delivery]) -> Iterator[tuple[Delivery, Result]]:
        for portal, rows in _by_portal(deliveries):
            if portal is None or portal.state == Portal.State.REMOVED:
                yield from ((delivery, done("portal_not_connected")) for delivery in rows)
                continue
            records = _read(portal, rows)
            for delivery in rows:
                yield delivery, settle(delivery, partial(_one, delivery, portal, records, step, linked))

    return flow


user_add = _action(provisioning.add, linked=False)
user_invite = _action(provisioning.invite, linked=False)
update_learner = _action(provisioning.update, linked=True)
enroll_in_course = _action(training.enroll_in_course, linked=True)
unenroll = _action(training.unenroll, linked=True)
add_to_group = _action(training.add_to_group, linked=True)
remove_from_group = _action(training.remove_from_group, linked=True)
set_access = _action(training.set_access, linked=True)
look_up_progress = _action(training.look_up_progress, linked=True)
# What may be asked for while an invitation is still open.
BEFORE_ACCEPTANCE = (training.enroll_in_course, training.unenroll)


def request(portal: Portal, action: str, record_id: str, actor: str) -> Delivery:
    """Add or invite one record from our own page: the same delivery, the same road, nobody to tell."""
    arrival = _asked(portal, action, record_id, actor)
    intake.record([arrival])
    return intake.earlier(arrival.key)


def request_all(portal: Portal, action: str, record_ids: list[str], actor: str) -> None:
    """The same for many records at once."""
    intake.record([_asked(portal, action, record_id, actor) for record_id in record_ids])


@transaction.atomic  # else a crash in between leaves a learner that nobody will invite, and who may be forgotten
def invite_again(portal: Portal, learner: Learner, actor: str) -> None:
    """A person decided that an invitation goes out once more, whatever became of the one before."""
    invitations.send_again(learner)
    request(portal, "user-invite", learner.record_id, actor)
    audit.record(portal.account, actor, "invitation sent again", portal, learner=learner.pk)


def _asked(portal: Portal, action: str, record_id: str, actor: str) -> Arrival:
    return Arrival(
        account_id=portal.account_id, portal_id=portal.pk, kind=f"hubspot.action.{action}", lane=Lane.ACTIONS,
        key=intake.key("page", portal.pk, action, record_id, secrets.token_hex(8)),
        record_type=portal.record_type, record_id=record_id, body={"inputs": {}, "properties": {}, "actor": actor},
    )  # fmt: skip


def _by_portal(deliveries: list[Delivery]) -> Iterator[tuple[Portal | None, list[Delivery]]]:
    portals = Portal.objects.select_related("account").in_bulk(
        {d.portal_id for d in deliveries if d.portal_id}
    )
    ordered = sorted(deliveries, key=lambda d: (d.portal_id or 0, d.pk))
    for portal_id, group in groupby(ordered, lambda d: d.portal_id):
        yield portals.get(portal_id or 0), list(group)


def _read(portal: Portal, rows: list[Delivery]) -> Records:
    """The people behind the deliveries in as few calls as there can be, or the error each of them then meets."""
    try:
        return people.read(portal, {row.record_id for row in rows}, Lane.ACTIONS)
    except VendorError as error:
        return error


def _one(delivery: Delivery, portal: Portal, records: Records, step: Step, linked: bool) -> Result:
    if isinstance(records, TryAgain):  # before anything is looked up for each of them
        raise records
    if delivery.record_type != portal.record_type:
        return done("wrong_record_type")
    if tombstones.record_is_erased(portal.account, delivery.record_type, delivery.record_id):
        return done("erased")
    if isinstance(records, VendorError):
        raise records
    if portal.state == Portal.State.PAUSED:
        raise TryAgain("The portal is paused.", after=600, counts=False)
    if portal.state == Portal.State.DISCONNECTED:  # dead keys are not tried again; new ones wake what waits
        raise Disconnected(portal.state_reason or "LearnUpon refuses the API keys of this portal.")
    person = records.get(delivery.record_id)
    if person is None:
        return _without_record(delivery)
    try:
        # A restored record whose event was missed.
        links.resume(_paused(delivery, portal).filter(state_reason__in=links.AWAY))
        if paused := _paused(delivery, portal).first():
            return done("refused", reason=f"The link is paused. {paused.state_reason}")
        if linked:
            return _about_linked(delivery, portal, person, step)
        return _making(delivery, portal, person, step)
    except DataRejected as refusal:
        return done("refused", reason=refusal.message)
    except Disconnected as error:
        if "LearnUpon" in error.message:
            connecting.mark_disconnected(portal, error.message)
        raise


def _without_record(delivery: Delivery) -> Done:
    """Deleted or merged since: nobody is made for it. A merge may yet be told, which makes the run the survivor's."""
    if delivery.attempts < LOOKS_FOR_RECORD:
        raise TryAgain(links.MISSING)
    return done("refused", reason="The record is no longer in HubSpot: it was deleted or merged meanwhile.")


def _paused(delivery: Delivery, portal: Portal) -> QuerySet[Learner]:
    return Learner.objects.filter(
        portal=portal,
        record_type=delivery.record_type,
        record_id=delivery.record_id,
        state=Learner.State.PAUSED,
    )


def _making(delivery: Delivery, portal: Portal, person: Person, step: Step) -> Done:
    """An action that makes a learner where there is none."""
    if not person.reachable:
        return done("no_email")
    learner = claims.learner_for(portal, delivery.record_type, delivery.record_id)
    if learner is None:
        return done("erased")
    with claims.held(learner) as mine:
        return step(mine, person, Run(delivery))


def _about_linked(delivery: Delivery, portal: Portal, person: Person, step: Step) -> Done:
    """An action about a learner who must be there."""
    learner = (
        Learner.objects.filter(portal=portal, record_type=delivery.record_type, record_id=delivery.record_id)
        .exclude(state=Learner.State.UNLINKED)
        .first()
    )
    if learner is None or learner.state == Learner.State.NEW:
        return done("not_linked")
    if learner.state == Learner.State.PENDING and step not in BEFORE_ACCEPTANCE:
        return done("not_accepted")
    with claims.held(learner) as mine:
        try:
            return step(mine, person, Run(delivery))
        except NotFound:
            if not carrying.gone(mine):
                raise
            return done("refused", mine, reason=carrying.GONE)
