"""Every operation of the document in turn, as many cases each as wanted."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from stack.fuzz import twists
from stack.fuzz.judging import Tally
from stack.fuzz.signing import RIGHT, WRONG, sign
from stack.fuzz.target import Target

TIMEOUT = 30
TRIES = 2  # a kept connection may be closed by the server at the moment it is used again
AT_ONCE = 8  # requests under way; they are made up in one thread, because Hypothesis' own code is not safe in several
SIGNED = st.sampled_from([*RIGHT * 6, *WRONG])
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
Sent = tuple[requests.PreparedRequest, requests.Response | None]
UNTWISTED = st.just(twists.NONE)


def fuzz(target: Target, cases: int, number: int) -> list[Tally]:
    """`cases` requests to each operation that wants a signature, a sixth to each that does not; `number` is the seed,
    and the same one tries the same requests."""
    schema = schemathesis.openapi.from_dict(target.aimed())
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    with ThreadPoolExecutor(AT_ONCE) as pool, _session() as session:
        return [_tried(_Trial(target, session, pool, operation, number), cases) for operation in operations]


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy for addresses on this machine
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", HTTPAdapter(pool_maxsize=AT_ONCE))
    return session


@dataclass
class _Trial:
    """One operation being tried. Problems are collected, not raised: one run shows all of them."""

    target: Target
    session: requests.Session
    pool: ThreadPoolExecutor
    operation: Any
    number: int
    under_way: deque[tuple[Case[Any], Future[Sent], twists.Twist, str]] = field(default_factory=deque)

    @property
    def signed(self) -> bool:
        return bool(self.operation.definition.raw.get("security"))

    def try_(
        self, tally: Tally, mode: GenerationMode, twist: st.SearchStrategy[twists.Twist], count: int
    ) -> None:
        def send(case: Case[Any], twist: twists.Twist, way: str) -> None:
            self.under_way.append((case, self.pool.submit(self._sent, case, twist, way), twist, way))
            if len(self.under_way) > AT_ONCE:
                self._judge_oldest(tally)

        run = settings(
            max_examples=count, database=None, deadline=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        made = self.operation.as_strategy(generation_mode=mode)
        run(seed(self.number)(given(made, twist, SIGNED)(send)))()
        while self.under_way:
            self._judge_oldest(tally)

    def _judge_oldest(self, tally: Tally) -> None:
        case, sent, twist, way = self.under_way.popleft()
        request, answer = sent.result()
        tally.judge(case, request, answer, twist, way)

    def _sent(self, case: Case[Any], twist: twists.Twist, way: str) -> Sent:
        made = case.as_transport_kwargs(base_url=self.target.url)
        names = ("method", "url", "headers", "params", "data", "json", "cookies")
        request = self.session.prepare_request(
            requests.Request(**{name: made[name] for name in names if name in made})
        )
        if isinstance(request.body, str):
            request.body = request.body.encode()
        twist.apply(request)
        sign(self.target, request, way)
        for _ in range(TRIES):
            with suppress(requests.ConnectionError):
                return request, self.session.send(request, timeout=TIMEOUT, allow_redirects=False)
        return request, None


def _tried(trial: _Trial, cases: int) -> Tally:
    tally = Tally(trial.operation.label, trial.signed)
    if not trial.signed:
        trial.try_(tally, POSITIVE, twists.FOR_ADDRESSES, max(cases // 6, 10))
        return tally
    twist = twists.FOR_BODIES | twists.FOR_ADDRESSES if trial.operation.body else twists.FOR_ADDRESSES
    trial.try_(tally, POSITIVE, UNTWISTED, cases // 10)
    trial.try_(tally, NEGATIVE, UNTWISTED, cases // 5)
    trial.try_(tally, POSITIVE, twist, cases * 3 // 5)
    trial.try_(tally, NEGATIVE, twist, cases // 10)
    return tally
