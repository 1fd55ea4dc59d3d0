"""Whose turn comes first inside one account."""

from django.db import models


class Lane(models.TextChoices):
    """People to be forgotten, people waiting in a workflow, then news, then history. Each has a queue of its name."""

    PRIVACY = "privacy"
    ACTIONS = "actions"
    LIVE = "live"
    BULK = "bulk"


RANK: dict[str, int] = {Lane.PRIVACY: 0, Lane.ACTIONS: 1, Lane.LIVE: 2, Lane.BULK: 3}
