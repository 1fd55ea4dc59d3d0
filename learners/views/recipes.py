"""How to build the three reports in HubSpot's report builder, with the property names of the account."""

from dataclasses import dataclass

from portals.models import Portal, RecordType
from portals.schema import PREFIX


@dataclass(frozen=True)
class Step:
    what: str
    label: str
    name: str = ""
    then: str = ""


@dataclass(frozen=True)
class Recipe:
    title: str
    steps: list[Step]


def _property(what: str, name: str, then: str = "") -> Step:
    """A step about a property of the course enrollment; HubSpot shows its label and finds it by either."""
    return Step(what, name.replace("_", " ").title(), PREFIX + name, then)


def recipes(portal: Portal) -> list[Recipe]:
    who = Step("Rows:", "Email", "email", "of the contact")
    if portal.record_type == RecordType.USER:
        who = Step("Rows:", "Email", "hs_email", "of the user")
    count = Step("Values:", "Count of Course Enrollments")
    completed = _property("Filter:", "status", "is any of Completed")
    chart = Step("Chart:", "Pivot table")
    return [
        Recipe(
            "People by number of courses per status", [chart, who, _property("Columns:", "status"), count]
        ),
        Recipe(
            "Completed courses by date",
            [
                Step("Chart:", "Vertical bar"),
                _property("X-axis:", "completed_at", "by month or day"),
                Step("Y-axis:", "Count of Course Enrollments"),
                _property("Break down by:", "course_name", "if you like"),
                completed,
            ],
        ),
        Recipe(
            "People with a required course completed",
            [
                chart,
                who,
                _property("Columns:", "course_name"),
                _property("Filter:", "required", "is Yes"),
                completed,
            ],
        ),
    ]
