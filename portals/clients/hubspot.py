"""What Hubsync says to HubSpot, on behalf of one account: every path dated, every call limited and bounded.

`hubspot-api-client` builds the requests; portals/clients/sdk.py puts them on our own wire and dates their paths.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.conf import settings

from portals import tokens
from portals.clients import http, limiter, sdk
from portals.clients.errors import Disconnected, NotFound, Refused, TryAgain, Unclear
from portals.clients.http import Answer
from portals.clients.limiter import Budget
from portals.models import HubSpotAccount

BATCH = 100  # https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
ASSOCIATION_BATCH = 2000
CONTACTS, USERS = "contacts", "users"
OBJECTS = {"contact": CONTACTS, "user": USERS}


class Rejected(Refused):
    """HubSpot refused a request's content (400). `traces` names the rows at fault where HubSpot does."""

    def __init__(self, message: str, *, code: str, correlation_id: str, traces: set[str]) -> None:
        super().__init__(message, code=code, correlation_id=correlation_id)
        self.traces = traces


@dataclass(frozen=True)
class RowError:
    message: str
    correlation_id: str = ""


@dataclass
class Batch:
    """What became of each row of a batch, by its objectWriteTraceId."""

    ids: dict[str, str] = field(default_factory=dict)
    errors: dict[str, RowError] = field(default_factory=dict)


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
        token = tokens.access_token(self.account)
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
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = http.send(method, settings.HUBSPOT_API_URL + path, headers=headers, body=body)
        self._learn(answer)
        return self._checked(answer, method)

    def _learn(self, answer: Answer) -> None:
        most = answer.headers.get("X-HubSpot-RateLimit-Max", "")
        remaining = answer.headers.get("X-HubSpot-RateLimit-Remaining", "")
        if most.isdigit() and remaining.isdigit():
            limiter.feed(self.account.hub_id, int(most), int(remaining))

    def _checked(self, answer: Answer, method: str) -> Answer:
        """https://developers.hubspot.com/docs/api-reference/error-handling"""
        if answer.ok:
            return answer
        error = answer.error()
        correlation = str(error.get("correlationId", ""))[:64]
        message = f"HubSpot answered {answer.status}: {str(error.get('message', 'no reason given'))[:300]}"
        if answer.status == 401:
            tokens.expire(self.account)
            raise Disconnected("HubSpot no longer accepts this installation.", correlation_id=correlation)
        if wait := self._wait(answer, error):
            raise TryAgain(message, after=wait, counts=answer.status != 429, correlation_id=correlation)
        if answer.status == 404:
            raise NotFound(message, code="NOT_FOUND", correlation_id=correlation)
        if answer.status == 400:
            code, traces = str(error.get("category", "VALIDATION_ERROR")), _traces(error)
            raise Rejected(message, code=code, correlation_id=correlation, traces=traces)
        if answer.status >= 500:
            kind = TryAgain if method == "GET" else Unclear
            raise kind(message, correlation_id=correlation)
        raise Refused(message, code=str(error.get("category", answer.status)), correlation_id=correlation)

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
            after = answer.headers.get("Retry-After", "")
            wait = min(float(after), 86_400.0) if after.isdigit() else 3600.0
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
        return _object(self.send("GET", "/account-info/2026-09/details"))

    def uninstall(self) -> None:
        """Remove the app from the account; HubSpot mails its admins.
        https://developers.hubspot.com/docs/api-reference/latest/app-management/app-uninstalls/guide"""
        self.send("DELETE", "/appinstalls/2026-09/external-install")

    def properties(self, object_type: str) -> list[dict[str, Any]]:
        return _results(self._sdk.properties.get_all(object_type, _preload_content=False).answer)

    def schema(self, object_type: str) -> dict[str, Any]:
        return _object(self._sdk.schemas.get_by_id(object_type, _preload_content=False).answer)

    # --- records --------------------------------------------------------------------------------------
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
        answer = self._sdk.batches.read(object_type, body, _preload_content=False).answer
        return {str(row["id"]): row for row in _results(answer) if not row.get("archived")}

    def upsert(self, object_type: str, inputs: Sequence[dict[str, Any]]) -> Batch:
        """Write up to 100 records by a unique property; a bad row costs none of the others."""
        return self._batch(
            lambda rows: self._sdk.batches.upsert(object_type, rows, _preload_content=False), inputs
        )

    def update(self, object_type: str, inputs: Sequence[dict[str, Any]]) -> Batch:
        return self._batch(
            lambda rows: self._sdk.batches.update(object_type, rows, _preload_content=False), inputs
        )

    def archive(self, object_type: str, ids: Sequence[str]) -> None:
        """Archive up to 100 records; ids that are gone already are no error."""
        self._sdk.batches.archive(object_type, {"inputs": [{"id": i} for i in ids]}, _preload_content=False)

    def associate(self, from_type: str, to_type: str, pairs: Sequence[tuple[str, str]]) -> None:
        """Tie up to 2,000 pairs of records with the default association."""
        inputs = [{"from": {"id": a}, "to": {"id": b}} for a, b in pairs]
        self._sdk.associations.create_default(from_type, to_type, {"inputs": inputs}, _preload_content=False)

    def _batch(self, call: Callable[[dict[str, Any]], Any], inputs: Sequence[dict[str, Any]]) -> Batch:
        """Send a batch; where HubSpot refuses it whole, leave out the rows it names, or halve it to find them."""
        if not inputs:
            return Batch()
        try:
            return _rows(call({"inputs": list(inputs)}).answer)
        except Rejected as refusal:
            named = [row for row in inputs if row["objectWriteTraceId"] in refusal.traces]
            if len(inputs) == 1 or len(named) == len(inputs):
                error = RowError(refusal.message, refusal.correlation_id)
                return Batch(errors={row["objectWriteTraceId"]: error for row in inputs})
            if named:
                parts = [named, [row for row in inputs if row["objectWriteTraceId"] not in refusal.traces]]
            else:
                parts = [list(inputs[: len(inputs) // 2]), list(inputs[len(inputs) // 2 :])]
        whole = Batch()
        for part in parts:
            done = self._batch(call, part)
            whole.ids |= done.ids
            whole.errors |= done.errors
        return whole

    # --- workflow callbacks ---------------------------------------------------------------------------
    def complete(self, callbacks: Sequence[tuple[str, dict[str, str]]]) -> None:
        """Tell HubSpot how blocked actions ended: `(callback id, output fields)`, up to 100.
        Both maps are required by HubSpot's specification, though one would do."""
        inputs = [{"callbackId": c, "outputFields": fields, "typedOutputs": {}} for c, fields in callbacks]
        self._sdk.callbacks.complete_batch({"inputs": inputs}, _preload_content=False)

    def complete_one(self, callback_id: str, fields: dict[str, str]) -> None:
        self._sdk.callbacks.complete(
            callback_id, {"outputFields": fields, "typedOutputs": {}}, _preload_content=False
        )


def _object(answer: Answer) -> dict[str, Any]:
    parsed = answer.json()
    if not isinstance(parsed, dict):
        raise Unclear("HubSpot's answer had an unexpected shape.")
    return parsed


def _results(answer: Answer) -> list[dict[str, Any]]:
    results = _object(answer).get("results")
    if not isinstance(results, list):
        raise Unclear("HubSpot's answer had no results.")
    return results


def _rows(answer: Answer) -> Batch:
    """200 and 207 alike: what was written and what was not, by trace id."""
    parsed = _object(answer)
    batch = Batch()
    for row in parsed.get("results") or []:
        batch.ids[str(row.get("objectWriteTraceId", row.get("id")))] = str(row["id"])
    for error in parsed.get("errors") or []:
        row_error = RowError(
            str(error.get("message", "refused"))[:300], str(error.get("correlationId", ""))[:64]
        )
        batch.errors |= dict.fromkeys(_traces({"errors": [error]}), row_error)
    return batch


def _traces(error: dict[str, Any]) -> set[str]:
    found: set[str] = set()
    for part in error.get("errors") or []:
        context = part.get("context") if isinstance(part, dict) else None
        for trace in (context or {}).get("objectWriteTraceId") or []:
            found.add(str(trace))
    return found
