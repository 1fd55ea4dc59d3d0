"""PostgreSQL and Redis for one run: those named by DATABASE_URL and REDIS_URL, else our own."""

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import redis

from stack.binaries import Program, find_postgres, find_redis, packaged_postgres, packaged_redis
from stack.errors import StackError
from stack.postgres import Postgres, create_database, drop_database
from stack.redisserver import Redis
from stack.runs import Run
from stack.serverfolder import server_folder
from stack.unprivileged import Account, server_account


class Watched(Protocol):
    def check(self) -> None: ...


@dataclass(frozen=True)
class Services:
    database_url: str
    redis_url: str
    servers: tuple[Watched, ...]
    own_database: bool
    own_redis: bool

    def check(self) -> None:
        for server in self.servers:
            server.check()


def _needed(program: Program | None, what: str) -> Program:
    if program is None:
        raise StackError(
            f"No {what} found on this machine, and no wheel of it for this platform: install {what}."
        )
    return program


@contextmanager
def services(run: Run, environ: Mapping[str, str] = os.environ) -> Iterator[Services]:
    """Both, ready to be used; ours are stopped at the end, however it comes."""
    database_url, redis_url = environ.get("DATABASE_URL", ""), environ.get("REDIS_URL", "")
    account = server_account()
    with ExitStack() as stack:
        servers: list[Watched] = []
        folder = Path()
        if not (database_url and redis_url):
            folder = stack.enter_context(server_folder(run.folder, account, keep=run.keep))
        if not database_url:
            postgres = _start_postgres(run, folder, account, stack)
            database_url = postgres.url
            servers.append(postgres)
        if not redis_url:
            own_redis = _start_redis(run, folder, account, stack)
            redis_url = own_redis.url
            servers.append(own_redis)
        yield Services(
            database_url,
            redis_url,
            tuple(servers),
            own_database=not environ.get("DATABASE_URL"),
            own_redis=not environ.get("REDIS_URL"),
        )


def _start_postgres(run: Run, folder: Path, account: Account, stack: ExitStack) -> Postgres:
    program = _needed(find_postgres(account) or packaged_postgres(), "PostgreSQL")
    postgres = Postgres(run, program, folder, account)
    stack.callback(postgres.stop)
    postgres.start()
    return postgres


def _start_redis(run: Run, folder: Path, account: Account, stack: ExitStack) -> Redis:
    program = _needed(find_redis(account) or packaged_redis(), "Redis")
    server = Redis(run, program, folder, account)
    stack.callback(server.stop)
    server.start()
    return server


@contextmanager
def set_apart(servers: Services) -> Iterator[Services]:
    """For the demo, which empties Redis and ends by forgetting everything: nobody else's data may be near."""
    if not servers.own_redis:
        with redis.Redis.from_url(servers.redis_url) as connection:
            if connection.dbsize():
                raise StackError(
                    "The demo empties Redis, and REDIS_URL names one with data: unset it, or name another."
                )
    if servers.own_database:
        yield servers
        return
    name = f"hubsync_demo_{secrets.token_hex(4)}"
    create_database(servers.database_url, name)
    try:
        yield replace(servers, database_url=urlsplit(servers.database_url)._replace(path=f"/{name}").geturl())
    finally:
        drop_database(servers.database_url, name)
