"""Whose turn comes first inside one account."""

from django.db import models


class Lane(models.TextChoices):
    """People waiting in a workflow, then news, then history."""

    ACTIONS = "actions"
    LIVE = "live"
    BULK = "bulk"


RANK: dict[str, int] = {Lane.ACTIONS: 0, Lane.LIVE: 1, Lane.BULK: 2}
