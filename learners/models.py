"""Who learns and how far they are: Learner links a HubSpot record to a LearnUpon user, Enrollment is their progress."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from learners.reviewitem import ReviewItem as ReviewItem
from learners.tally import Tally as Tally
from portals.models import HubSpotAccount, Portal, RecordType


class Learner(models.Model):
    """The link between a HubSpot record and a LearnUpon user in one portal."""

    class State(models.TextChoices):
        NEW = "new", "Being added"
        PENDING = "pending", "Invited, not accepted yet"
        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"
        UNLINKED = "unlinked", "Unlinked"

    class Sent(models.TextChoices):
        """How far something that cannot be taken back (an invitation, a mail) has gone."""

        NO = "no", "Not sent"
        DUE = "due", "To be sent"
        SENDING = "sending", "Being sent"
        SENT = "sent", "Sent"
        UNCONFIRMED = "unconfirmed", "Not known whether it was sent"

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="learners")
    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="learners")
    record_type = models.CharField(max_length=8, choices=RecordType)
    record_id = models.CharField("HubSpot record", max_length=32)
    learnupon_user_id = models.BigIntegerField("LearnUpon user", null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.NEW)
    state_reason = models.CharField(max_length=300, blank=True)
    email = models.CharField(max_length=254, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    language = models.CharField(max_length=8, blank=True)
    added_at = models.DateTimeField(db_default=Now())
    linked_at = models.DateTimeField(null=True, blank=True)
    # One worker at a time speaks to LearnUpon about a learner.
    busy_until = models.DateTimeField(null=True, blank=True)
    busy_claim = models.PositiveIntegerField(default=0)
    creating_since = models.DateTimeField(null=True, blank=True)  # POST /users was not answered clearly since
    invitation = models.CharField(max_length=16, choices=Sent, default=Sent.NO)
    invited_at = models.DateTimeField(null=True, blank=True)
    look_at = models.DateTimeField(null=True, blank=True)  # whether the invitation was accepted
    welcome = models.CharField(max_length=16, choices=Sent, default=Sent.NO)  # the mail for a first login
    welcome_due_at = models.DateTimeField(null=True, blank=True)
    welcome_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)  # that the server declined
    read_due_at = models.DateTimeField(null=True, blank=True)  # to fetch all of the learner's enrollments
    read_attempts = models.PositiveSmallIntegerField(default=0, db_default=0)  # failed in a row
    fingerprint = models.CharField(max_length=64, blank=True)  # of the HubSpot values as last carried over
    checked_at = models.DateTimeField(null=True, blank=True)  # when the record was last compared with it
    queued_courses = models.JSONField(default=list)  # to be enrolled in once the invitation is accepted
    # When HubSpot last showed the record, and since when it does not: see learners/presence.py.
    seen_at = models.DateTimeField(db_default=Now())
    missing_since = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["portal", "record_type", "record_id"],
                condition=~Q(state="unlinked"),
                name="learner_once_per_record",
            ),
            models.UniqueConstraint(
                fields=["portal", "learnupon_user_id"],
                condition=~Q(state="unlinked"),
                name="learner_once_per_learnupon_user",
            ),
        ]
        indexes = [
            models.Index(fields=["account", "record_type", "record_id"], name="learner_about_record"),
            models.Index(fields=["portal", "look_at"], condition=Q(look_at__isnull=False), name="learner_look_due"),
            models.Index(fields=["welcome_due_at"], condition=Q(welcome_due_at__isnull=False), name="learner_welcome_due"),
            models.Index(fields=["portal", "checked_at"], condition=Q(state="active"), name="learner_check_due"),
            models.Index(
                fields=["portal", "seen_at"], name="learner_unseen",
                condition=Q(state__in=["pending", "active", "paused"], missing_since=None),
            ),
            models.Index(fields=["portal", "missing_since"], condition=Q(missing_since__isnull=False), name="learner_missing"),
            models.Index(fields=["portal", "read_due_at"], condition=Q(read_due_at__isnull=False), name="learner_read_due"),
            models.Index(fields=["account"], condition=Q(state="new"), name="learner_new"),
            models.Index(fields=["account"], condition=Q(invitation="sending"), name="learner_sending"),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"learner {self.pk}"


# The states in which a record and a person belong together.
LINKED = (Learner.State.PENDING, Learner.State.ACTIVE, Learner.State.PAUSED)


class Enrollment(models.Model):
    """One learner's one go at one course, as LearnUpon last told it and as HubSpot last got it.
    `version` counts changes, `pushed_version` the last one HubSpot has; `due_at` is set while they differ or the
    association is missing, and is the only thing the push looks for.
    """

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", "Not Started"
        IN_PROGRESS = "in_progress", "In Progress"
        COMPLETED = "completed", "Completed"

    class Result(models.TextChoices):
        NONE = "", "None"
        PASSED = "passed", "Passed"
        FAILED = "failed", "Failed"
        PENDING_REVIEW = "pending_review", "Pending Review"

    # Without an index of their own, which every write would pay for: others below begin with each of the two.
    account = models.ForeignKey(
        HubSpotAccount, on_delete=models.CASCADE, related_name="enrollments", db_index=False
    )
    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="enrollments", db_index=False)
    learner = models.ForeignKey(Learner, on_delete=models.CASCADE, related_name="enrollments")
    enrollment_id = models.BigIntegerField("LearnUpon enrollment")
    course_id = models.BigIntegerField("LearnUpon course")
    course_name = models.CharField(max_length=500, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.NOT_STARTED)
    result = models.CharField(max_length=16, choices=Result, blank=True, default=Result.NONE)
    progress_percent = models.FloatField(null=True, blank=True)
    score_percent = models.FloatField(null=True, blank=True)
    enrolled_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    last_accessed_at = models.DateTimeField(null=True, blank=True)
    due_on = models.DateField(null=True, blank=True)
    certificate_expires_on = models.DateField(null=True, blank=True)
    certificate_name = models.CharField(max_length=255, blank=True)
    overdue = models.BooleanField(default=False)
    unenrolled = models.BooleanField(default=False)
    withdrawn = models.BooleanField(default=False)  # its record is to leave HubSpot, finished or not

    # As of when we know it: a REST read is whole, a webhook carries some fields only (learners/enrollments.py).
    read_as_of = models.DateTimeField(null=True, blank=True)
    stamps = models.JSONField(default=dict)

    version = models.PositiveIntegerField(default=1)
    pushed_version = models.PositiveIntegerField(default=0)
    hubspot_id = models.CharField("HubSpot enrollment record", max_length=32, blank=True)
    associated_with = models.CharField(max_length=32, blank=True)  # its record id in HubSpot as last tied
    changed_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    # While due: part of a history or of a change of very many rows, so that it goes behind what is news.
    bulk = models.BooleanField(default=False, db_default=False)
    claim = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    pushed_at = models.DateTimeField(null=True, blank=True)
    parked_reason = models.CharField(max_length=500, blank=True)
    why = models.CharField(max_length=16, blank=True, default="", db_default="")  # of parked_reason
    correlation_id = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["portal", "enrollment_id"], name="enrollment_once_per_portal")
        ]
        indexes = [
            models.Index(
                fields=["account", "bulk", "due_at"],
                condition=Q(due_at__isnull=False),
                name="enrollment_due_in_lane",
            ),
            models.Index(fields=["portal", "course_id", "status"], name="enrollment_by_course"),
            models.Index(
                fields=["portal", "-completed_at", "-id"],
                condition=Q(status="completed", unenrolled=False),
                name="enrollment_completed",
            ),
            # What overview and insights count, found without touching the rows.
            models.Index(fields=["account", "portal", "status"], name="enrollment_statuses"),
            models.Index(
                fields=["account", "pushed_at"], include=["portal", "changed_at"], name="enrollment_freshness"
            ),
            models.Index(
                fields=["portal", "learner"],
                include=["status"],
                condition=Q(unenrolled=False),
                name="enrollment_by_learner",
            ),
            models.Index(
                fields=["account", "portal"], condition=~Q(parked_reason=""), name="enrollment_parked"
            ),
        ]

    def __str__(self) -> str:
        return f"enrollment {self.enrollment_id}"

    @property
    def key(self) -> str:
        return f"{self.portal.number}:{self.enrollment_id}"


class Walk(models.Model):
    """One reading of a portal's enrollments, course by course and page by page; it goes on where it stopped."""

    class Kind(models.TextChoices):
        POLL = "poll", "Regular check"
        HISTORY = "history", "Bring in history"
        LINK = "link", "Link existing accounts"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE)
    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="walks")
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    courses = models.JSONField(default=list)  # still to be walked, the first one now
    courses_total = models.PositiveIntegerField(default=0)
    page = models.PositiveIntegerField(default=1)
    # LearnUpon's clock when the current course's first page was read: what it did not show since is missing.
    course_as_of = models.DateTimeField(null=True, blank=True)
    unread = models.JSONField(default=dict, db_default={})  # courses LearnUpon refuses to show -> why
    preview = models.BooleanField(default=False)  # count only, write nothing
    counts = models.JSONField(default=dict)  # how many ended how, by word
    rows_seen = models.PositiveIntegerField(default=0)
    rows_linked = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    claim = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)  # at this page
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["due_at"], condition=Q(state="running"), name="walk_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["portal"], condition=Q(state__in=["running", "paused"]), name="walk_one_at_a_time"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} walk {self.pk}"


class Cause(models.TextChoices):
    """What admins are told by mail, because it needs a person."""

    HUBSPOT_LOST = "hubspot-lost", "HubSpot no longer lets the app in"
    LEARNUPON_LOST = "learnupon-lost", "LearnUpon refuses the API keys"
    FAILURES = "failures", "Unusually much fails"
    QUIET = "quiet", "LearnUpon has gone quiet"
    DRIFT = "drift", "A mapping no longer fits"


class Notice(models.Model):
    """A mail that told an account's admins of a cause; written before it is sent, so that a day has one at most."""

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="notices")
    cause = models.CharField(max_length=16, choices=Cause)
    day = models.DateField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "cause", "day"], name="notice_once_a_day_per_cause")
        ]

    def __str__(self) -> str:
        return f"{self.cause} on {self.day}"


class Silence(models.Model):
    """An admin who wants no more mails of one cause."""

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="silences")
    cause = models.CharField(max_length=16, choices=Cause)
    email = models.CharField(max_length=254)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "cause", "email"], name="silence_once_per_cause")
        ]

    def __str__(self) -> str:
        return f"silence {self.pk}"
