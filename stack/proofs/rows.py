"""Fills the database for a proof: `python -m stack.proofs.rows FIRST` with contact ids, one a line, on standard input.

Each contact gets a learner and an enrollment numbered from FIRST; all are due at the same moment.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from learners.models import Learner
    from portals.models import Portal

PORTAL = "acme"
CHUNK = 2000
USERS_FROM = 5_000_000  # LearnUpon user ids that the sandbox gives nobody


def fill(first: int, contacts: Sequence[str]) -> None:
    from django.db import transaction
    from django.db.models.functions import Now

    from learners.models import Enrollment
    from portals.models import Portal

    portal = Portal.objects.select_related("account").get(subdomain=PORTAL)
    learners = _learners(portal, contacts)
    with transaction.atomic():
        rows = [
            Enrollment(
                account=portal.account, portal=portal, learner=learner, enrollment_id=first + number,
                course_id=number % 40, course_name=f"Course {number % 40}", status="in_progress",
                progress_percent=float(number % 100), due_at=None,
            )
            for number, learner in enumerate(learners)
        ]  # fmt: skip
        Enrollment.objects.bulk_create(rows, batch_size=CHUNK)
        Enrollment.objects.filter(portal=portal, enrollment_id__gte=first).update(due_at=Now())


def _learners(portal: "Portal", contacts: Sequence[str]) -> "list[Learner]":
    """One for each contact, in order: those that are there already and new ones."""
    from django.utils import timezone

    from learners.models import Learner

    rows = [
        Learner(
            account=portal.account, portal=portal, record_type="contact", record_id=contact, state="active",
            learnupon_user_id=USERS_FROM + int(contact), email=f"learner{contact}@proof.example",
            checked_at=timezone.now(),
        )
        for contact in contacts
    ]  # fmt: skip
    Learner.objects.bulk_create(rows, batch_size=CHUNK, ignore_conflicts=True)
    known = {row.record_id: row for row in Learner.objects.filter(portal=portal)}
    return [known[contact] for contact in contacts]


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hubsync.settings")
    django.setup()
    fill(int(sys.argv[1]), sys.stdin.read().split())
