"""Installs out of a folder whichever wheel the installer picks for this machine, and uses it: `smoke.py FOLDER`.

Without a network, by the interpreter that runs this.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from installed import Environment


def main() -> None:
    """Takes one step after another; the first that fails ends it."""
    wheels = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        environment = Environment(Path(folder) / "smoke", Path(sys.executable))
        environment.install("vambe", "--no-index", "--only-binary", ":all:", "--find-links", str(wheels))
        print(f"CPython {sys.version.split()[0]} on {sys.platform}: {environment.prove()}")


if __name__ == "__main__":
    main()
