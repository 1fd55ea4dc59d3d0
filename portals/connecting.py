"""Connecting a LearnUpon portal: the key pair is tried before anything is saved."""

import hmac
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now

from portals import audit, mapping, realm, retries
from portals.clients.errors import Disconnected, Refused, TryAgain, VendorError
from portals.models import HubSpotAccount, Portal, PortalNumber

SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

NO_ANSWER = "LearnUpon did not answer. Nothing was saved; try again in a minute."
NAMESAKE = (
    "Workflows name a portal by the first part of its address, and {host} begins so too. Connect this one to another "
    "HubSpot account, or remove the other first."
)
REFUSED_SECONDS = 3600
MOST_LISTS = 10  # connected portals asked for their sub-portals while a person waits


class ConnectError(Exception):
    """Why a portal was not connected; `field` is the form field to look at."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True)
class _Candidate:
    subdomain: str
    region: str
    api_key: str
    api_secret: str

    @property
    def host(self) -> str:
        return f"{self.subdomain}.{self.region}"


def read_address(text: str) -> tuple[str, str]:
    """What people paste (`acme`, `acme.learnupon.com`, a whole address) as subdomain and region.

    LearnUpon's API answers only on its own hosts, so a white-label address cannot be used
    (https://support.learnupon.com/hc/en-us/articles/7529596410653)."""
    host = re.split(r"[/?#:]", re.sub(r"^[a-z]+://", "", text.strip().casefold()))[0].rstrip(".")
    for region in settings.LEARNUPON_REGIONS:
        if host.endswith(f".{region}"):
            host = host.removesuffix(f".{region}")
            break
    else:
        region = settings.LEARNUPON_REGIONS[0]
    if "." in host:
        raise ConnectError(
            "subdomain",
            f"{host} looks like a white-label address, and LearnUpon's API does not answer there. Enter the portal's "
            "own address instead: sign in to LearnUpon as an admin and use the part before .learnupon.com "
            "(Settings > General > Portal URL).",
        )
    if not SUBDOMAIN.fullmatch(host):
        raise ConnectError("subdomain", "Enter the portal's subdomain, such as acme for acme.learnupon.com.")
    return host, region


def connect(
    account: HubSpotAccount, *, subdomain: str, api_key: str, api_secret: str, record_type: str,
    sso: str = Portal.Sso.NONE, webhook_secret: str = "", same_realm: bool = False, actor: str = "",
) -> Portal:  # fmt: skip
    """Try the keys, then save. A portal that was removed from this account comes back with its number."""
    name, region = read_address(subdomain)
    candidate = _Candidate(name, region, api_key.strip(), api_secret.strip())
    fields = _try_keys(candidate)
    live = Portal.objects.live()
    if taken := live.filter(subdomain=name, region=region).first():
        raise ConnectError("subdomain", _taken(taken, account))
    if namesake := live.filter(account=account, subdomain=name).first():
        raise ConnectError("subdomain", NAMESAKE.format(host=namesake.host))
    listed, verdict = _realm(account, candidate, same_realm)
    try:
        with transaction.atomic():
            portal = _save(account, name, region, record_type)
            portal.api_key, portal.api_secret, portal.sso = api_key.strip(), api_secret.strip(), sso
            portal.webhook_secret = (
                webhook_secret.strip() or portal.webhook_secret or secrets.token_urlsafe(32)
            )
            portal.last_event_at = None  # what LearnUpon signs with an earlier secret is refused
            portal.state, portal.state_reason = Portal.State.CONNECTED, ""
            portal.fields, portal.sub_portals, portal.realm = fields, listed, verdict.realm
            portal.title = verdict.title or portal.title
            portal.save()
            realm.confirm_by_lists(account)
            audit.record(
                account, actor, "portal connected", portal, record_type=record_type, realm=verdict.realm
            )
    except IntegrityError:
        raise ConnectError("subdomain", "This portal was connected by somebody else just now.") from None
    return portal


def _taken(portal: Portal, account: HubSpotAccount) -> str:
    if portal.account_id == account.pk:
        return "This portal is connected already. Change its settings instead."
    return (
        "This portal is connected to another HubSpot account. A portal can feed one HubSpot account only: "
        "remove it there first."
    )


def _realm(
    account: HubSpotAccount, candidate: _Candidate, confirmed: bool
) -> tuple[list[dict[str, str]], realm.Verdict]:
    """What the portal lists, and whether it may join the account's others. An e-mail is one person within a realm
    only, so a portal of another one would mix up people."""
    try:
        listed = realm.sub_portals(candidate)
        verdict = realm.judge(account, candidate.subdomain, candidate.region, listed)
        if verdict.reason:  # the lists kept may be older than the portal
            _ask_again(account)
            verdict = realm.judge(account, candidate.subdomain, candidate.region, listed)
    except TryAgain:
        raise ConnectError("subdomain", NO_ANSWER) from None
    if verdict.other:
        raise ConnectError("subdomain", verdict.reason)
    if verdict.reason and not confirmed:
        raise ConnectError(
            "same_realm", f"Whether this portal shares the realm is not proven. {verdict.reason}"
        )
    if verdict.reason:
        verdict = realm.Verdict(Portal.Realm.CONFIRMED)
    return listed, verdict


def _ask_again(account: HubSpotAccount) -> None:
    for portal in Portal.objects.working().filter(account=account).order_by("pk")[:MOST_LISTS]:
        with suppress(VendorError):
            realm.refresh(portal)


def _try_keys(candidate: _Candidate) -> list[dict[str, Any]]:
    """The portal's custom user data fields: reading them is the cheapest way to see whether the keys work."""
    try:
        return [mapping.as_json(item) for item in mapping.read_fields(candidate)]
    except Disconnected:
        raise ConnectError(
            "api_key",
            "LearnUpon refused these API keys for this portal. Copy both from Settings > Integrations > API Keys of "
            "this very portal; keys of another portal of the realm do not work here.",
        ) from None
    except Refused as refusal:
        raise ConnectError(
            "subdomain", f"LearnUpon has no such portal, or no API there. {refusal.message}"
        ) from None
    except TryAgain:
        raise ConnectError("subdomain", NO_ANSWER) from None


def _save(account: HubSpotAccount, subdomain: str, region: str, record_type: str) -> Portal:
    before = (
        Portal.objects.filter(account=account, subdomain=subdomain, region=region).order_by("-pk").first()
    )
    if before and before.record_type == record_type:
        return before
    if (
        before
    ):  # another record type is another set of links: the old portal keeps its history, the new its number
        before.number = _number(account, f"{before.host}#{before.pk}")
        before.save(update_fields=["number"])
    portal = Portal(
        account=account, subdomain=subdomain, region=region, record_type=record_type, title=subdomain
    )
    portal.number = _number(account, f"{subdomain}.{region}")
    return portal


def _number(account: HubSpotAccount, host: str) -> int:
    """The host's number in this account, kept for ever; the account's row lock keeps two from taking one number."""
    HubSpotAccount.objects.select_for_update(no_key=True).get(pk=account.pk)
    known = PortalNumber.objects.filter(hub_id=account.hub_id, host=host).first()
    if known:
        return known.number
    highest = PortalNumber.objects.filter(hub_id=account.hub_id).aggregate(most=Max("number"))["most"] or 0
    return PortalNumber.objects.create(hub_id=account.hub_id, host=host, number=highest + 1).number


def reconnect(portal: Portal, api_key: str, api_secret: str, actor: str = "") -> None:
    """New keys for a live portal; links, mappings and history stay, and so does a pause."""
    portal.fields = _try_keys(
        _Candidate(portal.subdomain, portal.region, api_key.strip(), api_secret.strip())
    )
    with transaction.atomic():
        portal.state = _locked(portal).state  # as it is after the time LearnUpon took to answer
        if portal.state == Portal.State.REMOVED:
            raise ConnectError("api_key", "This portal was removed by somebody else just now.")
        if portal.state == Portal.State.DISCONNECTED:
            portal.state = Portal.State.CONNECTED
        portal.api_key, portal.api_secret, portal.state_reason = api_key.strip(), api_secret.strip(), ""
        portal.save(update_fields=["api_key", "api_secret", "fields", "state", "state_reason"])
        audit.record(portal.account, actor, "portal keys replaced", portal)


@transaction.atomic
def mark_disconnected(portal: Portal, reason: str) -> None:
    """LearnUpon refuses the keys this portal was called with: stop calling until somebody enters new ones. Where that
    was done meanwhile, the late refusal says nothing of them."""
    now = _locked(portal)
    if now.connected and _same_keys(now, portal):
        now.state, now.state_reason = Portal.State.DISCONNECTED, reason[:300]
        now.save(update_fields=["state", "state_reason"])


def _same_keys(one: Portal, other: Portal) -> bool:
    """Compared as every secret is, whoever asks."""
    return hmac.compare_digest(one.api_key.encode(), other.api_key.encode()) and hmac.compare_digest(
        one.api_secret.encode(), other.api_secret.encode()
    )


def rest_comparing(portal: Portal, why: str) -> None:
    """HubSpot refuses to show this portal's records, and would again: they rest, and the pages say why."""
    later = Now() + timedelta(seconds=retries.scaled(REFUSED_SECONDS))
    Portal.objects.filter(pk=portal.pk).update(compare_problem=why[:300], compare_after=later)


def records_shown(portal: Portal) -> None:
    """HubSpot shows them. What was refused less than an hour ago stays said: it was another question."""
    if portal.compare_problem:
        over = Portal.objects.filter(pk=portal.pk, compare_after__lte=Now())
        over.update(compare_problem="", compare_after=None)


def _locked(portal: Portal) -> Portal:
    return Portal.objects.select_for_update(no_key=True).get(pk=portal.pk)


@transaction.atomic
def pause(portal: Portal, actor: str = "") -> None:
    Portal.objects.filter(pk=portal.pk, state=Portal.State.CONNECTED).update(state=Portal.State.PAUSED)
    audit.record(portal.account, actor, "portal paused", portal)


@transaction.atomic
def resume(portal: Portal, actor: str = "") -> None:
    Portal.objects.filter(pk=portal.pk, state=Portal.State.PAUSED).update(state=Portal.State.CONNECTED)
    audit.record(portal.account, actor, "portal resumed", portal)


@transaction.atomic
def remove(portal: Portal, actor: str = "") -> None:
    """No data flows any more and the keys go at once; the number stays taken."""
    Portal.objects.filter(pk=portal.pk).update(
        state=Portal.State.REMOVED, api_key="", api_secret="", webhook_secret=""
    )
    audit.record(portal.account, actor, "portal removed", portal)
