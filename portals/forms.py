"""Forms of the connection pages: they check shape only; what the vendors say is `connecting`'s business."""

from typing import Any

from django import forms
from django.http import QueryDict

from portals.models import Portal, RecordType

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
    field_order = ["subdomain", "api_key", "api_secret", "record_type", "sso", "webhook_secret"]

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

    def clean_sso(self) -> str:
        return self.cleaned_data["sso"] or Portal.Sso.NONE


class SettingsForm(forms.Form):
    sso = forms.ChoiceField(
        label="How do people log in?",
        choices=Portal.Sso.choices,
        help_text="With SAML or SQSSO, people we add get no mail about setting a password.",
    )
    clash_policy = forms.ChoiceField(
        label="If a person already has an account in another portal of the realm",
        choices=Portal.ClashPolicy.choices,
        help_text="LearnUpon refuses to create the same e-mail twice within a realm, unless its setting allows it.",
    )
    realm_confirmed = forms.BooleanField(
        label="I confirm that this portal belongs to the same realm as our other portals", required=False
    )
    webhook_secret = secret_field(
        "Webhook secret", required=False, help_text="Leave empty to keep the one that is set."
    )

    def __init__(self, *args: Any, portal: Portal, **kwargs: Any) -> None:
        kwargs.setdefault("initial", {"sso": portal.sso, "clash_policy": portal.clash_policy})
        super().__init__(*args, **kwargs)
        self.portal = portal
        alone = not portal.account.portals.live().exclude(pk=portal.pk).exists()
        if alone or portal.realm != Portal.Realm.UNKNOWN:
            del self.fields["realm_confirmed"]

    def save(self) -> list[str]:
        """Write what changed and return the names of those fields."""
        data, portal = self.cleaned_data, self.portal
        wanted = {"sso": data["sso"], "clash_policy": data["clash_policy"]}
        if data["webhook_secret"]:
            wanted["webhook_secret"] = data["webhook_secret"]
        if data.get("realm_confirmed"):
            wanted["realm"] = Portal.Realm.CONFIRMED
        changed = [name for name, value in wanted.items() if getattr(portal, name) != value]
        for name in changed:
            setattr(portal, name, wanted[name])
        portal.save(update_fields=changed)
        return changed


def typed_rows(post: QueryDict) -> list[tuple[str, str, str]]:
    """The mapping rows as they were typed; a row without a property means that its field is not filled."""
    columns = (post.getlist("property"), post.getlist("definition_id"), post.getlist("policy"))
    return [row for row in zip(*columns, strict=False) if row[0]]
