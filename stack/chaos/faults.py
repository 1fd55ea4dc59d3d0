"""What can break: each kind of fault strikes the running stage once, and what it stops it starts again."""

import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from stack.chaos.stage import SUBDOMAINS, Stage, send
from stack.processes import Process

SKEW_SECONDS = 240
LASTS = 15  # seconds after which a vendor is well again, whether calls met the fault or not
PAST_TIME_OUT = 22  # longer than any call may take (hubsync.settings.CALL_DEADLINE)
Strike = Callable[[Stage, random.Random], None]


@dataclass(frozen=True)
class Kind:
    name: str
    strike: Strike
    weight: int = 2


# --- processes -------------------------------------------------------------------------------------------
def _kill(choose: Callable[[Stage], Process]) -> Strike:
    def strike(stage: Stage, dice: random.Random) -> None:
        choose(stage).kill()
        time.sleep(dice.uniform(0, 1.5))
        choose(stage).start()

    return strike


def _kill_pool(stage: Stage, dice: random.Random) -> None:
    """Its parent must replace it."""
    send(dice.choice(stage.app.workers), signal.SIGKILL, children_only=True)


def _kill_web_children(stage: Stage, dice: random.Random) -> None:
    send(stage.app.web, signal.SIGKILL, children_only=True)


def _kill_postgres(stage: Stage, dice: random.Random) -> None:
    stage.postgres.kill()
    time.sleep(dice.uniform(0, 1))
    stage.postgres.start_again()


def _restart_postgres(stage: Stage, dice: random.Random) -> None:
    stage.postgres.stop()
    stage.postgres.start_again()


def _kill_redis(stage: Stage, dice: random.Random) -> None:
    stage.redis.kill()
    time.sleep(dice.uniform(0, 1.5))
    stage.redis.start_again()


def _flush(stage: Stage, dice: random.Random) -> None:
    with redis.Redis.from_url(stage.app.services.redis_url) as connection:
        connection.flushall()


def _pause(choose: Callable[[Stage], Process | None]) -> Strike:
    def strike(stage: Stage, dice: random.Random) -> None:
        send(choose(stage), signal.SIGSTOP)
        time.sleep(dice.uniform(0.5, 4))
        send(choose(stage), signal.SIGCONT)

    return strike


def _skew(seconds: int) -> Strike:
    def strike(stage: Stage, dice: random.Random) -> None:
        app = stage.app
        stage.skew(dice.choice([*app.workers, app.web, app.beat]), seconds)

    return strike


# --- vendors ---------------------------------------------------------------------------------------------
def _vendor(service: str, kind: str, path: str = "", **more: Any) -> Strike:
    """Meets a few calls at the vendor, then is over. Without an end in time, faults that nobody meets while a breaker is
    open would pile up until every call meets one."""

    def strike(stage: Stage, dice: random.Random) -> None:
        fault = {"service": service, "kind": kind, "path": path, "times": dice.randint(1, 8), "rate": 0.7}
        stage.scene.worlds.call("POST", "faults", fault | {"lasts": LASTS} | more)

    return strike


def _refuse_keys(stage: Stage, dice: random.Random) -> None:
    """LearnUpon answers 401 once; as soon as the portal stands still, an admin enters the keys again."""
    subdomain = dice.choice(SUBDOMAINS)
    fault = {"service": "learnupon", "kind": "status", "status": 401, "path": f"^/{subdomain}/", "times": 1}
    stage.scene.worlds.call("POST", "faults", fault | {"lasts": LASTS})
    until = time.monotonic() + 3
    while subdomain not in stage.refused_portals() and time.monotonic() < until:
        time.sleep(0.2)
    for refused in stage.refused_portals():
        stage.reconnect(refused)


def _lose_deliveries(stage: Stage, dice: random.Random) -> None:
    """What the worlds send gets lost for a while. HubSpot's events are held back: nothing else would tell of them."""
    stage.lossy = True
    time.sleep(0.5)
    stage.scene.worlds.call("POST", "deliveries", {"drop": 0.5})
    time.sleep(dice.uniform(1, 3))
    stage.scene.worlds.call("POST", "deliveries", {"drop": 0.0})
    stage.lossy = False


def _tokens_die(stage: Stage, dice: random.Random) -> None:
    stage.scene.worlds.call("PUT", "options", {"token_seconds": dice.choice([5, 30, 640])})


WRITES = "upsert|complete|associations|archive"
KINDS = (
    Kind("kill -9 web", _kill(lambda s: s.app.web), 1),
    Kind("kill -9 actions worker", _kill(lambda s: s.app.workers[0]), 1),
    Kind("kill -9 live worker", _kill(lambda s: s.app.workers[1]), 1),
    Kind("kill -9 bulk worker", _kill(lambda s: s.app.workers[2]), 1),
    Kind("kill -9 beat", _kill(lambda s: s.app.beat), 1),
    Kind("kill -9 all processes of a worker's pool", _kill_pool),
    Kind("kill -9 all web processes but the first", _kill_web_children),
    Kind("kill -9 PostgreSQL", _kill_postgres, 1),
    Kind("restart PostgreSQL", _restart_postgres, 1),
    Kind("pause PostgreSQL", _pause(lambda s: s.postgres.process)),
    Kind("kill -9 Redis", _kill_redis, 1),
    Kind("FLUSHALL", _flush, 4),
    Kind("pause Redis", _pause(lambda s: s.redis.process)),
    Kind("clock 4 minutes ahead", _skew(SKEW_SECONDS), 1),
    Kind("clock 4 minutes behind", _skew(-SKEW_SECONDS), 1),
    Kind("HubSpot 429", _vendor("hubspot", "status", status=429)),
    Kind("HubSpot 502", _vendor("hubspot", "status", status=502), 3),
    Kind("HubSpot 500 after the write", _vendor("hubspot", "status", WRITES, status=500, when="after"), 4),
    Kind("HubSpot 423", _vendor("hubspot", "status", status=423)),
    Kind("HubSpot 401", _vendor("hubspot", "status", "^/(crm|automation)", status=401)),
    Kind("HubSpot reset", _vendor("hubspot", "reset"), 3),
    Kind("HubSpot reset after the write", _vendor("hubspot", "reset", WRITES, when="after"), 4),
    Kind("HubSpot truncated", _vendor("hubspot", "truncate"), 3),
    Kind("HubSpot drips", _vendor("hubspot", "drip", seconds=PAST_TIME_OUT, times=2)),
    Kind("HubSpot too late", _vendor("hubspot", "delay", seconds=PAST_TIME_OUT, times=2)),
    Kind("HubSpot too late after the write",
         _vendor("hubspot", "delay", WRITES, seconds=PAST_TIME_OUT, times=2, when="after")),
    Kind("HubSpot sign-in 503 after it renewed",
         _vendor("hubspot", "status", "^/oauth", status=503, when="after")),
    Kind("HubSpot tokens that die early", _tokens_die),
    Kind("LearnUpon 429", _vendor("learnupon", "status", status=429, headers={"Retry-After": "2"})),
    Kind("LearnUpon 503", _vendor("learnupon", "status", status=503), 3),
    Kind("LearnUpon 500 after the write", _vendor("learnupon", "status", status=500, when="after"), 4),
    Kind("LearnUpon 401 and new keys", _refuse_keys, 1),
    Kind("LearnUpon reset", _vendor("learnupon", "reset"), 3),
    Kind("LearnUpon reset after the write", _vendor("learnupon", "reset", when="after"), 4),
    Kind("LearnUpon truncated", _vendor("learnupon", "truncate"), 3),
    Kind("LearnUpon drips", _vendor("learnupon", "drip", seconds=PAST_TIME_OUT, times=2)),
    Kind("LearnUpon too late after the write",
         _vendor("learnupon", "delay", seconds=PAST_TIME_OUT, times=2, when="after")),
    Kind("deliveries lost on the way", _lose_deliveries),
)  # fmt: skip


def drawn(dice: random.Random, count: int) -> list[Kind]:
    """Every kind once where there is room, then by weight, in random order."""
    chosen = list(KINDS) if count >= len(KINDS) else dice.sample(KINDS, count)
    weights = [kind.weight for kind in KINDS]
    chosen += dice.choices(KINDS, weights, k=count - len(chosen))
    dice.shuffle(chosen)
    return chosen
