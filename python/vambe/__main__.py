"""The command `vambe`, in this process: `python -m vambe`, or the script of the same name."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command with the arguments of the process, and returns the exit code."""
    command = _native.Command()

    def stop(number: int, _: object) -> None:
        if number == signal.SIGTERM:
            command.terminate()
        else:
            command.interrupt()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return command.run(["vambe", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
