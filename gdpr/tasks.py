"""Claim, call, record: the tasks around erasure and retention."""

from celery import shared_task
from django.db.models import Q
from django.db.models.functions import Now

from gdpr import retention, steps
from gdpr.models import ErasureStep
from portals.lanes import Lane
from portals.models import HubSpotAccount


@shared_task(name="gdpr.sweep")
def sweep() -> None:
    connected = Q(erasure__account__state=HubSpotAccount.State.CONNECTED)
    due = ErasureStep.objects.filter(
        connected | Q(kind=ErasureStep.Kind.CLEAR), done_at=None, due_at__lte=Now()
    )
    for account_id in due.values_list("erasure__account_id", flat=True).distinct():
        run_steps.apply_async(args=(account_id, Lane.PRIVACY), queue=Lane.PRIVACY, expires=60)


@shared_task(name="gdpr.steps")
def run_steps(account_id: int, lane: str) -> None:
    steps.run(HubSpotAccount.objects.get(pk=account_id))


@shared_task(name="gdpr.retention")
def tidy() -> None:
    retention.tidy()
