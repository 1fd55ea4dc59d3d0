"""PostgreSQL and Redis of our own: reachable only with the password, back after a kill -9, gone after the run."""

from pathlib import Path

import psycopg2
import pytest
import redis

from stack.binaries import find_postgres, packaged_postgres
from stack.errors import StackError
from stack.postgres import Postgres
from stack.processes import command_line
from stack.runs import run
from stack.serverfolder import server_folder
from stack.services import services, set_apart
from stack.unprivileged import server_account


def recorded_pids(folder: Path) -> list[int]:
    return [int(record.read_text().split()[0]) for record in folder.glob("pids/*.pid")]


def test_both_servers_run_for_the_length_of_a_run(tmp_path: Path) -> None:
    with run("test", keep=False, durable=False, var=tmp_path) as mine, services(mine, {}) as servers:
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(servers.database_url.replace("//hubsync:", "//hubsync:wrong"))
        psycopg2.connect(servers.database_url).close()
        with redis.Redis.from_url(servers.redis_url) as connection:
            assert connection.ping()
        servers.check()
        pids = recorded_pids(mine.folder)
        assert len(pids) == 2
    assert [pid for pid in pids if command_line(pid)] == []
    assert not mine.folder.exists()


def test_servers_named_by_the_environment_are_used_as_they_are(tmp_path: Path) -> None:
    named = {"DATABASE_URL": "postgresql://elsewhere/db", "REDIS_URL": "redis://elsewhere/1"}
    with run("test", keep=False, durable=False, var=tmp_path) as mine, services(mine, named) as servers:
        assert (servers.database_url, servers.redis_url) == (named["DATABASE_URL"], named["REDIS_URL"])
        assert recorded_pids(mine.folder) == []


def test_the_demo_keeps_off_the_data_of_servers_that_are_not_ours(tmp_path: Path) -> None:
    with run("up", keep=True, durable=False, var=tmp_path) as other, services(other, {}) as theirs:
        named = {"DATABASE_URL": theirs.database_url, "REDIS_URL": theirs.redis_url}
        with run("demo", keep=False, durable=False, var=tmp_path) as mine, services(mine, named) as found:
            with set_apart(found) as apart:
                assert "/hubsync_demo_" in apart.database_url
                psycopg2.connect(apart.database_url).close()
            with pytest.raises(psycopg2.OperationalError, match="does not exist"):
                psycopg2.connect(apart.database_url)
            with redis.Redis.from_url(theirs.redis_url) as connection:
                connection.set("somebody's", "data")
            with pytest.raises(StackError, match="REDIS_URL names one with data"), set_apart(found):
                pass


def test_postgres_comes_back_with_its_data_after_a_kill(tmp_path: Path) -> None:
    account = server_account()
    program = find_postgres(account) or packaged_postgres()
    assert program
    with (
        run("up", keep=True, durable=True, var=tmp_path) as mine,
        server_folder(mine.folder, account, keep=True) as folder,
    ):
        first = Postgres(mine, program, folder, account)
        first.start()
        execute(first.url, "CREATE TABLE kept AS SELECT 41 + 1 AS answer")
        first.kill()
        second = Postgres(mine, program, folder, account)
        second.start()
        assert execute(second.url, "TABLE kept; ") == [(42,)]
        second.stop()
    with run("up", keep=True, durable=True, var=tmp_path) as mine:
        assert (mine.folder / "servers" / "postgres" / "PG_VERSION").exists()


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []
    finally:
        connection.close()


def test_runs_of_one_checkout_keep_out_of_each_others_way(tmp_path: Path) -> None:
    with run("demo", keep=False, durable=True, var=tmp_path) as first:
        (first.folder / "data").touch()
        with run("demo", keep=False, durable=True, var=tmp_path) as second:
            assert (first.name, second.name) == ("demo", "demo-2")
    with run("up", keep=True, durable=True, var=tmp_path) as kept:
        secret = kept.secret("SECRET_KEY")
        assert (kept.folder / "secrets.json").stat().st_mode & 0o777 == 0o600
        with (
            pytest.raises(StackError, match="running in this checkout"),
            run("up", keep=True, durable=True, var=tmp_path),
        ):
            pass
    with run("up", keep=True, durable=True, var=tmp_path) as again:
        assert again.secret("SECRET_KEY") == secret
