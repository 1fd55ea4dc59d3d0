"""Forms of the learner and activity pages."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django.utils import timezone

from hubsync.flows import FLOWS
from learners.models import Learner
from learners.outcomes import OUTCOMES
from learners.views.wording import kind_name
from portals import numbers
from portals.reasons import REASONS
from webhooks.models import Delivery

ANY = ("", "Any")
# The first and the last day of the calendar cannot be said in every time zone.
DAYS = [MinValueValidator(date(2000, 1, 1)), MaxValueValidator(date(2200, 1, 1))]


class LearnerSearch(forms.Form):
    q = forms.CharField(
        label="Search", max_length=254, required=False, help_text="Name, e-mail, record or user id"
    )
    state = forms.ChoiceField(label="State", choices=[ANY, *Learner.State.choices], required=False)

    def narrow(self, rows: QuerySet[Learner]) -> QuerySet[Learner]:
        """Only the learners asked for; a form with a mistake narrows nothing."""
        if not self.is_valid():
            return rows
        text, state = self.cleaned_data["q"].strip(), self.cleaned_data["state"]
        if state:
            rows = rows.filter(state=state)
        for word in text.split()[:4]:
            rows = rows.filter(_about_person(word))
        return rows


def _about_person(word: str) -> Q:
    names = Q(email__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
    if word.isdecimal() and len(word) < 19:
        names |= Q(record_id=word) | Q(learnupon_user_id=int(word))
    return names


class AddForm(forms.Form):
    record_id = forms.CharField(
        label="HubSpot record id",
        max_length=32,
        help_text="The number at the end of the record's address in HubSpot.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    action = forms.ChoiceField(
        label="What to do",
        choices=[
            ("user-add", "Add: creates the account now"),
            ("user-invite", "Invite: the person creates it"),
        ],
        required=False,
    )

    def clean_record_id(self) -> str:
        number = numbers.whole(self.cleaned_data["record_id"].strip())
        if not number:
            raise forms.ValidationError("Enter digits only: the record id, not the name or e-mail.")
        return str(number)  # as HubSpot writes it: a zero in front would make another record of it

    def clean_action(self) -> str:
        return self.cleaned_data["action"] or "user-add"


class UserSearch(forms.Form):
    q = forms.CharField(label="Search", max_length=254, required=False, help_text="Name or e-mail")
    of_team = forms.ChoiceField(label="Team", required=False)

    def __init__(self, *args: Any, teams: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["of_team"].choices = [ANY, *((team, team) for team in teams)]  # type: ignore[attr-defined]

    @property
    def text(self) -> str:
        return str(self.cleaned_data.get("q", "")).strip() if self.is_valid() else ""

    @property
    def team(self) -> str:
        return str(self.cleaned_data.get("of_team", "")) if self.is_valid() else ""


class ActivityFilter(forms.Form):
    state = forms.ChoiceField(label="State", choices=[ANY, *Delivery.State.choices], required=False)
    kind = forms.ChoiceField(
        label="What",
        choices=[
            ANY,
            (
                "Groups",
                [
                    ("hubspot.action.", "All workflow actions"),
                    ("learnupon.", "All course progress"),
                    ("hubspot.contact.", "All changes of contacts"),
                ],
            ),
            ("One kind", [(kind, kind_name(kind)) for kind in FLOWS]),
        ],
        required=False,
    )
    outcome = forms.ChoiceField(
        label="Result",
        choices=[ANY, *((outcome.code, outcome.title) for outcome in OUTCOMES.values())],
        required=False,
    )
    why = forms.ChoiceField(
        label="Why", choices=[ANY, *((code, name) for code, (name, _) in REASONS.items())], required=False
    )
    day = forms.DateField(
        label="Day",
        required=False,
        validators=DAYS,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    q = forms.CharField(
        label="About", max_length=64, required=False, help_text="Record, LearnUpon user or correlation id"
    )

    @property
    def active(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())

    def narrow(self, rows: QuerySet[Delivery], zone: tzinfo | None) -> QuerySet[Delivery]:
        """Only what was asked for; a day is one of the account's. A form with a mistake narrows nothing."""
        if not self.is_valid():
            return rows
        data = self.cleaned_data
        if data["state"]:
            rows = rows.filter(state=data["state"])
        if data["kind"]:
            rows = rows.filter(kind__startswith=data["kind"])
        if data["outcome"]:
            rows = rows.filter(outcome=data["outcome"])
        if data["why"]:
            rows = rows.filter(why=data["why"])
        if data["day"]:
            begin = timezone.make_aware(datetime.combine(data["day"], datetime.min.time()), zone)
            rows = rows.filter(received_at__gte=begin, received_at__lt=begin + timedelta(days=1))
        if text := data["q"].strip():
            rows = rows.filter(_about(text))
        return rows


def _about(text: str) -> Q:
    about = Q(record_id=text) | Q(correlation_id=text)
    if text.isdecimal() and len(text) < 19:
        about |= Q(learnupon_user_id=int(text)) | Q(enrollment_id=int(text))
    return about
