"""Forms of the learner and activity pages."""

from django import forms
from django.db.models import Q, QuerySet

from learners.models import Learner
from webhooks.models import Delivery

ANY = ("", "Any")


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
        value: str = self.cleaned_data["record_id"].strip()
        if not value.isdecimal():
            raise forms.ValidationError("Enter digits only: the record id, not the name or e-mail.")
        return value

    def clean_action(self) -> str:
        return self.cleaned_data["action"] or "user-add"


class ActivityFilter(forms.Form):
    state = forms.ChoiceField(label="State", choices=[ANY, *Delivery.State.choices], required=False)
    kind = forms.ChoiceField(
        label="What",
        choices=[
            ANY,
            ("hubspot.action.", "Workflow actions"),
            ("learnupon.", "Course progress"),
            ("hubspot.contact.", "Changes of contacts"),
        ],
        required=False,
    )
    q = forms.CharField(
        label="About", max_length=64, required=False, help_text="Record, LearnUpon user or correlation id"
    )

    @property
    def active(self) -> bool:
        return self.is_valid() and any(self.cleaned_data.values())

    def narrow(self, rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if not self.is_valid():
            return rows
        data = self.cleaned_data
        if data["state"]:
            rows = rows.filter(state=data["state"])
        if data["kind"]:
            rows = rows.filter(kind__startswith=data["kind"])
        if text := data["q"].strip():
            about = Q(record_id=text) | Q(correlation_id=text)
            if text.isdecimal() and len(text) < 19:
                about |= Q(learnupon_user_id=int(text)) | Q(enrollment_id=int(text))
            rows = rows.filter(about)
        return rows
