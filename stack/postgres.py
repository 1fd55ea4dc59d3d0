"""Our own PostgreSQL: on TCP only (socket paths can grow too long), with a password, on data below the run."""

import locale
import shutil
import signal
import time
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from stack.binaries import Program
from stack.errors import StackError
from stack.ports import HOST, any_free_port
from stack.processes import Process, command_line, shown, wait_until
from stack.runs import Run
from stack.serverfolder import within_reach
from stack.unprivileged import Account

USER = "hubsync"
DATABASE = "hubsync"
START_SECONDS = 60  # Recovery after a power cut reads the whole log.
ATTEMPTS = 3

# What a throwaway test database may do without. Never for `up` and `demo`: they show what a real one does.
NO_SAFETY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    def __init__(self, run: Run, program: Program, folder: Path, account: Account) -> None:
        self.run = run
        self.account = account
        self.major = program.version
        self.bin = within_reach(program, folder, account).parent
        self.folder = folder
        self.data = folder / "postgres"
        self.log = run.logs / "postgres.log"
        self.password = run.secret("postgres_password")
        self.port = 0
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return database_url(self.password, self.port, DATABASE)

    def start(self) -> None:
        if not self._initialized():
            self._initialize()
        for attempt in range(ATTEMPTS):
            # The port may be taken by another program before PostgreSQL has it, and sessions of a killed
            # server hold its shared memory for a moment longer.
            time.sleep(attempt)
            self.port = any_free_port()
            self._process = self._server()
            self._process.start()
            if wait_until(lambda: self._answers() or not self._running(), START_SECONDS) and self._running():
                self._create_database()
                return
            self._process.stop()
        raise StackError(f"PostgreSQL does not start. See {shown(self.log)}:\n{self._server().last_lines()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """As a power cut would."""
        if self._process is not None:
            self._process.kill()

    def start_again(self) -> None:
        """On the same port, after a stop or a kill: whoever knows the address goes on using it."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self._process = self._server()
            self._process.start()
            if wait_until(lambda: self._answers() or not self._running(), START_SECONDS) and self._running():
                return
            self._process.stop()  # Sessions of the killed server still hold its shared memory.
            time.sleep(0.2)
        raise StackError(f"PostgreSQL does not start again. See {shown(self.log)}.")

    @property
    def process(self) -> Process | None:
        return self._process

    def check(self) -> None:
        if self._process is not None:
            self._process.check()

    def _running(self) -> bool:
        return self._process is not None and self._process.running

    def _initialized(self) -> bool:
        """Whether there is data to go on with; what an interrupted first start left is removed."""
        version = self.data / "PG_VERSION"
        if not (self.folder / "postgres-ready").exists() or not version.exists():
            shutil.rmtree(self.data, ignore_errors=True)
            return False
        made_by = version.read_text().strip()
        if made_by != str(self.major):
            raise StackError(
                f"The data in {shown(self.run.folder)} was made by PostgreSQL {made_by}, this is {self.major}. "
                f"Put version {made_by} on PATH, or remove that folder to start afresh."
            )
        self._forget_foreign_pid()
        return True

    def _forget_foreign_pid(self) -> None:
        """After a kill -9 some other program may have our old pid by now; PostgreSQL would refuse to start."""
        pid_file = self.data / "postmaster.pid"
        pid = pid_file.read_text().partition("\n")[0].strip() if pid_file.exists() else ""
        if pid.isdecimal() and str(self.data) not in (command_line(int(pid)) or str(self.data)):
            pid_file.unlink()

    def _initialize(self) -> None:
        password_file = self.folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        self.account.own(self.folder)
        answer = Process(
            "initdb",
            [
                *(self.bin / "initdb", "--pgdata", self.data, "--username", USER, "--pwfile", password_file),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
                *_locale_options(self.major),
                *(() if self.run.durable else ("--no-sync",)),
            ],
            log=self.log,
            record=self.run.records / "initdb.pid",
            account=self.account,
            cwd=Path("/"),
        )
        answer.start()
        code = answer.wait(START_SECONDS)
        password_file.unlink()
        if code != 0:
            raise StackError(f"initdb failed. The end of {shown(self.log)}:\n{answer.last_lines()}")
        (self.folder / "postgres-ready").touch()

    def _server(self) -> Process:
        settings = {"listen_addresses": HOST, "unix_socket_directories": "", "timezone": "UTC"}
        settings |= {"log_timezone": "UTC", "max_connections": "100"}
        if not self.run.durable:
            settings |= NO_SAFETY
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Process(
            "PostgreSQL",
            [self.bin / "postgres", "-D", self.data, "-p", str(self.port), *options],
            log=self.log,
            record=self.run.records / "postgres.pid",
            account=self.account,
            stop_signal=signal.SIGINT,  # "Fast shutdown": ends sessions, then writes everything down.
            patience=30,
            cwd=Path("/"),
        )

    def _answers(self) -> bool:
        try:
            psycopg2.connect(database_url(self.password, self.port, "postgres"), connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _create_database(self) -> None:
        create_database(database_url(self.password, self.port, "postgres"), DATABASE)


def _locale_options(major: int) -> list[str]:
    """The same order of text on every machine, and upper and lower case that know more than ASCII."""
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    except locale.Error:
        return ["--locale=C"]
    locale.setlocale(locale.LC_CTYPE, before)
    return ["--locale=C.UTF-8"]


def database_url(password: str, port: int, database: str) -> str:
    return f"postgresql://{USER}:{quote(password, safe='')}@{HOST}:{port}/{database}"


def create_database(server_url: str, name: str) -> None:
    """Unless it is there already."""
    connection = psycopg2.connect(server_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    finally:
        connection.close()


def drop_database(server_url: str, name: str) -> None:
    """With the sessions that are still open on it."""
    connection = psycopg2.connect(server_url)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    finally:
        connection.close()
