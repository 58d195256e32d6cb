"""Packs the crates, and proves them as their users get them: `crates.py FOLDER`, by `make package`.

Each is unpacked and built alone. An empty project depends on the unpacked crate, and the README's
example runs in it against the emulator of the unpacked command.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = ROOT / "target" / "packages" / "consumer"
CRATES = ["vambe", "vambe-import", "vambe-emulator", "vambe-cli"]
STATED = ["description", "license", "readme", "rust_version", "keywords", "categories"]
NOT_PACKED = {"vambe-emulator": "tests/"}
WORKSPACE = """
[workspace]
resolver = "3"
members = ["consumer", "vambe-*"]

# As in the repository, so that what is built of other crates is shared with it.
[profile.dev]
debug = "line-tables-only"
opt-level = 1

[patch.crates-io]
vambe = {{ path = "vambe-{version}" }}
vambe-import = {{ path = "vambe-import-{version}" }}
vambe-emulator = {{ path = "vambe-emulator-{version}" }}
"""
CONSUMER = """
[package]
name = "consumer"
version = "0.0.0"
edition = "2024"

[dependencies]
vambe = "{version}"
tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}
"""


def main() -> None:
    """Takes one step after another; the first that fails ends it."""
    manifests()
    version, archives = packed(Path(sys.argv[1]).resolve())
    for archive in archives:
        contents(archive)
    lay_out(version, archives)
    build()
    consume()


def manifests() -> None:
    """Only these crates can be published, and each says what an index shows."""
    packages = json.loads(cargo("metadata", "--no-deps", "--format-version", "1", folder=ROOT))["packages"]
    can_be_published = {package["name"] for package in packages if package["publish"] is None}
    assert can_be_published == set(CRATES), f"differs: {can_be_published ^ set(CRATES)}"
    for package in packages:
        if package["name"] in CRATES:
            missing = [name for name in STATED if not package[name]]
            assert not missing, f"{package['name']} does not state {missing}"


def packed(goal: Path) -> tuple[str, list[Path]]:
    """Packs all as one set."""
    of = [word for crate in CRATES for word in ("--package", crate)]
    # cargo's own verification unpacks into its home, and takes what an earlier one left there.
    cargo("package", "--quiet", "--locked", "--allow-dirty", "--no-verify", *of, folder=ROOT)
    [version] = re.findall(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[:1]
    goal.mkdir(parents=True, exist_ok=True)
    files = [TARGET / "package" / f"{crate}-{version}.crate" for crate in CRATES]
    return version, [Path(shutil.copy(file, goal)) for file in files]


def contents(archive: Path) -> None:
    """Holds the files against those that git knows."""
    name = re.sub(r"-\d.*", "", archive.name)
    with tarfile.open(archive) as files:
        names = {str(Path(member.name).relative_to(archive.stem)) for member in files}
    folder = ROOT / "crates" / name
    tracked = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=True).stdout.split()
    kept = {file for file in tracked if not file.startswith(NOT_PACKED.get(name, "/"))}
    expected = kept | {"Cargo.lock", "Cargo.toml.orig", "README.md", ".cargo_vcs_info.json"}
    assert names == expected, f"{name} differs: {sorted(names ^ expected)}"
    print(f"{archive.name}: {len(names)} files, as listed")


def lay_out(version: str, archives: list[Path]) -> None:
    """Unpacks the crates, beside an empty project that depends on one of them."""
    shutil.rmtree(WORK, ignore_errors=True)
    for archive in archives:
        shutil.unpack_archive(archive, WORK, "gztar")
    # All files of an archive are equally old: cargo would take what it has built of an earlier one for built of this.
    for file in WORK.rglob("*.*"):
        file.touch()
    (WORK / "consumer" / "src").mkdir(parents=True)
    (WORK / "Cargo.toml").write_text(WORKSPACE.format(version=version))
    (WORK / "consumer" / "Cargo.toml").write_text(CONSUMER.format(version=version))
    [example, *_] = re.findall(r"^```rust\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    (WORK / "consumer" / "src" / "main.rs").write_text(example)
    shutil.copy(ROOT / "Cargo.lock", WORK)


def build() -> None:
    """Builds one after another: together they would lend each other features."""
    for name in [*CRATES, "consumer"]:
        cargo("build", "--quiet", "--package", name, "--target-dir", str(TARGET), folder=WORK)
        print(f"{name}: builds alone")


def consume() -> None:
    """Runs the README's example in the project, against the emulator of the unpacked command."""
    command = TARGET / "debug" / "vambe"
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"vambe --version: {said}")
    with subprocess.Popen([command, "emulator", "--port", "0"], stdout=subprocess.PIPE, text=True) as emulator:
        assert emulator.stdout is not None
        try:
            ready = json.loads(emulator.stdout.readline())
            reaching = os.environ | {"VAMBE_API_KEY": ready["api_key"], "VAMBE_BASE_URL": ready["url"]}
            printed = subprocess.run([TARGET / "debug" / "consumer"], env=reaching, stdout=subprocess.PIPE, text=True)
        finally:
            emulator.terminate()
    assert re.fullmatch(r"[0-9a-f-]{36} \+56912345678\n", printed.stdout), printed.stdout
    print(f"README example in an empty project: {printed.stdout.strip()}")


def cargo(*words: str, folder: Path) -> str:
    done = subprocess.run(["cargo", *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cargo {' '.join(words)} failed")
    return done.stdout


if __name__ == "__main__":
    main()
