"""What Hubsync says to HubSpot, on behalf of one account: every path dated, every call limited and bounded.

`hubspot-api-client` builds the requests; portals/clients/sdk.py puts them on our own wire and dates their paths.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from django.conf import settings

from portals import counters, tokens
from portals.clients import batches, breaker, http, limiter, sdk, versions
from portals.clients.batches import Batch, Rejected, Row
from portals.clients.breaker import Vendor
from portals.clients.errors import AppRefused, NotAllowed, NotFound, Refused, TokenRefused, TryAgain, Unclear
from portals.clients.http import Answer
from portals.clients.limiter import Budget
from portals.clients.sdk import ask
from portals.models import HubSpotAccount

BATCH = 100  # https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
ASSOCIATION_BATCH, ASSOCIATION_READ = 2000, 1000
APP_REFUSED_SECONDS = 30.0
CONTACTS, USERS = "contacts", "users"
OBJECTS = {"contact": CONTACTS, "user": USERS}


class HubSpot:
    """One account's HubSpot. Methods raise the errors of portals/clients/errors.py and nothing else."""

    def __init__(self, account: HubSpotAccount, lane: str) -> None:
        self.account = account
        self.lane = lane

    # --- the wire -------------------------------------------------------------------------------------
    def send(
        self, method: str, path: str, body: bytes | None = None, budget: Budget = Budget.GENERAL
    ) -> Answer:
        """One call within the budget, with a living token; a failed one becomes an error that says what to do."""
        with breaker.guard(Vendor.HUBSPOT, self.account.hub_id):
            return self._sent(method, path, body, budget)

    def _sent(self, method: str, path: str, body: bytes | None, budget: Budget) -> Answer:
        token = self._token()
        try:
            self._spend(budget)
        except TryAgain:
            counters.count("hubsync_budget_refused", self.lane)
            raise
        counters.count("hubsync_budget_granted", self.lane)
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = http.send(method, settings.HUBSPOT_API_URL + path, headers=headers, body=body)
        self._learn(answer)
        return self._checked(answer, method)

    def _spend(self, budget: Budget) -> None:
        """A grant from each budget the call falls under, none used when one cannot be had."""
        grants = [limiter.acquire(self.account.hub_id, self.lane)]
        try:
            if budget != Budget.GENERAL:
                grants.append(limiter.acquire(self.account.hub_id, self.lane, budget))
        except TryAgain:
            limiter.hand_back(grants[0])
            raise
        if any(grant.stale for grant in grants):
            for grant in grants:
                limiter.hand_back(grant)
            raise TryAgain("Waiting for HubSpot's request budget.", after=0.0, counts=False)

    def _token(self) -> str:
        """HubSpot refusing the app itself says nothing about this call: it waits until that is mended."""
        try:
            return tokens.access_token(self.account)
        except Refused as refusal:
            raise AppRefused(refusal.message, after=APP_REFUSED_SECONDS, counts=False) from None

    def _learn(self, answer: Answer) -> None:
        most = answer.number("X-HubSpot-RateLimit-Max")
        remaining = answer.number("X-HubSpot-RateLimit-Remaining")
        if most is not None and remaining is not None:
            limiter.feed(self.account.hub_id, most, remaining)

    def _checked(self, answer: Answer, method: str) -> Answer:
        """https://developers.hubspot.com/docs/api-reference/error-handling"""
        if answer.ok:
            return answer
        error = answer.error()
        correlation = str(error.get("correlationId", ""))[:64]
        message = f"HubSpot answered {answer.status}: {str(error.get('message', 'no reason given'))[:300]}"
        if answer.status == 401:
            tokens.expire(self.account)
            raise TokenRefused(
                "HubSpot refused its own access token; it is renewed.", correlation_id=correlation
            )
        if wait := self._wait(answer, error):
            raise TryAgain(message, after=wait, counts=answer.status != 429, correlation_id=correlation)
        if answer.status == 404:
            raise NotFound(message, code="NOT_FOUND", correlation_id=correlation)
        if answer.status == 400:
            code, traces = str(error.get("category", "VALIDATION_ERROR")), batches.traces(error)
            raise Rejected(message, code=code, correlation_id=correlation, traces=traces)
        if answer.status >= 500:
            lost = TryAgain if method == "GET" else Unclear
            raise lost(message, vendor_failed=True, correlation_id=correlation)
        # ASSUMPTION(forbidden): 403 MISSING_SCOPES is documented; any other 403 is taken for something to set up, too.
        kind = NotAllowed if answer.status == 403 else Refused
        raise kind(message, code=str(error.get("category", answer.status)), correlation_id=correlation)

    def _wait(self, answer: Answer, error: dict[str, Any]) -> float:
        """Seconds HubSpot wants us to stay away, 0 when it does not say so; the whole account then waits."""
        policy = str(error.get("policyName", ""))
        if answer.status == 429:
            wait = (
                1.0 if "SECONDLY" in policy and "TEN" not in policy else 3600.0 if policy == "DAILY" else 10.0
            )
        elif answer.status == 423:  # locked for two seconds
            wait = 2.5
        elif (
            answer.status == 477
        ):  # the account moves to another region; Retry-After is in seconds, up to a day
            after = answer.number("Retry-After")
            wait = 3600.0 if after is None else min(max(float(after), 1.0), 86_400.0)
        else:
            return 0.0
        if answer.status != 423:
            limiter.pause(self.account.hub_id, wait)
        return wait

    @cached_property
    def _sdk(self) -> sdk.Sdk:
        return sdk.Sdk(self.send)

    # --- account --------------------------------------------------------------------------------------
    def details(self) -> dict[str, Any]:
        """`portalId, timeZone, uiDomain, …` of the account."""
        return _object(self.send("GET", versions.ACCOUNT_DETAILS))

    def uninstall(self) -> None:
        """Remove the app from the account; HubSpot mails its admins.
        https://developers.hubspot.com/docs/api-reference/latest/app-management/app-uninstalls/guide"""
        self.send("DELETE", versions.UNINSTALL)

    def properties(self, object_type: str) -> list[dict[str, Any]]:
        return _results(ask(self._sdk.properties.get_all, object_type))

    def schema(self, object_type: str) -> dict[str, Any]:
        return _object(ask(self._sdk.schemas.get_by_id, object_type))

    def owners(self) -> Iterator[dict[str, Any]]:
        """Owners with `userId` and `teams`; `userId` equals a user record's `hs_internal_user_id`."""
        return _pages(partial(ask, self._sdk.owners.get_page))

    # --- records --------------------------------------------------------------------------------------
    def users(self, properties: Iterable[str]) -> Iterator[dict[str, Any]]:
        """The account's user records (0-115); only dates and id come unless properties are named."""
        return _pages(partial(ask, self._sdk.records.get_page, USERS, properties=sorted(set(properties))))

    def read(
        self, object_type: str, ids: Sequence[str], properties: Iterable[str], id_property: str = ""
    ) -> dict[str, dict[str, Any]]:
        """The records that exist and are not archived, by id: `{"id", "properties", …}`. At most 100 ids."""
        body: dict[str, Any] = {
            "inputs": [{"id": record_id} for record_id in ids],
            "properties": sorted(set(properties)),
            "propertiesWithHistory": [],
        }
        if id_property:
            body["idProperty"] = id_property
        rows = _results(ask(self._sdk.batches.read, object_type, body))
        return {str(row.get("id")): row for row in rows if not row.get("archived")}

    def archived(self, object_type: str, ids: Sequence[str]) -> set[str]:
        """Which of these records were deleted and can still be restored. At most 100 ids; HubSpot refuses to say it
        of users.

        ASSUMPTION(archived-read): a batch read takes `archived=true` as the listing does, and then answers with
        deleted records only. A wrong guess erases nobody: who is in neither list is looked at twice."""
        body: dict[str, Any] = {
            "inputs": [{"id": record_id} for record_id in ids],
            "properties": ["hs_object_id"],
            "propertiesWithHistory": [],
        }
        # As text, because the client would write the Python word `True`.
        rows = _results(ask(self._sdk.batches.read, object_type, body, archived="true"))
        return {str(row.get("id")) for row in rows if row.get("archived")}

    def upsert(self, object_type: str, rows: Sequence[Row]) -> Batch:
        """Write up to 100 records by a unique property; a bad row costs none of the others."""
        return batches.write(partial(ask, self._sdk.batches.upsert, object_type), rows)

    def update(self, object_type: str, rows: Sequence[Row]) -> Batch:
        return batches.write(partial(ask, self._sdk.batches.update, object_type), rows)

    def archive(self, object_type: str, ids: Sequence[str]) -> None:
        """Archive up to 100 records; ids that are gone already are no error."""
        ask(self._sdk.batches.archive, object_type, {"inputs": [{"id": record_id} for record_id in ids]})

    def associate(self, from_type: str, to_type: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Tie up to 2,000 pairs of records with the default association. A 207 that leaves pairs out is a refusal:
        the caller ties them one by one and learns which."""
        inputs = [{"from": {"id": a}, "to": {"id": b}} for a, b in dict.fromkeys(pairs)]
        answer = ask(self._sdk.associations.create_default, from_type, to_type, {"inputs": inputs})
        if errors := batches.objects(_object(answer).get("errors")):
            raise Refused(
                f"HubSpot did not associate every record: {str(errors[0].get('message', ''))[:200]}"
            )

    def associated(self, from_type: str, to_type: str, ids: Sequence[str]) -> dict[str, set[str]]:
        """The records of `to_type` each of these is tied to, 1,000 a call. One that is gone has none (207)."""
        found: dict[str, set[str]] = defaultdict(set)
        inputs: list[dict[str, str]] = [{"id": record_id} for record_id in ids]
        while inputs:
            part, inputs = inputs[:ASSOCIATION_READ], inputs[ASSOCIATION_READ:]
            rows = _results(ask(self._sdk.associations.get_page, from_type, to_type, {"inputs": part}))
            for row in rows:
                record_id = str(row["from"]["id"])
                found[record_id] |= {str(other["toObjectId"]) for other in row.get("to") or []}
                if after := ((row.get("paging") or {}).get("next") or {}).get("after"):
                    inputs.append({"id": record_id, "after": str(after)})
        return found

    # --- workflow callbacks ---------------------------------------------------------------------------
    def complete(self, callbacks: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Tell HubSpot how blocked actions ended: `(callback id, output fields)`, up to 100.
        Both maps are required by HubSpot's specification, though one would do."""
        inputs = [{"callbackId": c, "outputFields": fields, "typedOutputs": {}} for c, fields in callbacks]
        ask(self._sdk.callbacks.complete_batch, {"inputs": inputs})

    def complete_one(self, callback_id: str, fields: dict[str, str]) -> None:
        ask(self._sdk.callbacks.complete, callback_id, {"outputFields": fields, "typedOutputs": {}})


def _object(answer: Answer) -> dict[str, Any]:
    parsed = answer.json()
    if not isinstance(parsed, dict):
        raise Unclear("HubSpot's answer had an unexpected shape.")
    return parsed


def _results(answer: Answer) -> list[dict[str, Any]]:
    results = _object(answer).get("results")
    if not isinstance(results, list) or not all(isinstance(row, dict) for row in results):
        raise Unclear("HubSpot's answer had no results.")
    return results


def _pages(page: Callable[..., Answer]) -> Iterator[dict[str, Any]]:
    """Every row of a list, 100 a page, until HubSpot names no further one."""
    after: dict[str, str] = {}
    while True:
        answer = page(limit=100, **after)
        yield from _results(answer)
        following = ((_object(answer).get("paging") or {}).get("next") or {}).get("after")
        if not following:
            return
        after = {"after": str(following)}
