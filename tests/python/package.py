"""Proves the wheel as its users get it: installed alone, into an environment with nothing else in it.

Run by `make package`. The source tree is never on the path: programs run in a folder of
their own, in isolated mode.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORK = ROOT / "target" / "package-python"
ENVIRONMENT = WORK / "venv"
PYTHON = ENVIRONMENT / "bin" / "python"
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "python.md"]
# Celery and pandas have no types of their own, which pyproject.toml tells mypy; pyright cannot be told.
UNTYPED = ["written/4_ecommerce_order.py", "written/pandas_import.py"]
LARGEST_WHEEL = 6_000_000
LARGEST_SHARED_OBJECT = 14_000_000

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


def main() -> None:
    """Takes one step after another; the first that fails ends it."""
    wheels = sorted(Path(sys.argv[1]).resolve().glob("*.whl"))
    assert len(wheels) == 1, f"expected one wheel in {sys.argv[1]}, found {[wheel.name for wheel in wheels]}"
    contents(wheels[0])
    install(wheels[0])
    example()
    commands()
    types()


def contents(wheel: Path) -> None:
    """Holds the files and their sizes against what was promised."""
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
    [native] = [name for name in sizes if name.endswith(".so")]
    limit("wheel", wheel.stat().st_size, LARGEST_WHEEL)
    limit("shared object", sizes[native], LARGEST_SHARED_OBJECT)
    sources = {f"vambe/{file.name}" for file in (ROOT / "python" / "vambe").iterdir() if file.suffix in SOURCES}
    packed = {name for name in sizes if ".dist-info/" not in name}
    assert packed == sources | {native}, f"differs: {sorted(packed ^ (sources | {native}))}"
    assert "-cp310-abi3-" in wheel.name, f"not for every Python from 3.10 on: {wheel.name}"


def limit(what: str, size: int, largest: int) -> None:
    is_met = size <= largest
    print(f"{what}: {size / 1e6:.2f} MB, target <= {largest / 1e6:g} MB, {'met' if is_met else 'MISSED'}")
    assert is_met, f"the {what} is too large"


def install(wheel: Path) -> None:
    """Installs the wheel alone, without an index, and checks that nothing else is found."""
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    venv.create(ENVIRONMENT, with_pip=False, symlinks=True)
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", str(PYTHON), "--disable-pip-version-check"]
    run([*pip, "install", "--no-index", "--no-deps", str(wheel)])
    file, version, *installed = run([str(PYTHON), "-I", "-c", SHOWS_WHAT_IS_INSTALLED]).splitlines()
    assert Path(file).is_relative_to(ENVIRONMENT), f"found {file}"
    assert installed == ["vambe"], f"the environment was not empty: {installed}"
    assert version in wheel.name, f"{wheel.name} holds version {version}"
    print(f"installed {wheel.name} alone")


def example() -> None:
    """Runs the README's first example against an emulator out of the same wheel."""
    code = blocks(ROOT / "README.md")[0]
    file = WORK / "example.py"
    file.write_text(code)
    print("README example:", run([str(PYTHON), "-I", "-W", "error", "-c", RUNS_AGAINST_AN_EMULATOR, str(file)]).strip())


def commands() -> None:
    """Asks the command for its version, in both of its ways."""
    file, version, *_ = run([str(PYTHON), "-I", "-c", SHOWS_WHAT_IS_INSTALLED]).splitlines()
    assert Path(file).is_relative_to(ENVIRONMENT)
    for command in ([str(PYTHON.with_name("vambe"))], [str(PYTHON), "-I", "-m", "vambe"]):
        said = run([*command, "--version"]).strip()
        assert said == f"vambe {version}", f"{command} said {said!r}"
        print(f"{' '.join(Path(part).name for part in command)} --version: {said}")


def types() -> None:
    """Lets type checkers read the installed package, and what is written with it."""
    # Only now what the checkers need and the package does not. An editable install in there is
    # not found: .pth files are not followed from one to the next.
    site = Path(run([str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    (site / "checkers.pth").write_text(sysconfig.get_path("purelib") + "\n")
    folder = WORK / "written"
    folder.mkdir()
    for document in DOCUMENTS:
        for number, code in enumerate(blocks(document), 1):
            (folder / f"{document.stem.lower()}_{number}.py").write_text(code)
    for file in (ROOT / "examples" / "python").glob("*.py"):
        shutil.copy(file, folder)
    written = [str(file) for file in sorted(folder.iterdir())]
    mypy = [
        str(PYTHON),
        "-m",
        "mypy",
        "--config-file",
        str(ROOT / "pyproject.toml"),
        "--cache-dir",
        str(WORK / "mypy"),
        "--strict",
    ]
    print("mypy --strict, package:", run([*mypy, "--package", "vambe"]).strip())
    print("mypy --strict, examples:", run([*mypy, "--scripts-are-modules", *written]).strip())
    allowed = str(Path(__file__).with_name("stubtest_allowlist.txt"))
    print("stubtest:", run([str(PYTHON), "-m", "mypy.stubtest", "vambe", "--allowlist", allowed]).strip())
    settings = {
        "typeCheckingMode": "strict",
        # The modules of the package are private to its users, not to each other.
        "reportPrivateUsage": False,
        "include": ["written", str((site / "vambe").relative_to(WORK))],
        "exclude": UNTYPED,
    }
    (WORK / "pyrightconfig.json").write_text(json.dumps(settings))
    print("pyright strict:", run([str(PYTHON), "-m", "pyright", "--pythonpath", str(PYTHON)]).strip())


def blocks(document: Path) -> list[str]:
    found: list[str] = re.findall(r"^```python\n(.*?)^```", document.read_text(), re.M | re.S)
    return found


def run(command: list[str]) -> str:
    """Runs a program in a folder without sources, and returns what it printed."""
    settings = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VAMBE_", "VIRTUAL_ENV"))
    }
    done = subprocess.run(command, cwd=WORK, env=settings, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


SOURCES = {".py", ".pyi", ".typed"}

if __name__ == "__main__":
    main()
