"""The command `vambe`, in this process: `python -m vambe`, or the script of the same name."""

from __future__ import annotations

import signal
import sys

from . import _native


def main() -> int:
    """Runs the command with the arguments of the process, and returns the exit code."""
    command = _native.Command()
    signal.signal(signal.SIGINT, lambda *_: command.interrupt())
    signal.signal(signal.SIGTERM, lambda *_: command.terminate())
    return command.run(["vambe", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
