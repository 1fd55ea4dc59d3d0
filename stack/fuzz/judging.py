"""What one answer was, and what the document says it may be."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from stack.fuzz.signing import RIGHT
from stack.fuzz.twists import Twist

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NO_ANSWER = 0  # in place of a status
LONG = 4000  # characters of an address: the web server refuses longer ones
LARGE = 1024 * 1024
SHOWN = 500  # characters of a request that are printed


@dataclass
class Tally:
    """The cases of one operation."""

    label: str
    signed: bool  # whether the operation wants a signature
    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    problems: dict[str, str] = field(
        default_factory=dict
    )  # what is wrong -> the first request that showed it

    def judge(
        self,
        case: Case[Any],
        request: requests.PreparedRequest,
        answer: requests.Response | None,
        twist: Twist,
        way: str,
    ) -> None:
        self.cases += 1
        self.statuses[answer.status_code if answer is not None else NO_ANSWER] += 1
        if answer is not None:
            problems = self._wrong(case, answer, twist, way)
        else:
            problems = [] if _cut_off(request, twist) else [f"no answer, with {twist.name}"]
        for problem in problems:
            self.problems.setdefault(problem, _shown(request, twist, way))

    def _wrong(self, case: Case[Any], answer: requests.Response, twist: Twist, way: str) -> list[str]:
        status = answer.status_code
        if self.signed and status == 401 and way in RIGHT:
            return [f"a right signature ({way}) is refused, with {twist.name}"]
        if self.signed and status < 400 and way not in RIGHT:
            return [f"a wrong signature ({way}) is accepted"]
        if status == 414 and len(answer.request.url or "") > LONG:
            return []
        if status in twist.also or (
            answer.request.method == "HEAD" and status < 500
        ):  # it has no body to be judged
            return []
        red = (
            self.label == "GET /readyz" and status == 503
        )  # an answer: something is not ready, and it says what
        try:
            case.validate_response(answer, checks=CHECKS[1:] if red else CHECKS)
        except FailureGroup as group:
            return [f"{failure.title}: {status} with {twist.name}" for failure in group.exceptions]
        return []


def reached(tally: Tally) -> bool:
    """Whether enough cases came through to what is behind the address: fuzz that is all refused tests little."""
    return not tally.signed or tally.statuses[200] * 20 >= tally.cases > 0


def _cut_off(request: requests.PreparedRequest, twist: Twist) -> bool:
    """Whether the web server may close the connection without reading on: then its answer can get lost."""
    return len(request.body or b"") > LARGE or bool(twist.also & {400, 414, 431})


def _shown(request: requests.PreparedRequest, twist: Twist, way: str) -> str:
    headers = {name: value[:SHOWN] for name, value in request.headers.items()}
    return f"{request.method} {request.url}\n{headers}\n{(request.body or b'')[:SHOWN]!r}\n{twist}, signed: {way}"
