"""Forms of the connection pages: they check shape only; what the vendors say is `connecting`'s business."""

import re
from typing import Any

from django import forms
from django.core.validators import validate_email
from django.http import QueryDict

from portals import configuration, mapping
from portals.models import Portal, RecordType

MOST_RECIPIENTS = 10
MOST_BYTES = 200_000

KEY_HELP = (
    "LearnUpon > Settings > Integrations > API keys. The pair is checked with LearnUpon before it is kept."
)
WEBHOOK_HELP = (
    "The secret of this portal's LearnUpon webhook (version 2), if it has one already: it proves that progress really "
    "comes from LearnUpon. Leave it empty and one is made for you to paste into LearnUpon."
)


def secret_field(label: str, *, required: bool, help_text: str = "") -> forms.CharField:
    """Never rendered back: a secret that was typed once does not travel to the browser again."""
    widget = forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False)
    return forms.CharField(label=label, max_length=255, required=required, widget=widget, help_text=help_text)


class VendorForm(forms.Form):
    """A form that can show what a vendor said about one of its fields, or about none of them."""

    def add_problem(self, field: str, message: str) -> None:
        self.add_error(field if field in self.fields else None, message)


class KeysForm(VendorForm):
    api_key = forms.CharField(
        label="API key",
        max_length=255,
        help_text=KEY_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    api_secret = secret_field("API secret", required=True)


class ConnectForm(KeysForm):
    field_order = ["subdomain", "api_key", "api_secret", "record_type", "sso", "webhook_secret", "same_realm"]

    subdomain = forms.CharField(
        label="LearnUpon address",
        max_length=253,
        help_text="For example acme, or acme.learnuponau.com if LearnUpon hosts you in Australia. If your portal has an address of your own "
        "(white label), enter the learnupon.com one: LearnUpon's API answers only there.",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    record_type = forms.ChoiceField(
        label="Which HubSpot records stand for its people?",
        choices=[
            (RecordType.CONTACT, "Contact records: you train customers, partners, members"),
            (RecordType.USER, "User records: you train your own sales and success teams"),
        ],
        initial=RecordType.CONTACT,
        widget=forms.RadioSelect,
        help_text="This cannot be changed later without removing the portal.",
    )
    sso = forms.ChoiceField(
        label="How do people log in to it?",
        choices=Portal.Sso.choices,
        initial=Portal.Sso.NONE,
        widget=forms.RadioSelect,
        required=False,
        help_text="With SAML or SQSSO, people we add get no mail about setting a password.",
    )
    webhook_secret = secret_field("Webhook secret", required=False, help_text=WEBHOOK_HELP)
    same_realm = forms.BooleanField(
        label="I confirm that this portal belongs to the same realm as our other portals", required=False
    )

    @property
    def asks_realm(self) -> bool:
        """Only where LearnUpon's lists prove nothing does the admin have to say it."""
        return "same_realm" in self.errors or bool(self["same_realm"].value())

    def clean_sso(self) -> str:
        return self.cleaned_data["sso"] or Portal.Sso.NONE


class SettingsForm(forms.Form):
    sso = forms.ChoiceField(
        label="How do people log in?",
        choices=Portal.Sso.choices,
        help_text="With SAML or SQSSO, people we add get no mail about setting a password.",
    )
    welcome_mail = forms.ChoiceField(
        label="Who mails people whose account was created?",
        choices=Portal.WelcomeMail.choices,
        required=False,
        help_text="LearnUpon sends nothing to people created by its API. Invitations are always sent by LearnUpon.",
    )
    clash_policy = forms.ChoiceField(
        label="If a person already has an account in another portal of the realm",
        choices=Portal.ClashPolicy.choices,
        help_text="LearnUpon refuses to create the same e-mail twice within a realm, unless its setting allows it.",
    )
    record_field = forms.TypedChoiceField(
        label="LearnUpon field that carries the HubSpot record id",
        coerce=int,
        empty_value=None,
        required=False,
        help_text="A text field of this portal, for reports and exports in LearnUpon that must name the HubSpot record. "
        "It is written with the other values, and emptied when a person is erased or another field is chosen.",
    )
    realm_confirmed = forms.BooleanField(
        label="I confirm that this portal belongs to the same realm as our other portals", required=False
    )
    webhook_secret = secret_field(
        "Webhook secret", required=False, help_text="Leave empty to keep the one that is set."
    )
    PLAIN = ("sso", "welcome_mail", "clash_policy", "record_field")

    def __init__(self, *args: Any, portal: Portal, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {name: getattr(portal, name) for name in self.PLAIN})
        super().__init__(*args, **kwargs)
        self.portal = portal
        self.fields["record_field"].choices = self._text_fields()  # type: ignore[attr-defined]
        alone = not portal.account.portals.live().exclude(pk=portal.pk).exists()
        if alone or portal.realm != Portal.Realm.UNKNOWN:
            del self.fields["realm_confirmed"]

    def _text_fields(self) -> list[tuple[int | str, str]]:
        """What the portal has, and the one chosen even where it is gone: saving must not change it unasked."""
        offered: list[tuple[int | str, str]] = [("", "None"), *mapping.text_fields(self.portal)]
        chosen = self.portal.record_field
        if chosen and chosen not in {value for value, _ in offered}:
            offered.append((chosen, f"Field {chosen} (no text field of this portal any more)"))
        return offered

    def clean_record_field(self) -> int | None:
        """Left out means left alone; a field that a property fills would be written twice."""
        if "record_field" not in self.data:
            return self.portal.record_field
        chosen: int | None = self.cleaned_data["record_field"]
        if chosen and chosen != self.portal.record_field:
            row = self.portal.mappings.filter(definition_id=chosen).first()
            if row:
                raise forms.ValidationError(
                    f"The mapping fills this field with {row.property_label}. Take that row out first."
                )
        return chosen

    def clean_welcome_mail(self) -> str:
        return self.cleaned_data["welcome_mail"] or self.portal.welcome_mail

    def save(self) -> list[str]:
        """Write what changed and return the names of those fields."""
        data, portal = self.cleaned_data, self.portal
        wanted = {name: data[name] for name in self.PLAIN}
        if data["webhook_secret"]:
            wanted["webhook_secret"] = data["webhook_secret"]
        if data.get("realm_confirmed"):
            wanted["realm"] = Portal.Realm.CONFIRMED
        changed = [name for name, value in wanted.items() if getattr(portal, name) != value]
        for name in changed:
            setattr(portal, name, wanted[name])
        if "record_field" in changed:
            portal.carry_record_id_in(wanted["record_field"])
        portal.save(update_fields=changed)
        return changed


class RecipientsForm(forms.Form):
    emails = forms.CharField(
        label="E-mail addresses",
        required=False,
        max_length=3000,
        widget=forms.Textarea(attrs={"rows": 5, "autocomplete": "off", "spellcheck": "false"}),
        help_text="One on each line, at most 10. Empty means that nobody is told by mail.",
    )

    def clean_emails(self) -> list[str]:
        lines = [line.strip() for line in re.split(r"[\s,;]+", self.cleaned_data["emails"]) if line.strip()]
        emails = list({line.casefold(): line for line in lines}.values())
        if len(emails) > MOST_RECIPIENTS:
            raise forms.ValidationError(f"At most {MOST_RECIPIENTS} addresses; these are {len(emails)}.")
        for email in emails:
            try:
                validate_email(email)
            except forms.ValidationError:
                raise forms.ValidationError(f"{email} is not an e-mail address.") from None
        return emails


class ImportForm(forms.Form):
    """A configuration as a file or, on the second page, as the text that the first one read."""

    file = forms.FileField(
        label="File", required=False, help_text="The JSON file that another portal's settings page gave you."
    )
    text = forms.CharField(required=False, max_length=MOST_BYTES, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        file = data.get("file")
        if file and file.size > MOST_BYTES:
            raise forms.ValidationError("This file is too large to be a portal's configuration.")
        data["text"] = file.read().decode("utf-8", "replace") if file else data.get("text", "")
        if not data["text"]:
            raise forms.ValidationError("Choose the file first.")
        try:
            data["configuration"] = configuration.parse(data["text"])
        except configuration.Unreadable as error:
            raise forms.ValidationError(str(error)) from None
        return data


def typed_rows(post: QueryDict) -> list[tuple[str, str, str]]:
    """The mapping rows as they were typed; a row without a property means that its field is not filled."""
    columns = (post.getlist("property"), post.getlist("definition_id"), post.getlist("policy"))
    return [row for row in zip(*columns, strict=False) if row[0]]
