"""Proves the source distribution as its users get it: `sdist.py FOLDER`, by `make package`.

What is in it is compared with what git knows, and pip builds and installs it where there is nothing else.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from installed import ROOT, Environment

WORK = ROOT / "target" / "packages" / "built"
FILES = ["Cargo.toml", "Cargo.lock", "LICENSE-*", "pyproject.toml", "docs/python.md"]
FOLDERS = ["bindings/python/Cargo.toml", "bindings/python/src", "crates", "python/vambe"]
NOT_PACKED = [":!crates/vambe-emulator/tests"]
LARGEST_FILE = 200_000
# Others' licences, each as its owner wrote it.
LARGE = {"LICENSE-THIRD-PARTY"}


def main() -> None:
    """Looks into it, then builds it."""
    [archive] = Path(sys.argv[1]).resolve().glob("*.tar.gz")
    contents(archive)
    environment = Environment(WORK, Path(sys.executable))
    # All files of the archive are equally old: cargo would take what it has built of an earlier one for built of this.
    settings = {"CARGO_TARGET_DIR": str(WORK / "target")}
    environment.install(archive, "--no-cache-dir", settings=settings)
    print(f"{archive.name}, built by pip: {environment.prove()}")


def contents(archive: Path) -> None:
    """Holds the files against those of the checkout."""
    with tarfile.open(archive) as packed:
        root = archive.name.removesuffix(".tar.gz")
        sizes = {str(Path(member.name).relative_to(root)): member.size for member in packed}
    git = ["git", "ls-files", "--", *FILES, *FOLDERS, *NOT_PACKED]
    tracked = subprocess.run(git, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    # The core shows the README of the whole.
    expected = {*tracked, "PKG-INFO", "crates/vambe/README.md"}
    assert set(sizes) == expected, f"differs: {sorted(set(sizes) ^ expected)}"
    large = [name for name, size in sizes.items() if size > LARGEST_FILE and name not in LARGE]
    assert not large, f"over {LARGEST_FILE} bytes: {large}"
    print(f"{archive.name}: {len(sizes)} files, as listed; the largest {max(sizes.values()) / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
