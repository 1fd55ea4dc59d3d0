"""The connections: HubSpot accounts, the LearnUpon portals each has connected, and what is mapped between them."""

import uuid

from django.conf import settings
from django.db import models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from portals.fields import EncryptedTextField


class RecordType(models.TextChoices):
    """Which HubSpot records stand for the people of a portal."""

    CONTACT = "contact", "Contact records"
    USER = "user", "User records"


class HubSpotAccount(models.Model):
    """One HubSpot customer that installed the app (HubSpot's JSON calls its number `portalId`)."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        DISCONNECTED = "disconnected", "Disconnected"

    hub_id = models.BigIntegerField("number at HubSpot", unique=True)
    hub_domain = models.CharField("domain at HubSpot", max_length=255, blank=True)
    ui_domain = models.CharField("domain of HubSpot's pages", max_length=255, blank=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    state = models.CharField(max_length=16, choices=State, default=State.CONNECTED)
    disconnected_reason = models.CharField(max_length=32, blank=True)
    disconnected_at = models.DateTimeField(null=True, blank=True)
    # Each install is a generation: what an earlier one began (a refresh, a disconnect) cannot touch a later one.
    generation = models.PositiveIntegerField(default=1)
    installed_at = models.DateTimeField(auto_now_add=True)
    # The latest install: what is older was not watched over meanwhile, and is compared before anything is written.
    connected_at = models.DateTimeField(db_default=Now())
    # Uninstalled for good: everything but tombstones, numbers and receipts is gone (gdpr/retention.py).
    purged_at = models.DateTimeField(null=True, blank=True)
    access_token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    token_expires_at = models.DateTimeField(null=True, blank=True)
    scopes = models.JSONField(default=list)
    # The app object's type id in this account and what is wrong with its schema, if anything (portals/schema.py).
    app_object_type = models.CharField(max_length=64, blank=True)
    app_object_problem = models.CharField(max_length=300, blank=True)
    # HubSpot's documentation says users cannot be associated; a refusal is remembered here.
    user_associations = models.BooleanField(default=True)
    # Who is told when something needs a person. Whoever was taken off is not put back by signing in.
    admin_emails = models.JSONField(default=list)
    removed_emails = models.JSONField(default=list)
    # What whoever runs Hubsync must mend, in words: HubSpot refuses the app itself, not this account.
    configuration_problem = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "HubSpot account"
        constraints = [
            models.CheckConstraint(condition=Q(generation__gte=1), name="account_generation_counts_from_one")
        ]

    def __str__(self) -> str:
        return f"HubSpot account {self.hub_id}"

    @property
    def connected(self) -> bool:
        return self.state == self.State.CONNECTED

    def has_scopes(self, *wanted: str) -> bool:
        return set(wanted) <= set(self.scopes)


class PortalNumber(models.Model):
    """The number that begins every `enrollment_key`: kept for ever per HubSpot account and LearnUpon host, also
    when account and portal are purged, so that a key can never come to mean another enrollment."""

    hub_id = models.BigIntegerField("HubSpot account")
    host = models.CharField(max_length=255)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hub_id", "host"], name="portal_number_per_host"),
            models.UniqueConstraint(fields=["hub_id", "number"], name="portal_number_used_once"),
        ]

    def __str__(self) -> str:
        return f"{self.hub_id}/{self.number}"


class PortalQuerySet(models.QuerySet["Portal"]):
    def live(self) -> "PortalQuerySet":
        return self.exclude(state=Portal.State.REMOVED)

    def working(self) -> "PortalQuerySet":
        return self.filter(state=Portal.State.CONNECTED, account__state=HubSpotAccount.State.CONNECTED)


class Portal(models.Model):
    """One LearnUpon site (top-level or sub-portal) connected to one HubSpot account."""

    class State(models.TextChoices):
        CONNECTED = "connected", "Connected"
        PAUSED = "paused", "Paused"
        DISCONNECTED = "disconnected", "LearnUpon refuses the API keys"
        REMOVED = "removed", "Removed"

    class Sso(models.TextChoices):
        NONE = "none", "No single sign-on"
        SAML = "saml", "SAML"
        SQSSO = "sqsso", "Signed query string (SQSSO)"

    class Realm(models.TextChoices):
        UNKNOWN = "unknown", "Not proven"
        CONFIRMED = "confirmed", "Confirmed by an admin"
        PROVEN = "proven", "Proven by LearnUpon's list of sub-portals"

    class ClashPolicy(models.TextChoices):
        REFUSE = "refuse", "Refuse, and say so in the workflow"
        INVITE = "invite", "Send an invitation instead"

    class WelcomeMail(models.TextChoices):
        HUBSYNC = "hubsync", "Hubsync, in the learner's language"
        NOBODY = "nobody", "Nobody from here: we tell people ourselves"

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="portals")
    number = models.PositiveIntegerField()
    webhook_id = models.UUIDField(
        unique=True, default=uuid.uuid4
    )  # the unguessable part of its webhook address
    webhook_secret = EncryptedTextField(default="")
    subdomain = models.CharField(max_length=63)
    region = models.CharField(max_length=32, default="learnupon.com")
    title = models.CharField(max_length=255, blank=True)
    api_key = EncryptedTextField()
    api_secret = EncryptedTextField()
    record_type = models.CharField(max_length=8, choices=RecordType)
    sso = models.CharField("single sign-on", max_length=8, choices=Sso, default=Sso.NONE)
    realm = models.CharField(max_length=16, choices=Realm, default=Realm.UNKNOWN)
    clash_policy = models.CharField(max_length=8, choices=ClashPolicy, default=ClashPolicy.REFUSE)
    welcome_mail = models.CharField(max_length=8, choices=WelcomeMail, default=WelcomeMail.HUBSYNC)
    # The custom user data field that carries the HubSpot record id, if the admin chose one; cleared at erasure.
    record_field = models.BigIntegerField(null=True, blank=True)
    # Those that carried it before: emptied with the next comparison of each person, or at their erasure.
    former_record_fields = models.JSONField(default=list, db_default=[])
    # What LearnUpon said when it was last asked, so that pages need not ask: custom user data fields
    # (`id, label, type_id, choices`), sub-portals (`title, subdomain`), and where the mapping no longer fits.
    fields = models.JSONField(default=list)
    sub_portals = models.JSONField(default=list)
    drift = models.JSONField(default=list)
    watched_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=16, choices=State, default=State.CONNECTED)
    state_reason = models.CharField(max_length=300, blank=True)
    # Why HubSpot does not let this portal's records be read, and when they are asked for again.
    compare_problem = models.CharField(max_length=300, blank=True, default="", db_default="")
    compare_after = models.DateTimeField(null=True, blank=True)
    connected_at = models.DateTimeField(auto_now_add=True)
    last_event_at = models.DateTimeField(null=True, blank=True)
    last_walk_at = models.DateTimeField(null=True, blank=True)
    courses_read_at = models.DateTimeField(null=True, blank=True)

    objects = PortalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subdomain", "region"], condition=~Q(state="removed"), name="portal_connected_once"
            ),
            models.UniqueConstraint(fields=["account", "number"], name="portal_number_in_account"),
        ]

    def __str__(self) -> str:
        return self.title or self.subdomain

    @property
    def host(self) -> str:
        return f"{self.subdomain}.{self.region}"

    @property
    def url(self) -> str:
        """Where a learner opens this portal, without a trailing slash."""
        return str(settings.LEARNUPON_URL).format(subdomain=self.subdomain, region=self.region)

    @property
    def webhook_url(self) -> str:
        return f"{settings.PUBLIC_URL}/webhooks/learnupon/{self.webhook_id}"

    @property
    def connected(self) -> bool:
        return self.state == self.State.CONNECTED

    @property
    def uses_sso(self) -> bool:
        return self.sso != self.Sso.NONE

    @property
    def mails_created(self) -> bool:
        """Does a person who was created get our mail? Not where logins are not LearnUpon's own."""
        return not self.uses_sso and self.welcome_mail == self.WelcomeMail.HUBSYNC

    @transaction.atomic
    def carry_record_id_in(self, field: int | None) -> None:
        """From now on this custom user data field carries the HubSpot record ids; None: no field does."""
        before = Portal.objects.select_for_update(no_key=True).get(pk=self.pk)
        former = {*before.former_record_fields, before.record_field} - {None, field}
        self.record_field, self.former_record_fields = field, sorted(former)
        self.save(update_fields=["record_field", "former_record_fields"])


class PropertyMapping(models.Model):
    """One HubSpot property that fills one LearnUpon custom user data field of a portal."""

    class Policy(models.TextChoices):
        ALWAYS = "always", "Always"
        IF_EMPTY = "if_empty", "Only if empty at LearnUpon"
        NEVER_CLEAR = "never_clear", "Always, but never clear"

    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="mappings")
    position = models.PositiveSmallIntegerField()
    property = models.CharField(max_length=255)
    property_label = models.CharField(max_length=255, blank=True)
    property_type = models.CharField(max_length=32)
    options = models.JSONField(default=list)  # [value, label] pairs, when the property is an enumeration
    definition_id = models.BigIntegerField("LearnUpon field")
    definition_label = models.CharField(max_length=255, blank=True)
    definition_type = models.PositiveSmallIntegerField()
    choices = models.JSONField(default=list)  # the field's allowed values, when it is a choice
    policy = models.CharField(max_length=16, choices=Policy, default=Policy.ALWAYS)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["portal", "definition_id"], name="field_mapped_once")]

    def __str__(self) -> str:
        return f"{self.property} -> {self.definition_label}"


class Course(models.Model):
    """A course of a portal as LearnUpon lists it; `required` is ours, because LearnUpon has no such flag. One that
    LearnUpon lists no more, as when a new version takes its place, keeps the name of old progress; nobody can be
    enrolled in it."""

    portal = models.ForeignKey(Portal, on_delete=models.CASCADE, related_name="courses")
    course_id = models.BigIntegerField("LearnUpon course")
    name = models.CharField(max_length=500)
    required = models.BooleanField(default=False)
    listed = models.BooleanField(default=True, db_default=True)
    walked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["portal", "course_id"], name="course_once_per_portal")]

    def __str__(self) -> str:
        return self.name


class Tombstone(models.Model):
    """A person who asked to be forgotten, as a keyed hash: enough to recognise late data, not to name anybody."""

    class Kind(models.TextChoices):
        RECORD = "record"
        EMAIL = "email"

    hub_id = models.BigIntegerField("HubSpot account")
    kind = models.CharField(max_length=8, choices=Kind)
    record_type = models.CharField(max_length=8, choices=RecordType)
    digest = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["hub_id", "kind", "record_type", "digest"], name="tombstone_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.hub_id}"


class AuditEntry(models.Model):
    """What an admin or an operator did: who, when, what; never the person it was about."""

    account = models.ForeignKey(HubSpotAccount, on_delete=models.CASCADE, related_name="audit")
    portal = models.ForeignKey(Portal, on_delete=models.SET_NULL, null=True, blank=True)
    at = models.DateTimeField(auto_now_add=True)
    actor = models.CharField(max_length=255)
    action = models.CharField(max_length=64)
    details = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(F("account"), F("at").desc(), name="audit_newest_first")]

    def __str__(self) -> str:
        return self.action
