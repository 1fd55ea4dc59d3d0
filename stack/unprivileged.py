"""As root, PostgreSQL refuses to run and Redis should not: the servers get the account `nobody`."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict


class AccountOptions(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """The account servers run under; `None` ids mean: the one we already have."""

    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> AccountOptions:
        """For subprocess."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a folder and everything in it to the account."""
        if self.uid is None or self.gid is None:
            return
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        for folder, names, files in os.walk(path):
            for name in names + files:
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)

    def can_use(self, folder: Path) -> bool:
        """Whether the account can get to this folder and write there: a parent may be closed to it."""
        if self.uid is None:
            return True
        question = ["/bin/sh", "-c", 'test -x "$1" && test -w "$1"', "sh", str(folder)]
        return subprocess.run(question, cwd="/", check=False, **self.options).returncode == 0

    def output_of(self, argv: list[str]) -> str | None:
        """What a program prints when the account runs it, or None where it cannot."""
        try:
            answer = subprocess.run(
                argv, cwd="/", check=False, capture_output=True, text=True, timeout=20, **self.options
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return answer.stdout if answer.returncode == 0 else None


def server_account() -> Account:
    if os.geteuid() != 0:
        return Account()
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(65534, 65534)
    return Account(nobody.pw_uid, nobody.pw_gid)
