"""Our own Redis (or Valkey): keeps nothing on disk, since the app may lose Redis at any moment (DESIGN 4.2)."""

from pathlib import Path

import redis

from stack.binaries import Program
from stack.errors import StackError
from stack.ports import HOST, any_free_port
from stack.processes import Process, shown, wait_until
from stack.runs import Run
from stack.serverfolder import within_reach
from stack.unprivileged import Account

START_SECONDS = 20
ATTEMPTS = 3


class Redis:
    def __init__(self, run: Run, program: Program, folder: Path, account: Account) -> None:
        self.run = run
        self.account = account
        self.program = within_reach(program, folder, account)
        self.log = run.logs / "redis.log"
        self.password = run.secret("redis_password")
        self.port = 0
        self._process: Process | None = None

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{HOST}:{self.port}/0"

    def start(self) -> None:
        for _ in range(ATTEMPTS):
            self.port = any_free_port()
            process = self._process = self._server()
            process.start()
            if wait_until(lambda: self._answers() or not self._running(), START_SECONDS) and process.running:
                return
            process.stop()
        raise StackError(f"Redis does not start. See {shown(self.log)}:\n{self._server().last_lines()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def kill(self) -> None:
        """As a power cut would: it forgets everything."""
        if self._process is not None:
            self._process.kill()

    def start_again(self) -> None:
        """Empty, on the same port."""
        self._process = self._server()
        self._process.start()
        if not wait_until(lambda: self._answers() or not self._running(), START_SECONDS):
            raise StackError(f"Redis does not start again. See {shown(self.log)}.")

    @property
    def process(self) -> Process | None:
        return self._process

    def check(self) -> None:
        if self._process is not None:
            self._process.check()

    def _running(self) -> bool:
        return self._process is not None and self._process.running

    def _server(self) -> Process:
        # Read from standard input: on the command line the password could be seen by every account.
        settings = [
            f"bind {HOST}",
            f"port {self.port}",
            f"requirepass {self.password}",
            'save ""',
            "appendonly no",
            "daemonize no",
        ]
        return Process(
            "Redis",
            [self.program, "-"],
            log=self.log,
            record=self.run.records / "redis.pid",
            account=self.account,
            cwd=Path("/"),
            first_words="\n".join([*settings, ""]).encode(),
        )

    def _answers(self) -> bool:
        connection = redis.Redis.from_url(self.url, socket_timeout=2)
        try:
            return bool(connection.ping())
        except redis.RedisError:
            return False
        finally:
            connection.close()
