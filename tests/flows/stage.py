"""The whole stage in one process: Hubsync behind a real port, both worlds behind theirs, a worker played by hand."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import orjson
import requests
from django.conf import settings
from django.db import connection

import gdpr.tasks
import learners.tasks
import webhooks.tasks
from learners import push_rows
from learners.models import Enrollment
from portals import oauth, schema, tokens
from portals.clients import breaker, limiter, versions
from portals.clients.batches import Row as BatchRow
from portals.clients.hubspot import HubSpot
from portals.lanes import Lane
from portals.models import HubSpotAccount, Portal
from sandbox.hubspot import signing
from tests.flows.worlds import WAIT, Worlds, fresh_limiter, hurry_breakers
from webhooks.models import Delivery

T = TypeVar("T")
Row = dict[str, Any]
ACME, GLOBEX = 1001, 1002
PORTALS = {"acme": ACME, "acme-partners": ACME, "globex": GLOBEX}
# What a worker and beat would find due right now.
DUE = (
    "SELECT (SELECT count(*) FROM webhooks_delivery d JOIN portals_hubspotaccount a ON a.id = d.account_id"
    " WHERE (d.state = 'waiting' AND d.due_at <= now() AND (a.state = 'connected' OR d.lane <> 'actions'))"
    " OR (d.tell = 'owed' AND d.tell_due_at <= now() AND a.state = 'connected'))"
    " + (SELECT count(*) FROM learners_enrollment e JOIN portals_hubspotaccount a ON a.id = e.account_id"
    " WHERE e.due_at <= now() AND a.state = 'connected' AND a.hub_id <> ALL(%s))"
    " + (SELECT count(*) FROM learners_walk WHERE state = 'running' AND due_at <= now())"
    " + (SELECT count(*) FROM learners_learner WHERE welcome_due_at <= now()"
    " OR (look_at <= now() AND state = 'pending') OR (read_due_at <= now() AND state = 'active'))"
    " + (SELECT count(*) FROM gdpr_erasurestep WHERE done_at IS NULL AND due_at <= now())"
)
# Every waiting time there is: moving these back is how a test lets hours pass.
CLOCKS = (
    ("webhooks_delivery", "due_at"), ("webhooks_delivery", "tell_due_at"), ("webhooks_delivery", "received_at"),
    ("webhooks_delivery", "done_at"), ("webhooks_delivery", "asked_at"), ("learners_enrollment", "due_at"), ("learners_walk", "due_at"),
    ("learners_walk", "ended_at"), ("learners_learner", "welcome_due_at"), ("learners_learner", "look_at"),
    ("learners_learner", "read_due_at"), ("learners_learner", "checked_at"), ("learners_learner", "busy_until"), ("learners_learner", "invited_at"), ("learners_learner", "linked_at"),
    ("gdpr_erasurestep", "due_at"), ("portals_portal", "last_walk_at"), ("portals_portal", "connected_at"),
)  # fmt: skip


@dataclass
class Stage:
    """One test's view: the installed accounts, their portals, and the worlds."""

    url: str
    worlds: Worlds
    http: requests.Session
    accounts: dict[int, HubSpotAccount] = field(default_factory=dict)
    portals: dict[str, Portal] = field(default_factory=dict)

    # --- the worlds -----------------------------------------------------------------------------------
    def control(self, method: str, name: str, body: Any = None) -> Any:
        address = f"{self.worlds.sandbox.hubspot_url}/_sandbox/{name}"
        answer = self.http.request(method, address, json=body, timeout=WAIT)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def world(self, part: str, **like: Any) -> list[Row]:
        """The rows of one part of the worlds that have these values."""
        rows: list[Row] = self.control("GET", f"world?only={part}")[part]
        return [row for row in rows if all(row.get(name) == value for name, value in like.items())]

    def calls_to(self, service: str, path: str, method: str = "") -> list[Row]:
        rows: list[Row] = self.control("GET", f"requests?service={service}&path={path}")["requests"]
        return [row for row in rows if not method or row["method"] == method]

    def fault(self, service: str, path: str, kind: str, **more: Any) -> None:
        self.control("POST", "faults", {"service": service, "path": path, "kind": kind, "times": 1, **more})

    def mend(self) -> None:
        self.control("DELETE", "faults")

    def contact(self, email: str, account: int = ACME) -> str:
        """The id of the contact with this e-mail."""
        rows = self.world("contacts", account=account)
        return next(str(row["id"]) for row in rows if row["properties"].get("email") == email)

    def new_contact(self, account: int = ACME, **properties: str) -> str:
        made = self.control("POST", "contacts", {"account": account, "rows": [properties]})["ids"]
        return str(made[0])

    def user(self, email: str, portal: str = "acme") -> Row | None:
        rows = self.world("learnupon_users", portal=portal)
        return next((row for row in rows if str(row["email"]).casefold() == email.casefold()), None)

    def mails(self, to: str) -> list[Row]:
        return [mail for mail in self.world("mails") if mail["to"].casefold() == to.casefold()]

    def records(self, account: int = ACME, *, archived: bool = False) -> list[Row]:
        """App-object records of an account, with our own property names."""
        rows = self.world("app_objects", account=account, archived=archived)
        for row in rows:
            values = row["properties"].items()
            row["properties"] = {name.removeprefix(schema.PREFIX): value for name, value in values}
        return rows

    # --- Hubsync --------------------------------------------------------------------------------------
    def install(self, hub_id: int) -> HubSpotAccount:
        """A row as an install leaves it, with real tokens of the sandbox."""
        grant = self._grant(hub_id)
        account = HubSpotAccount(hub_id=hub_id, scopes=[s.name for s in oauth.SCOPES], time_zone="UTC")
        account.ui_domain, account.app_object_type = "app.hubspot.com", schema.FULL_NAME
        tokens.store(account, grant)
        account.save()
        self.accounts[hub_id] = account
        return account

    def grant_again(self, hub_id: int) -> HubSpotAccount:
        """The same account installs the app once more."""
        account = HubSpotAccount.objects.get(hub_id=hub_id)
        tokens.store(account, self._grant(hub_id))
        account.generation += 1
        account.state = HubSpotAccount.State.CONNECTED
        account.save()
        return account

    def _grant(self, hub_id: int) -> Row:
        home = self.worlds.sandbox.hubspot_url
        redirect = f"{self.url}/oauth/hubspot/callback"
        asked = {
            "client_id": settings.HUBSPOT_CLIENT_ID, "redirect_uri": redirect, "state": "s",
            "scope": " ".join(s.name for s in oauth.SCOPES), "_account": str(hub_id),
        }  # fmt: skip
        address = f"{home}/oauth/authorize"
        answer = self.http.get(address, params=asked, allow_redirects=False, timeout=WAIT)
        code = answer.headers["Location"].split("code=")[1].split("&")[0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
        token = self.http.post(home + versions.TOKEN, data={**tokens.app_credentials(), **form}, timeout=WAIT)
        assert token.ok, token.text
        grant: Row = token.json()
        return grant

    def connect(self, subdomain: str, **changes: Any) -> Portal:
        account = self.accounts[PORTALS[subdomain]]
        values = {
            "number": len(self.portals) + 1, "title": subdomain, "api_key": f"{subdomain}-key",
            "api_secret": f"{subdomain}-secret", "record_type": "contact",
            "webhook_secret": f"{subdomain}-webhook-secret",
        }  # fmt: skip
        portal = Portal.objects.create(account=account, subdomain=subdomain, **(values | changes))
        hook = {"portal": subdomain, "url": portal.webhook_url, "secret": portal.webhook_secret}
        self.control("PUT", "webhook", hook)
        self.portals[subdomain] = portal
        return portal

    def connect_users(self) -> Portal:
        """acme-partners as a portal of HubSpot users."""
        portal = self.portals["acme-partners"]
        portal.record_type = "user"
        portal.save()
        return portal

    def upsert_of(self, row: Enrollment) -> Callable[[], object]:
        """The call that a push of this row would make, to be made later."""
        hubspot = HubSpot(self.accounts[row.account.hub_id], Lane.LIVE)
        (due,) = push_rows.read([row.pk])
        return lambda: hubspot.upsert(hubspot.account.app_object_type, [BatchRow(str(due.pk), due.body)])

    def post(self, path: str, body: Any, *, secret: str | None = None) -> requests.Response:
        """A request signed as HubSpot signs it; bytes go as they are."""
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        key = secret or settings.HUBSPOT_CLIENT_SECRETS[0]
        headers = signing.v3(key, "POST", self.url + path, content, int(time.time() * 1000))
        headers = {**headers, "Content-Type": "application/json"}
        return self.http.post(self.url + path, data=content, headers=headers, timeout=WAIT)

    def call(self, body: Any, action: str = "user-add") -> requests.Response:
        return self.post(f"/webhooks/hubspot/actions/{action}", body)

    def run(self, action: str, *record_ids: str, account: int = ACME, **more: Any) -> list[str]:
        """A workflow enrolls these records; returns when Hubsync has them all."""
        more.setdefault("inputs", {"portal": "acme" if account == ACME else "globex"})
        body = {"account": account, "action": action, "record_ids": list(record_ids), **more}
        ids: list[str] = self.control("POST", "workflow", body)["callback_ids"]
        self.hear()
        return ids

    def add(self, *record_ids: str, action: str = "user-add", **more: Any) -> list[Row]:
        """Run an action and work it; the workflow executions as HubSpot then shows them."""
        ids = self.run(action, *record_ids, **more)
        self.work()
        return [self.execution(one) for one in ids]

    def execution(self, callback_id: str) -> Row:
        return self.world("callbacks", callback_id=callback_id)[0]

    def outcome(self, execution: Row) -> str:
        return str(execution["output_fields"].get("outcome"))

    # --- time -----------------------------------------------------------------------------------------
    def hear(self) -> None:
        """Wait until everything the worlds had to say has been said."""
        self.wait(lambda: self.worlds.quiet)

    def work(self) -> None:
        """Be worker and beat until nothing is due."""
        end = time.monotonic() + WAIT
        while True:
            assert time.monotonic() < end, "the work does not end"
            webhooks.tasks.sweep()
            learners.tasks.sweep()
            gdpr.tasks.sweep()
            if not self.due():
                return

    def due(self) -> int:
        with connection.cursor() as cursor:
            open_ones = breaker.troubles().values()
            resting = [int(one.name) for one in open_ones if one.resting and one.name.isdecimal()]
            cursor.execute(DUE, [resting])
            return int(cursor.fetchone()[0])

    def settle(self) -> None:
        """Hear and work until both worlds and Hubsync have nothing left to do."""
        self.hear()
        self.work()

    def later(self, **time_passed: float) -> None:
        """Let time pass (everything that waits comes nearer), then work what has become due."""
        seconds = timedelta(**(time_passed or {"days": 1})).total_seconds()
        with connection.cursor() as cursor:
            for table, column in CLOCKS:
                moved = f"{column} = {column} - make_interval(secs => %s)"
                cursor.execute(f"UPDATE {table} SET {moved}", [seconds])  # noqa: S608
        hurry_breakers(seconds)
        self.work()

    def wait(self, ready: Callable[[], T]) -> T:
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            if found := ready():
                return found
            time.sleep(0.005)
        raise AssertionError("it did not happen")

    def fresh_limits(self) -> None:
        fresh_limiter()

    def spend_allowance(self, host: str) -> None:
        """LearnUpon said that nothing is left of this minute."""
        fresh_limiter()
        store = limiter.store()
        now = store.time()[0]
        store.hset(f"pace:{host}", mapping={"minute:others": 300, "minute:most": 300, "minute:at": now})

    def deliveries(self, **like: Any) -> list[Delivery]:
        return list(Delivery.objects.filter(**like).order_by("pk"))
