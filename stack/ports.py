"""Chooses ports so that two checkouts, or demo, up and test of one, never meet."""

import os
import socket
from collections.abc import Mapping

from stack.errors import StackError

HOST = "127.0.0.1"
DEFAULTS = {
    "WEB_PORT": 8000,
    "SANDBOX_HUBSPOT_PORT": 9000,
    "SANDBOX_LEARNUPON_PORT": 9001,
    "SANDBOX_SMTP_PORT": 9002,
}
HOW_FAR = 200


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that linger from a server just stopped are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen()
        except OSError:
            return False
    return True


class Ports:
    """Ports chosen for one run, each reserved until the end by holding the UDP port of the same number: nothing
    listens there, the kernel frees it with our process, and every other run of ours looks at it first."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ
        self._reserved: list[socket.socket] = []

    def choose(self, name: str) -> int:
        wanted = self._environ.get(name, "").strip()
        if wanted:
            return self._exactly(name, wanted)
        default = DEFAULTS[name]
        for port in range(default, default + HOW_FAR):
            if self._reserve(port):
                if port != default:
                    print(f"Port {default} is in use, so {name} is {port}.", flush=True)
                return port
        raise StackError(f"No free port between {default} and {default + HOW_FAR}: set {name}.")

    def release(self) -> None:
        for reservation in self._reserved:
            reservation.close()
        self._reserved.clear()

    def _exactly(self, name: str, wanted: str) -> int:
        if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
            raise StackError(f"{name}={wanted} is not a port number.")
        if not self._reserve(int(wanted)):
            raise StackError(f"{name}={wanted}: that port is in use. Free it, or set {name} to another.")
        return int(wanted)

    def _reserve(self, port: int) -> bool:
        reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            reservation.bind((HOST, port))
        except OSError:
            reservation.close()
            return False
        if not is_free(port):
            reservation.close()
            return False
        self._reserved.append(reservation)
        return True
