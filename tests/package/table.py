"""Holds what was packed against the targets, and prints the table: `table.py FOLDER PLATFORM`, by `make package`.

The oldest glibc that a shared object runs with is the newest version among the symbols that it asks for.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

ROOT = Path(__file__).parents[2]
PLATFORMS: list[dict[str, str]] = json.loads((ROOT / "bindings" / "platforms.json").read_text())
MEGABYTE = 1_000_000
LARGEST_PACKAGE = 6 * MEGABYTE
LARGEST_SHARED_OBJECT = 14 * MEGABYTE
# Of what every Linux with glibc has, what we need: less than manylinux allows.
SYSTEM_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|ld-linux-[\w-]+)\.so\.\d+")
Row = tuple[str, str, str, str]


def main() -> None:
    """Prints all rows, and fails if one of them says MISSED."""
    folder, name = Path(sys.argv[1]), sys.argv[2]
    [platform] = [platform for platform in PLATFORMS if platform["name"] == name]
    wheel = of_wheel(folder, platform) if "wheel" in platform else []
    rows = [*wheel, *of_addon(folder, platform), *of_others(folder)]
    rows += [("wheel and npm package", other["name"], "", "not built here") for other in PLATFORMS if other != platform]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if any("MISSED" in row[3] for row in rows):
        sys.exit("a target is missed")


def of_wheel(folder: Path, platform: dict[str, str]) -> list[Row]:
    [wheel] = folder.glob(f"wheels/*-{platform['wheel']}.whl")
    with zipfile.ZipFile(wheel) as archive:
        [native] = [name for name in archive.namelist() if name.endswith(".so")]
        content = archive.read(native)
    return [
        sized(wheel.name, wheel.stat().st_size, LARGEST_PACKAGE),
        sized(f"  {native}", len(content), LARGEST_SHARED_OBJECT),
        floored(f"  {native}", content, platform["floor"]),
        loading(f"  {native}", content),
        abi3(wheel),
    ]


def of_addon(folder: Path, platform: dict[str, str]) -> list[Row]:
    [archive] = folder.glob(f"node/vambe-{platform['name']}-*.tgz")
    with tarfile.open(archive) as packed:
        native = packed.extractfile("package/vambe.node")
        assert native is not None
        content = native.read()
    return [
        sized(archive.name, archive.stat().st_size, LARGEST_PACKAGE),
        sized("  vambe.node", len(content), LARGEST_SHARED_OBJECT),
        floored("  vambe.node", content, platform["floor"]),
        loading("  vambe.node", content),
    ]


def of_others(folder: Path) -> list[Row]:
    patterns = ["node/vambe-[0-9]*.tgz", "sdist/*.tar.gz", "crates/*.crate"]
    files = [file for pattern in patterns for file in sorted(folder.glob(pattern))]
    return [(file.name, f"{file.stat().st_size / MEGABYTE:.2f} MB", "no target", "") for file in files]


def sized(what: str, size: int, largest: int) -> Row:
    return (what, f"{size / MEGABYTE:.2f} MB", f"<= {largest / MEGABYTE:g} MB", verdict(size <= largest))


def floored(what: str, content: bytes, floor: str) -> Row:
    version = max(needed(content), key=numbers)
    return (what, f"glibc {version}", f"<= {floor}", verdict(numbers(version) <= numbers(floor)))


def needed(content: bytes) -> set[str]:
    """The versions of glibc's symbols that a shared object asks for."""
    versions = {
        auxiliary.name.removeprefix("GLIBC_")
        for section in ELFFile(io.BytesIO(content)).iter_sections()
        if isinstance(section, GNUVerNeedSection)
        for _, auxiliaries in section.iter_versions()
        for auxiliary in auxiliaries
        if auxiliary.name.startswith("GLIBC_")
    }
    assert versions, "no symbol of glibc was found: not a library for it?"
    return versions


def loading(what: str, content: bytes) -> Row:
    """Names the libraries that a shared object loads, if they are not of every system."""
    [dynamic] = [part for part in ELFFile(io.BytesIO(content)).iter_sections() if isinstance(part, DynamicSection)]
    others = {tag.needed for tag in dynamic.iter_tags("DT_NEEDED") if not SYSTEM_LIBRARIES.fullmatch(tag.needed)}
    return (what, ", ".join(sorted(others)) or "system libraries", "alone", verdict(not others))


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def abi3(wheel: Path) -> Row:
    """Asks whether the module uses only what every CPython from the tagged one on has."""
    command = [Path(sys.executable).with_name("abi3audit"), "--strict", "--report", wheel]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    report: Any = json.loads(done.stdout)["specs"][str(wheel)]["wheel"]
    [audit] = [found["result"] for found in report]
    is_met = done.returncode == 0 and audit["is_abi3"] and not audit["non_abi3_symbols"]
    return ("  vambe/_native.abi3.so", f"abi3 of {audit['computed']}", f">= {audit['baseline']}", verdict(is_met))


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


if __name__ == "__main__":
    main()
