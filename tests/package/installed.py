"""An environment with the package and nothing else in it, and what is proven there.

The source tree is never on the path: programs run in a folder of their own, in isolated mode.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
RUNS_AGAINST_AN_EMULATOR = """
import os, runpy, sys
from vambe.testing import Emulator

with Emulator() as emulator:
    os.environ.update(VAMBE_API_KEY=emulator.api_key, VAMBE_BASE_URL=emulator.url)
    runpy.run_path(sys.argv[1], run_name="__main__")
    assert emulator.contacts(), "no contact was made"
"""
SHOWS_WHAT_IS_INSTALLED = """
import importlib.metadata, vambe
names = sorted(distribution.name for distribution in importlib.metadata.distributions())
print(vambe.__file__, importlib.metadata.version("vambe"), *names, sep="\\n")
"""


class Environment:
    """A fresh virtual environment in a folder of its own."""

    def __init__(self, folder: Path, interpreter: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # Without pip: the environment stays empty, and the pip of this program reaches in.
        self.run([str(interpreter), "-m", "venv", "--without-pip", str(folder / "venv")])

    def install(self, package: Path | str, *options: str, settings: dict[str, str] | None = None) -> None:
        """Installs the package, a file or a name, and checks that it is what is imported, and alone."""
        pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(self.python), "--disable-pip-version-check"]
        self.run([*pip, "install", *options, str(package)], settings)
        file, version, *installed = self.run([str(self.python), "-I", "-c", SHOWS_WHAT_IS_INSTALLED]).splitlines()
        assert Path(file).is_relative_to(self.folder), f"found {file}"
        assert installed == ["vambe"], f"the environment was not empty: {installed}"
        if isinstance(package, Path):
            assert package.name.startswith(f"vambe-{version}"), f"{package.name} holds version {version}"

    def prove(self) -> str:
        """Runs the README's first example against the package's own emulator, and the command in both its ways."""
        file = self.folder / "example.py"
        file.write_text(blocks(ROOT / "README.md")[0], encoding="utf-8")
        python = [str(self.python), "-I"]
        printed = self.run([*python, "-W", "error", "-c", RUNS_AGAINST_AN_EMULATOR, str(file)]).strip()
        assert re.fullmatch(r"[0-9a-f-]{36} \+56912345678", printed), printed
        said = {
            self.run([*command, "--version"]).strip()
            for command in ([str(self.python.with_name("vambe"))], [*python, "-m", "vambe"])
        }
        assert len(said) == 1, said
        [command] = said
        assert re.fullmatch(r"vambe \d+\.\d+\.\d+", command), command
        return f"README example, `vambe --version`, `python -m vambe --version`: {command}"

    def run(self, command: list[str], settings: dict[str, str] | None = None) -> str:
        """Runs a program in a folder without sources, and returns what it printed."""
        hidden = ("PYTHON", "VAMBE_", "VIRTUAL_ENV")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        environment |= settings or {}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout


def blocks(document: Path) -> list[str]:
    """The Python blocks of a document."""
    return re.findall(r"^```python\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)
