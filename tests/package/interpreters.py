"""Finds the CPythons of this machine that the package supports."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
ASKS = """
import sys, sysconfig
is_free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED") or 0
print(sys.implementation.name, sys.version.split()[0], is_free_threaded, sys.base_prefix)
"""


class Interpreter(NamedTuple):
    """A CPython: its version in full, and the program."""

    version: str
    program: Path


def supported() -> list[str]:
    """The versions that pyproject.toml names, such as 3.10."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (ROOT / "pyproject.toml").read_text())


def found() -> list[Interpreter]:
    """Those on PATH, in /usr/bin, and of pyenv, which hides most of its own."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [*pyenv.glob("versions/*/bin"), *map(Path, os.get_exec_path()), Path("/usr/bin"), Path("/usr/local/bin")]
    programs = [folder / f"python{version}" for version in supported() for folder in folders]
    by_place: dict[str, Interpreter] = {}
    for program in programs:
        answer = asked(program) if program.is_file() else None
        if answer is not None:
            version, place = answer
            by_place.setdefault(place, Interpreter(version, program))
    return sorted(by_place.values(), key=lambda one: [int(digits) for digits in re.findall(r"\d+", one.version)])


def asked(program: Path) -> tuple[str, str] | None:
    """Version and place of a CPython with the lock that abi3 needs; anything else is none, a pyenv shim too."""
    done = subprocess.run([program, "-I", "-c", ASKS], capture_output=True, text=True, check=False)
    said = done.stdout.split(maxsplit=3)
    if len(said) != 4 or said[0] != "cpython" or said[2] != "0":
        return None
    return said[1], said[3].strip()
