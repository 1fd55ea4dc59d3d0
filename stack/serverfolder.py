"""Where the servers keep their files: below var/, or, where their account cannot get there, in a linked stand-in."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.binaries import Program
from stack.errors import StackError
from stack.unprivileged import Account

HOME = "servers"
LINK = "servers-elsewhere"
PROGRAMS = "programs"


@contextmanager
def server_folder(run_folder: Path, account: Account, *, keep: bool) -> Iterator[Path]:
    """A folder that belongs to the account. A stand-in is copied back at the end when its data is to be kept."""
    home = run_folder / HOME
    home.mkdir(mode=0o700, exist_ok=True)
    account.own(home)
    if account.can_use(home):
        yield home
        return
    stand_in = _existing(run_folder, account) or _make_stand_in(run_folder, home, account)
    try:
        yield stand_in
    finally:
        if keep:
            _copy_back(stand_in, home)
        forget(run_folder)


def forget(run_folder: Path) -> None:
    """Remove the stand-in, if there is one."""
    link = run_folder / LINK
    if link.is_symlink():
        shutil.rmtree(link.readlink(), ignore_errors=True)
        link.unlink()


def within_reach(program: Program, folder: Path, account: Account) -> Path:
    """The program's path, after copying it into the servers' folder where their account could not run it."""
    if account.output_of([str(program.path), "--version"]):
        return program.path
    if program.bundle is None:
        raise StackError(f"{program.path} cannot be run by the servers' account.")
    top = program.path.relative_to(program.bundle).parts[0]
    for name in (top, f"{top}.libs"):
        source, target = program.bundle / name, folder / PROGRAMS / name
        if source.is_dir() and not target.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.py*"))
    account.own(folder / PROGRAMS)
    return folder / PROGRAMS / program.path.relative_to(program.bundle)


def _existing(run_folder: Path, account: Account) -> Path | None:
    """Left by a run that was killed: its data is newer than what lies at home."""
    link = run_folder / LINK
    if not link.is_symlink():
        return None
    target = link.readlink()
    if target.is_dir() and not target.is_symlink() and target.stat().st_uid == account.uid:
        return target
    link.unlink()
    return None


def _make_stand_in(run_folder: Path, home: Path, account: Account) -> Path:
    for parent in (Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")):  # noqa: S108  mkdtemp below
        stand_in = Path(tempfile.mkdtemp(prefix="hubsync-", dir=parent))
        account.own(stand_in)
        if account.can_use(stand_in):
            break
        stand_in.rmdir()
    else:
        raise StackError("The servers' account can write in no temporary folder: set TMPDIR to one it can.")
    shutil.copytree(home, stand_in, symlinks=True, dirs_exist_ok=True)
    account.own(stand_in)
    stand_in.chmod(0o700)
    # Linked once it is whole: what a killed run left behind a link is good to go on with.
    (run_folder / LINK).symlink_to(stand_in)
    return stand_in


def _copy_back(stand_in: Path, home: Path) -> None:
    fresh, old = home.with_name("servers-new"), home.with_name("servers-old")
    for left_over in (fresh, old):
        shutil.rmtree(left_over, ignore_errors=True)
    shutil.copytree(stand_in, fresh, symlinks=True, ignore=shutil.ignore_patterns(PROGRAMS))
    home.rename(old)
    fresh.rename(home)
    shutil.rmtree(old)
