"""Workflows: what a custom action is sent, how its answer counts, and completing it later.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

import asyncio
import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.errors import ControlError
from sandbox.hubspot import signing

if TYPE_CHECKING:
    from sandbox.hubspot.account import Account
    from sandbox.hubspot.records import Record, Store
    from sandbox.hubspot.world import HubSpotWorld

ADDRESS = "/webhooks/hubspot/actions/"
# The answer must come within 30 s (workflow webhook rules; custom actions name no figure).
ANSWER_SECONDS = 30.0
# 5xx: exponential, up to three days, then failed.
RETRIES = (*(60.0 * 2**n for n in range(12)), 13_500.0)
# Error-handling page (2026-03-30): workflows read Retry-After in milliseconds.
RETRY_AFTER_UNIT = 0.001
DEFAULT_EXPIRY = timedelta(weeks=1)
FINAL = ("SUCCESS", "FAIL_CONTINUE")
# What the account's workflow editor offers while the project's folder of actions is not there.
ASSUMED_ACTIONS = ("user-add", "user-invite")
ACTION_FILES = Path(__file__).resolve().parents[2] / "hubspot-app" / "src" / "app" / "workflow-actions"
# `objectRequestOptions` of the app's actions: the same for all accounts.
SENT_PROPERTIES = {"contact": ("email", "firstname", "lastname")}
DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


@dataclass
class Execution:
    callback_id: str
    account: int
    action: str
    record_id: str
    record_type: str
    workflow_id: int
    inputs: dict[str, str]
    started_at: str
    state: str = "pending"
    output_fields: dict[str, Any] = field(default_factory=dict)
    completions: int = 0
    attempts: int = 0
    answered_status: int | None = None
    ended_at: str | None = None
    expiry: asyncio.TimerHandle | None = None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "expiry"}


class Workflows:
    def __init__(self, world: "HubSpotWorld") -> None:
        self._world = world
        self.executions: dict[str, Execution] = {}
        self._next_enrollment = 2_384_423_471_000

    def clear(self) -> None:
        for execution in self.executions.values():
            if execution.expiry is not None:
                execution.expiry.cancel()
        self.executions.clear()

    def run(
        self,
        account: "Account",
        action: str,
        record_ids: list[str],
        inputs: dict[str, Any],
        record_type: str = "contact",
    ) -> list[str]:
        """Enroll records: one request each. Inputs travel as strings."""
        made = self._enroll(account, action, record_ids, inputs, record_type)
        for execution, body in made:
            self._post(execution, body)
        return [execution.callback_id for execution, _ in made]

    def held(
        self, account: "Account", action: str, record_ids: list[str], inputs: dict[str, Any]
    ) -> list[bytes]:
        """The same requests, for a benchmark to send at a pace of its own. Their runs wait as if they were sent."""
        made = self._enroll(account, action, record_ids, inputs, "contact")
        for execution, _ in made:
            execution.state = "blocked"
        return [body for _, body in made]

    def _enroll(
        self,
        account: "Account",
        action: str,
        record_ids: list[str],
        inputs: dict[str, Any],
        record_type: str,
    ) -> list[tuple[Execution, bytes]]:
        store = account.contacts if record_type == "contact" else account.users
        records = [(id, store.live(id)) for id in record_ids]
        unknown = [id for id, record in records if record is None]
        if unknown:
            raise ControlError(404, f"no such {record_type} in account {account.hub_id}: {unknown}")
        if not self._world.installs.current.get(account.hub_id):
            raise ControlError(409, f"account {account.hub_id} has not installed the app")
        given = {name: str(value) for name, value in inputs.items() if value is not None}
        return [
            self._execution(account, store, action, record, given, record_type)
            for _, record in records
            if record is not None
        ]

    def _execution(
        self,
        account: "Account",
        store: "Store",
        action: str,
        record: "Record",
        inputs: dict[str, str],
        record_type: str,
    ) -> tuple[Execution, bytes]:
        self._next_enrollment += 1
        enrollment, workflow = self._next_enrollment, action_number(action)
        execution = Execution(
            callback_id=f"ap-{account.hub_id}-{enrollment}-1-0",
            account=account.hub_id,
            action=action,
            record_id=record.id,
            record_type=record_type,
            workflow_id=1_790_000_000 + workflow,
            inputs=inputs,
            started_at=self._world.now(),
        )
        self.executions[execution.callback_id] = execution
        return execution, orjson.dumps(_request(execution, enrollment, workflow, store, record))

    def _post(self, execution: Execution, body: bytes) -> None:
        settings = self._world.configuration
        url = f"{settings.public_url}{ADDRESS}{execution.action}"

        def headers(attempt: int) -> dict[str, str]:
            execution.attempts = attempt + 1
            now = int(self._world.clock() * 1000)
            return {
                "Content-Type": "application/json",
                "User-Agent": "HubSpot Connect 2.0",
                **signing.v2(settings.client_secret, "POST", url, body),
                **signing.v3(settings.client_secret, "POST", url, body, now),
            }

        self._world.outbox.post(
            service="hubspot",
            url=url,
            body=body,
            headers=headers,
            schedule=RETRIES,
            timeout=ANSWER_SECONDS,
            on_answer=lambda status, answer: self._answered(execution, status, answer),
            retry_on=lambda status: status is None or status == 429 or status >= 500,
            retry_after_unit=RETRY_AFTER_UNIT,
            may_be_lost=False,
        )

    def _answered(self, execution: Execution, status: int | None, body: bytes) -> None:
        """Any 2xx counts, even a page of HTML; 4xx is final. A repeat may end what its first answer blocked."""
        if self.executions.get(execution.callback_id) is not execution or execution.ended_at is not None:
            return
        outputs = _outputs(body)
        state = outputs.get("hs_execution_state")
        taken = status is not None and 200 <= status < 300
        if execution.state == "blocked" and not (taken and state in FINAL):
            return
        execution.answered_status = status
        if status is not None and status < 500 and state == "BLOCK":
            execution.state = "blocked"
            self._expire_later(execution, outputs.get("hs_expiration_duration"))
            return
        self._end(execution, "completed" if taken and state in (None, "SUCCESS") else "failed", outputs)

    def _expire_later(self, execution: Execution, duration: Any) -> None:
        seconds = _duration(duration).total_seconds() * self._world.options.time_scale
        loop = asyncio.get_running_loop()
        execution.expiry = loop.call_later(seconds, self._end, execution, "expired", {})

    def complete(self, execution: Execution, outputs: dict[str, Any]) -> None:
        execution.completions += 1
        self._end(execution, "completed" if outputs["hs_execution_state"] == "SUCCESS" else "failed", outputs)

    def _end(self, execution: Execution, state: str, outputs: dict[str, Any]) -> None:
        if execution.expiry is not None:
            execution.expiry.cancel()
        execution.state = state
        execution.output_fields = outputs
        execution.ended_at = self._world.now()


def offered_actions(folder: Path = ACTION_FILES) -> tuple[str, ...]:
    """The last part of each action's address, as our actions are told apart by it."""
    files = sorted(folder.glob("*-hsmeta.json"))
    urls = [json.loads(file.read_text())["config"]["actionUrl"] for file in files]
    return tuple(url.rstrip("/").rpartition("/")[2] for url in urls) or ASSUMED_ACTIONS


def action_number(action: str) -> int:
    """A steady number for an action's definition and workflow."""
    return sum(action.encode())


def _request(
    execution: Execution, enrollment: int, workflow: int, store: "Store", record: "Record"
) -> dict[str, Any]:
    index = {"enrollmentId": enrollment, "actionExecutionIndex": 0}
    names = SENT_PROPERTIES.get(execution.record_type, ())
    held = {name: record.properties[name] for name in names if name in record.properties}
    return {
        "callbackId": execution.callback_id,
        "origin": {
            "portalId": execution.account,
            "userId": None,
            "actionDefinitionId": 259_551_000 + workflow,
            "actionDefinitionVersion": 1,
            "actionExecutionIndexIdentifier": index,
            "extensionDefinitionVersionId": 1,
            "extensionDefinitionId": 259_551_000 + workflow,
        },
        "context": {
            "workflowId": execution.workflow_id,
            "actionId": 1,
            "actionExecutionIndexIdentifier": index,
            "source": "WORKFLOWS",
        },
        "object": {"objectId": int(record.id), "objectType": store.kind.label, "properties": held},
        "fields": execution.inputs,
        "inputFields": execution.inputs,
        "typedInputs": {name: {"value": value, "type": "STRING"} for name, value in execution.inputs.items()},
    }


def _outputs(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    outputs = parsed.get("outputFields") if isinstance(parsed, dict) else None
    return outputs if isinstance(outputs, dict) else {}


def _duration(text: Any) -> timedelta:
    """ISO 8601, as `P1WT1H`; HubSpot's default is a week."""
    match = DURATION.fullmatch(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        return DEFAULT_EXPIRY
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
