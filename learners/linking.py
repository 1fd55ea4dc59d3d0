"""Linking the accounts a portal has already to the HubSpot records with the same e-mail.

The portal's user list is read page by page, 500 accounts a request, and each page's e-mails are looked up in HubSpot
100 a call: ten thousand links cost LearnUpon as many requests as its list has pages. Accounts without a record are
stored nowhere; people who asked to be forgotten are not matched.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import prefetch_related_objects
from django.utils import timezone

from learners import carrying, claims, people, reviewing
from learners.models import Learner, Walk
from learners.people import Person
from learners.reviewitem import ReviewItem
from portals import tombstones
from portals.clients.errors import Refused, TryAgain
from portals.clients.hubspot import BATCH
from portals.clients.learnupon import LearnUpon
from portals.lanes import Lane
from portals.models import Portal

Row = dict[str, Any]
TOGETHER = 50  # links made in one transaction: a commit for each would cost more than all the rest


def link_page(walk: Walk, learnupon: LearnUpon, rows: Iterable[Row], lane: str) -> Counter[str]:
    """Link one page of accounts, or only count what would happen when the walk is a preview."""
    portal = walk.portal
    accounts = {str(row.get("email") or "").strip().casefold(): row for row in rows if row.get("email")}
    counts: Counter[str] = Counter(accounts=len(accounts))
    _leave_out(portal, accounts, counts)
    found = people.by_email(portal, list(accounts), lane)
    counts["without_record"] += len(accounts) - len(found)
    pairs = [(person, accounts[email]) for email, person in found.items()]
    if walk.preview:
        return counts + Counter(_hindrance(portal, person, 0) or "would_link" for person, _ in pairs)
    prefetch_related_objects([portal], "mappings")
    for start in range(0, len(pairs), TOGETHER):
        counts += _link_some(portal, learnupon, pairs[start : start + TOGETHER])
    return counts


def examples(portal: Portal, most: int = 5) -> list[Person]:
    """A few of the records that would be linked, read now and kept nowhere: the first ones of the first page."""
    page = LearnUpon(portal, Lane.ACTIONS).users(1)
    accounts = {str(row["email"]).strip().casefold(): row for row in page.rows if row.get("email")}
    _leave_out(portal, accounts, Counter())
    found = people.by_email(portal, list(accounts)[:BATCH], Lane.ACTIONS)
    return [person for person in found.values() if not _hindrance(portal, person, 0)][:most]


def _link_some(portal: Portal, learnupon: LearnUpon, pairs: list[tuple[Person, Row]]) -> Counter[str]:
    """Tie some accounts in one transaction, then write what differs at LearnUpon, which takes its time."""
    counts: Counter[str] = Counter()
    differ: list[tuple[Learner, Person, Row]] = []
    with transaction.atomic():
        for person, account in pairs:
            ended = _hindrance(portal, person, account["id"]) or _tie(portal, person, account)
            if isinstance(ended, Learner):
                differ.append((ended, person, account))
            else:
                counts[ended] += 1
    return counts + Counter(_carry(learnupon, *one) for one in differ)


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


def _tie(portal: Portal, person: Person, account: Row) -> str | Learner:
    """Tie one account to its record: how it ended, as a word for the page's counts, or the learner whose data
    differs."""
    learner = claims.learner_for(portal, portal.record_type, person.record_id)
    if learner is None:
        return "erased"
    try:
        with claims.held(learner) as mine:
            mine.portal = portal  # with its mapping, read once
            with transaction.atomic():
                claims.save(
                    mine, learnupon_user_id=account["id"], state=Learner.State.ACTIVE, creating_since=None,
                    linked_at=timezone.now(), look_at=None, email=person.email, first_name=person.first_name,
                    last_name=person.last_name, language=person.language,
                    # Whoever was invited may have courses waiting; the others' progress comes with the next walk.
                    read_due_at=timezone.now() if mine.queued_courses else None,
                )  # fmt: skip
            return "linked" if carrying.alike(mine, person, account) else mine
    except IntegrityError:
        if reviewing.elsewhere(learner, account["id"]):
            return _tie(portal, person, account)
        Learner.objects.filter(pk=learner.pk, state=Learner.State.NEW, learnupon_user_id=None).delete()
        return "conflicts"


def _carry(learnupon: LearnUpon, learner: Learner, person: Person, account: Row) -> str:
    try:
        with claims.held(learner) as mine:
            changed, _ = carrying.carry(learnupon, mine, person, account)
    except TryAgain as error:
        if not error.counts:
            raise
        return "linked"  # the link stands; its data is compared again by the daily round
    except Refused:  # the account went away between the list and the write
        return "linked"
    return "linked_and_updated" if changed else "linked"
