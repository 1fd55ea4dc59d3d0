"""The model of sums that are kept, by itself for the length of models.py."""

from django.db import models
from django.db.models.functions import Now

from portals.models import HubSpotAccount


class Tally(models.Model):
    """Numbers counted over all rows of an account or a portal, kept a minute for every web process; never a person."""

    key = models.CharField(max_length=64, primary_key=True)  # what was counted, and of which row
    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="tallies")
    asked = (
        models.JSONField()
    )  # what else the numbers hang on: a day, a time zone, which courses are required
    numbers = models.JSONField()
    counted_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return self.key
