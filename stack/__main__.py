"""`python -m stack COMMAND`, as the Makefile calls it. Must parse on an old Python, to say that it is too old."""

import sys

OLDEST = (3, 11)


def start() -> int:
    if tuple(sys.version_info[:2]) < OLDEST:
        print(
            f"Hubsync needs Python 3.11 or newer; {sys.executable} is {sys.version.split()[0]}.\n"
            "Install a newer one, or name it: make PYTHON=/path/to/python3.12 ...",
            file=sys.stderr,
        )
        return 1
    from stack.cli import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
