"""Proves the wheel as its users get it, with every CPython of this machine: `wheel.py FOLDER`, by `make package`."""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
import zipfile
from pathlib import Path

from installed import ROOT, Environment, blocks
from interpreters import found, supported

WORK = ROOT / "target" / "packages" / "installed"
DOCUMENTS = [ROOT / "README.md", ROOT / "docs" / "python.md"]
# Celery and pandas have no types of their own, which pyproject.toml tells mypy; pyright cannot be told.
UNTYPED = ["written/4_ecommerce_order.py", "written/pandas_import.py"]
SOURCES = {".py", ".pyi", ".typed"}


def main() -> None:
    """Takes one step after another; the first that fails ends it."""
    wheels = sorted(Path(sys.argv[1]).resolve().glob("*.whl"))
    assert len(wheels) == 1, f"expected one wheel in {sys.argv[1]}, found {[wheel.name for wheel in wheels]}"
    contents(wheels[0])
    everywhere(wheels[0])
    environment = Environment(WORK / "types", Path(sys.executable))
    environment.install(wheels[0], "--no-index", "--no-deps")
    types(environment)


def contents(wheel: Path) -> None:
    """Holds the files and the name against what was promised."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    sources = {f"vambe/{file.name}" for file in (ROOT / "python" / "vambe").iterdir() if file.suffix in SOURCES}
    version = wheel.name.split("-")[1]
    about = {
        f"vambe-{version}.dist-info/{name}"
        for name in (
            "METADATA",
            "RECORD",
            "WHEEL",
            "entry_points.txt",
            "licenses/LICENSE-APACHE",
            "licenses/LICENSE-MIT",
            "licenses/LICENSE-THIRD-PARTY",
            "sboms/vambe-python.cyclonedx.json",
        )
    }
    expected = sources | about | {"vambe/_native.abi3.so"}
    assert names == expected, f"differs: {sorted(names ^ expected)}"
    assert "-cp310-abi3-" in wheel.name, f"not for every Python from 3.10 on: {wheel.name}"
    print(f"{wheel.name}: {len(names)} files, as listed")


def everywhere(wheel: Path) -> None:
    """Installs the wheel alone, without an index, for each interpreter, and uses it."""
    interpreters = found()
    for version, program in interpreters:
        environment = Environment(WORK / f"{version}-{program.parent.parent.name}", program)
        environment.install(wheel, "--no-index", "--no-deps")
        print(f"CPython {version} ({program}): {environment.prove()}")
    for version in supported():
        if not any(one.version.startswith(f"{version}.") for one in interpreters):
            print(f"CPython {version}: not on this machine")
    assert interpreters, "no CPython that the package supports was found"


def types(environment: Environment) -> None:
    """Lets type checkers read the installed package, and what is written with it."""
    python = str(environment.python)
    # Only now what the checkers need and the package does not. An editable install in there is
    # not found: .pth files are not followed from one to the next.
    site = Path(environment.run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).strip())
    (site / "checkers.pth").write_text(sysconfig.get_path("purelib") + "\n")
    written = write_programs(environment.folder / "written")
    mypy = [python, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--strict"]
    mypy += ["--cache-dir", str(environment.folder / "mypy")]
    print("mypy --strict, package:", environment.run([*mypy, "--package", "vambe"]).strip())
    print("mypy --strict, examples:", environment.run([*mypy, "--scripts-are-modules", *written]).strip())
    allowed = str(ROOT / "tests" / "python" / "stubtest_allowlist.txt")
    print("stubtest:", environment.run([python, "-m", "mypy.stubtest", "vambe", "--allowlist", allowed]).strip())
    settings = {
        "typeCheckingMode": "strict",
        # The modules of the package are private to its users, not to each other.
        "reportPrivateUsage": False,
        "include": ["written", str((site / "vambe").relative_to(environment.folder))],
        "exclude": UNTYPED,
    }
    (environment.folder / "pyrightconfig.json").write_text(json.dumps(settings))
    print("pyright strict:", environment.run([python, "-m", "pyright", "--pythonpath", python]).strip())


def write_programs(folder: Path) -> list[str]:
    """Writes what documents and examples show into a folder."""
    folder.mkdir()
    for document in DOCUMENTS:
        for number, code in enumerate(blocks(document), 1):
            (folder / f"{document.stem.lower()}_{number}.py").write_text(code)
    for file in (ROOT / "examples" / "python").glob("*.py"):
        shutil.copy(file, folder)
    return [str(file) for file in sorted(folder.iterdir())]


if __name__ == "__main__":
    main()
