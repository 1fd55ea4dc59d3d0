"""The callback endpoints that complete blocked actions, alone or in batches.

https://developers.hubspot.com/docs/api-reference/latest/automation/workflow-actions/custom-action-reference
"""

from typing import Any

from sandbox.hubspot.automation import FINAL, Execution
from sandbox.hubspot.batches import inputs_of
from sandbox.hubspot.call import Answer, Call
from sandbox.hubspot.errors import invalid, not_found

SCOPE = "automation"


def complete_one(call: Call) -> Answer:
    call.need(SCOPE)
    outputs = _outputs(call.body())
    _complete(call, [(call.path["callback_id"], outputs)])
    return 204, None


def complete_batch(call: Call) -> Answer:
    """The maximum is not published; 100 is assumed, as in other batches [I]."""
    call.need(SCOPE)
    _complete(call, [(str(row.get("callbackId", "")), _outputs(row)) for row in inputs_of(call)])
    return 204, None


def _outputs(row: dict[str, Any]) -> dict[str, Any]:
    outputs = row.get("outputFields")
    if not isinstance(outputs, dict):
        raise invalid("Invalid input JSON: Some required fields were not set: [outputFields]")
    if outputs.get("hs_execution_state") not in FINAL:
        raise invalid("hs_execution_state must be SUCCESS or FAIL_CONTINUE")
    return outputs


def _complete(call: Call, wanted: list[tuple[str, dict[str, Any]]]) -> None:
    """One unknown callback refuses the whole call and nothing is completed [I]."""
    if len({callback_id for callback_id, _ in wanted}) < len(wanted):
        raise invalid("Duplicate callbackIds found in batch input. They must be unique")
    found = [(_blocked(call, callback_id), outputs) for callback_id, outputs in wanted]
    for execution, outputs in found:
        call.world.workflows.complete(execution, outputs)


def _blocked(call: Call, callback_id: str) -> Execution:
    """What completing twice answers is not published: a 404 is assumed, and the attempt counted [N]."""
    execution = call.world.workflows.executions.get(callback_id)
    if execution is None or execution.account != call.account.hub_id:
        raise not_found(f"Callback {callback_id} does not exist")
    if execution.state != "blocked":
        if execution.state in ("completed", "failed"):
            execution.completions += 1
        raise not_found(f"Callback {callback_id} is not waiting")
    return execution
