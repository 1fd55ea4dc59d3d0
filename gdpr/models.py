"""The receipts of privacy deletions, and the work each still has to do at the vendors."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from portals.fields import EncryptedTextField
from portals.models import HubSpotAccount, RecordType


class Erasure(models.Model):
    """The receipt of a privacy deletion: when it was asked, when it was done, how much went. No personal data:
    the person is known only by the same keyed hash as their tombstone."""

    class Source(models.TextChoices):
        HUBSPOT = "hubspot", "HubSpot's privacy deletion"
        ADMIN = "admin", "An admin on our page"
        MISSED = "missed", "Found missing in HubSpot"

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="erasures")
    record_type = models.CharField(max_length=8, choices=RecordType)
    digest = models.BinaryField(max_length=32)
    source = models.CharField(max_length=8, choices=Source)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    asked_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)  # an admin let the record be added again
    counts = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "record_type", "digest"], name="erasure_once_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk}"

    @property
    def liftable(self) -> bool:
        """Only what an admin asked for can be taken back by one, and only once the work is done."""
        return self.source == self.Source.ADMIN and self.state == self.State.DONE and not self.lifted_at


class ErasureStep(models.Model):
    """One thing still to be done at a vendor for an erasure. What it needs to know is encrypted and goes with it."""

    class Kind(models.TextChoices):
        BLANK = "blank", "Blank and archive app-object records in HubSpot"
        AGAIN = "again", "Look again for what a late call brought back"
        CLEAR = "clear", "Clear the HubSpot record id at LearnUpon"

    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(max_length=16, choices=Kind)
    secret = EncryptedTextField(default="")
    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    # Claims since one of them ended: above 1 a worker died with it.
    claim = models.PositiveIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["due_at"], condition=Q(done_at__isnull=True), name="erasure_step_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.erasure_id}"


def finish(erasure: Erasure) -> None:
    """Both vendors have confirmed."""
    erasure.state, erasure.done_at = Erasure.State.DONE, timezone.now()
    erasure.save()


def receipt(erasure: Erasure) -> dict[str, Any]:
    """The receipt as a person may read it; times are UTC."""
    return {
        "asked_at": erasure.asked_at,
        "done_at": erasure.done_at,
        "source": erasure.get_source_display(),
        "counts": erasure.counts,
        "pending": [step.get_kind_display() for step in erasure.steps.filter(done_at=None)],
    }
