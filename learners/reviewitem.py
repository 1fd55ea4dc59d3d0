"""The model of the identity review, by itself for the length of models.py."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from portals.models import HubSpotAccount, Portal, RecordType


class ReviewItem(models.Model):
    """Two links that cannot both be right; a person decides. Ids only: the page reads names where they live."""

    class Kind(models.TextChoices):
        MERGED = "merged", "Two linked records were merged"
        ELSEWHERE = "elsewhere", "Another record has this LearnUpon account"
        CONFLICT = "conflict", "The record has another LearnUpon account already"

    class State(models.TextChoices):
        OPEN = "open", "To be decided"
        FIRST = "first", "The first link was kept"
        SECOND = "second", "The second link was kept"
        LEFT = "left", "Both were left as they are"

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="reviews")
    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="reviews")
    kind = models.CharField(max_length=16, choices=Kind)
    record_type = models.CharField(max_length=8, choices=RecordType)
    first_record = models.CharField(max_length=32)
    first_user = models.BigIntegerField()
    second_record = models.CharField(max_length=32)
    second_user = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    opened_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["portal", "first_record", "first_user", "second_record", "second_user"],
                name="review_once_per_pair",
            )
        ]
        indexes = [models.Index(fields=["portal"], condition=Q(state="open"), name="review_open")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"
