"""What is left to set up, from the first portal to the first enrollment in HubSpot."""

from dataclasses import dataclass

from django.urls import reverse

from learners.views.wording import workflows_url
from portals.models import Portal


@dataclass(frozen=True)
class Step:
    label: str
    done: bool
    what: str  # what was done, or what there is to do
    address: str = ""
    live: bool = False  # the page finds out by itself when it is done


def of_portal(portal: Portal, *, mapped: bool, people: bool, walked: bool) -> list[Step]:
    def page(name: str) -> str:
        return reverse(name, args=[portal.pk])

    return [
        Step("Connect the portal", True, f"{portal.host} is connected."),
        Step("Choose the records", True, f"{portal.get_record_type_display()} stand for its people."),
        Step("Map properties", mapped, "Choose what fills LearnUpon's custom user data.", page("portals:mapping")),
        Step(
            "Switch on webhooks", portal.last_event_at is not None,
            "Paste address and secret into LearnUpon, so that progress arrives at once.", page("portals:settings"), live=True,
        ),
        Step(
            "Add the actions to a workflow", people,
            "In HubSpot, put User Add or User Invite into a workflow; this is done with the first person it adds.",
            workflows_url(portal.account),
        ),
        Step("Bring in history", walked, "Read what learners finished before today.", page("learners:backfill")),
    ]  # fmt: skip
