"""Linking the accounts a portal has already to the HubSpot records with the same e-mail.

The portal's user list is read page by page, 500 accounts a request, and each page's e-mails are looked up in HubSpot
100 a call: ten thousand links cost LearnUpon as many requests as its list has pages. Accounts without a record are
stored nowhere; people who asked to be forgotten are not matched.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from learners import carrying, claims, people, reviewing
from learners.models import Learner, Walk
from learners.people import Person
from learners.reviewitem import ReviewItem
from portals import tombstones
from portals.clients.errors import Refused, TryAgain
from portals.clients.learnupon import LearnUpon
from portals.models import Portal

Row = dict[str, Any]


def link_page(walk: Walk, learnupon: LearnUpon, rows: Iterable[Row], lane: str) -> Counter[str]:
    """Link one page of accounts, or only count what would happen when the walk is a preview."""
    portal = walk.portal
    accounts = {str(row.get("email") or "").strip().casefold(): row for row in rows if row.get("email")}
    counts: Counter[str] = Counter(accounts=len(accounts))
    _leave_out(portal, accounts, counts)
    found = people.by_email(portal, list(accounts), lane)
    counts["without_record"] += len(accounts) - len(found)
    for email, person in found.items():
        ended = _hindrance(portal, person, 0 if walk.preview else accounts[email]["id"])
        if not ended:
            ended = "would_link" if walk.preview else _link(portal, learnupon, person, accounts[email])
        counts[ended] += 1
    return counts


def _leave_out(portal: Portal, accounts: dict[str, Row], counts: Counter[str]) -> None:
    """Take out accounts that are linked, disabled, or belong to somebody who asked to be forgotten."""
    ids = [row["id"] for row in accounts.values()]
    live = Learner.objects.filter(portal=portal, learnupon_user_id__in=ids).exclude(
        state=Learner.State.UNLINKED
    )
    linked = set(live.values_list("learnupon_user_id", flat=True))
    erased = tombstones.erased_emails(portal.account, portal.record_type, accounts)
    for email, row in list(accounts.items()):
        reason = (
            "linked_before" if row["id"] in linked
            else "disabled" if row.get("enabled") is False
            else "erased" if email in erased
            else ""
        )  # fmt: skip
        if reason:
            counts[reason] += 1
            del accounts[email]


def _hindrance(portal: Portal, person: Person, user_id: int) -> str:
    """Why a record is not linked: it was erased, or it has another account already and a person must decide."""
    if tombstones.record_is_erased(portal.account, portal.record_type, person.record_id):
        return "erased"
    theirs = Learner.objects.filter(
        portal=portal, record_type=portal.record_type, record_id=person.record_id
    ).exclude(state=Learner.State.UNLINKED)
    other = theirs.filter(learnupon_user_id__isnull=False).first()
    if other is None:
        return ""
    if user_id:
        first = reviewing.Side(person.record_id, int(other.learnupon_user_id or 0))
        second = reviewing.Side(person.record_id, user_id)
        reviewing.ask(portal, ReviewItem.Kind.CONFLICT, first, second)
    return "conflicts"


def _link(portal: Portal, learnupon: LearnUpon, person: Person, account: Row) -> str:
    """Tie one account to its record; how it ended, as a word for the page's counts."""
    learner = claims.learner_for(portal, portal.record_type, person.record_id)
    if learner is None:
        return "erased"
    try:
        with claims.held(learner) as mine:
            with transaction.atomic():
                claims.save(
                    mine, learnupon_user_id=account["id"], state=Learner.State.ACTIVE, creating_since=None,
                    linked_at=timezone.now(), look_at=None, email=person.email, first_name=person.first_name,
                    last_name=person.last_name, language=person.language,
                    # Whoever was invited may have courses waiting; the others' progress comes with the next walk.
                    read_due_at=timezone.now() if mine.queued_courses else None,
                )  # fmt: skip
            changed, _ = carrying.carry(learnupon, mine, person, account)
    except IntegrityError:
        if reviewing.elsewhere(learner, account["id"]):
            return _link(portal, learnupon, person, account)
        Learner.objects.filter(pk=learner.pk, state=Learner.State.NEW, learnupon_user_id=None).delete()
        return "conflicts"
    except TryAgain as error:
        if not error.counts:
            raise
        return "linked"  # the link stands; its data is compared again by the daily round
    except Refused:  # the account went away between the list and the write
        return "linked"
    return "linked_and_updated" if changed else "linked"
