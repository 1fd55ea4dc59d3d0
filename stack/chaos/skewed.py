"""Runs a Python module with a clock that is wrong: `python -m stack.chaos.skewed SECONDS MODULE ARGUMENTS`.

For the process it is in, everything that asks Python for the time gets it shifted; PostgreSQL's, Redis' and the
vendors' clocks stay right, as on a machine whose own clock is off.
"""

import datetime
import runpy
import sys
import time
from datetime import datetime as _real
from typing import Any

_time, _time_ns = time.time, time.time_ns


class _Kind(type):
    """Real datetimes count as ours: they are what `now` gives and what libraries written in C make."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real)


def shift(seconds: float) -> None:
    by = datetime.timedelta(seconds=seconds)

    class Skewed(_real, metaclass=_Kind):
        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return _real(*args, **kwargs)  # noqa: DTZ001  whatever zone the caller gave

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            return _real.now(tz) + by

        @classmethod
        def utcnow(cls) -> Any:
            return _real.now(datetime.UTC).replace(tzinfo=None) + by

    datetime.datetime = Skewed  # type: ignore[misc]
    time.time = lambda: _time() + seconds
    time.time_ns = lambda: _time_ns() + int(seconds * 1_000_000_000)


if __name__ == "__main__":
    shift(float(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
