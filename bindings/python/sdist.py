"""Packs the source distribution: `sdist.py FOLDER`.

maturin takes the lock file as it is, with the packages of workspace members that a source
distribution does not hold. cargo would drop them, which `--locked` forbids; so they are dropped here.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Packs, and mends the lock file of what was packed."""
    goal = Path(sys.argv[1]).resolve()
    goal.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run([sys.executable, "-m", "maturin", "sdist", "--out", folder], ROOT)
        [archive] = Path(folder).glob("*.tar.gz")
        lock = trimmed_lock(archive, Path(folder))
        replace_lock(archive, lock, goal / archive.name)
    print(goal / archive.name)


def trimmed_lock(archive: Path, folder: Path) -> str:
    """Lets cargo drop what the packed workspace does not need, and nothing else change."""
    shutil.unpack_archive(archive, folder)
    lock = folder / archive.name.removesuffix(".tar.gz") / "Cargo.lock"
    before = entries(lock.read_text())
    run(["cargo", "metadata", "--quiet", "--format-version", "1"], lock.parent)
    after = lock.read_text()
    added = entries(after) - before
    assert not added, f"Cargo.lock is out of date: {sorted(added)}"
    return after


def run(command: list[str], folder: Path) -> None:
    """Runs a program that talks much, and shows what it said if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")


def entries(lock: str) -> set[tuple[str, str]]:
    """The packages of a lock file, with their versions."""
    return set(re.findall(r'^name = "(.*)"\nversion = "(.*)"', lock, re.M))


def replace_lock(archive: Path, lock: str, goal: Path) -> None:
    """Copies an archive, with another lock file in it."""
    with tarfile.open(archive) as old, tarfile.open(goal, "w:gz") as new:
        for member in old:
            content = old.extractfile(member)
            assert content is not None, f"{member.name} is no file"
            data = lock.encode() if Path(member.name).parts[1:] == ("Cargo.lock",) else content.read()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))


if __name__ == "__main__":
    main()
