"""What arrived from outside. A Delivery is written before it is acknowledged and worked from its row alone."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portals.clients.errors import Reason
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal


class Delivery(models.Model):
    """One thing that arrived, about one person: what it is, what it is about, what became of it.

    A waiting row is due at `due_at`. Claiming it moves `due_at` to the claim's end and counts `claim` up; every
    write-back asks for the same `claim`, so a worker that was presumed dead cannot overwrite its successor.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    class Tell(models.TextChoices):
        NOTHING = "nothing", "Nobody waits for an answer"
        OWED = "owed", "HubSpot waits for the answer"
        TOLD = "told", "HubSpot has been told"
        UNKNOWN = "unknown", "Told, but HubSpot does not know the callback"

    # No indexes of their own: those below that begin with them serve, and every one costs every arrival.
    account = models.ForeignKey(
        HubSpotAccount, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    portal = models.ForeignKey(
        Portal, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries", db_index=False
    )
    kind = models.CharField(max_length=80)  # a key of hubsync.flows.FLOWS
    lane = models.CharField(max_length=8, choices=Lane)
    key = models.CharField(max_length=200, unique=True)
    received_at = models.DateTimeField(db_default=Now())
    occurred_at = models.DateTimeField(null=True, blank=True)
    body = models.JSONField(null=True)

    # What it is about, so that it can be found, ordered and erased without reading bodies.
    record_type = models.CharField(max_length=8, blank=True)
    record_id = models.CharField("HubSpot record", max_length=32, blank=True)
    learnupon_user_id = models.BigIntegerField("LearnUpon user", null=True, blank=True)
    enrollment_id = models.BigIntegerField("LearnUpon enrollment", null=True, blank=True)
    callback_id = models.CharField(max_length=150, blank=True)

    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(db_default=Now())
    claim = models.PositiveIntegerField(default=0)
    # Claims taken since one of them ended: more than the one in hand means that workers died of it, or with it.
    unended = models.PositiveSmallIntegerField(default=0, db_default=0)
    # When LearnUpon was asked to do it, unless it clearly said no: a repeat may find its own work done.
    asked_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)
    first_tried_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=32, blank=True)
    # Why it failed, or waits for more than passing trouble: a class a person can act on.
    why = models.CharField(
        max_length=16,
        choices=[(one.value, one.name) for one in Reason],
        blank=True,
        default="",
        db_default="",
    )
    reason = models.CharField(max_length=500, blank=True)  # in plain words, for the admin; no personal data
    correlation_id = models.CharField(max_length=64, blank=True)
    outputs = models.JSONField(default=dict)
    done_at = models.DateTimeField(null=True, blank=True)

    tell = models.CharField(max_length=8, choices=Tell, default=Tell.NOTHING)
    tell_due_at = models.DateTimeField(null=True, blank=True)
    tell_attempts = models.PositiveIntegerField(default=0)
    tell_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["account", "lane", "due_at"], condition=Q(state="waiting"), name="delivery_due"
            ),
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="delivery_due_any"),
            models.Index(
                fields=["account", "tell_due_at"], condition=Q(tell="owed"), name="delivery_tell_due"
            ),
            models.Index(fields=["account", "-received_at"], name="delivery_newest"),
            models.Index(
                fields=["account", "state", "portal"],
                condition=Q(state__in=["waiting", "failed"]),
                name="delivery_unfinished",
            ),
            models.Index(fields=["account", "record_type", "record_id"], name="delivery_about_record"),
            models.Index(fields=["portal", "learnupon_user_id"], name="delivery_about_user"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class DailyCount(models.Model):
    """How many deliveries of a day ended how: what is left of rows that were kept long enough."""

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="daily_counts")
    day = models.DateField()
    kind = models.CharField(max_length=80)
    outcome = models.CharField(max_length=32, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "day", "kind", "outcome"], name="daily_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.count} {self.kind} on {self.day}"


class Heartbeat(models.Model):
    """When beat and the workers last showed that they live."""

    class Name(models.TextChoices):
        BEAT = "beat", "Beat"
        WORKER = "worker", "Workers"

    name = models.CharField(max_length=8, choices=Name, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.name} at {self.at}"
