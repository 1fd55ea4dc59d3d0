"""How one delivery ended, or why it goes on later. Flows yield these; webhooks/endings.py writes them down."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial, wraps

from portals import context
from portals.clients.errors import Disconnected, Reason, Refused, TryAgain
from webhooks.models import Delivery


@dataclass(frozen=True)
class Done:
    """Worked. `outcome` is a code of learners/outcomes.py; `ok` False means it ended, but not as was hoped."""

    outcome: str
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    ok: bool = True
    why: Reason | None = None  # it did not end as was hoped; a refusal where nothing else is said
    forget: bool = False  # nothing about it may be kept: it concerned nobody we know, or somebody erased


@dataclass(frozen=True)
class Later:
    """To be tried again; `after` 0 lets the ladder decide. `counts` False: nobody's failure."""

    message: str
    after: float = 0.0
    counts: bool = True
    why: Reason | None = None  # None: passing trouble
    correlation_id: str = ""


Result = Done | Later
Flow = Callable[[list[Delivery]], Iterator[tuple[Delivery, Result]]]


def settle(delivery: Delivery, work: Callable[[], Result]) -> Result:
    """Run the work on one delivery and turn the clients' errors into a result."""
    trace = context.trace_of(delivery.key)
    try:
        with context.within(f"work {delivery.kind}", trace=trace, delivery=delivery.pk, kind=delivery.kind):
            return work()
    except TryAgain as error:
        return Later(error.message, error.after, error.counts, error.why, error.correlation_id)
    except Disconnected as error:
        return Later(error.message, why=error.why, correlation_id=error.correlation_id)
    except Refused as error:
        return Done("refused", error.message, ok=False, why=error.why)


def one_by_one(function: Callable[[Delivery], Result]) -> Flow:
    """A flow of a function that works deliveries singly, in the order they came."""

    @wraps(function)
    def flow(deliveries: Iterable[Delivery]) -> Iterator[tuple[Delivery, Result]]:
        for delivery in deliveries:
            yield delivery, settle(delivery, partial(function, delivery))

    return flow
