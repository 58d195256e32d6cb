"""Lists what is in each package, as CycloneDX: `sbom.py FOLDER`. The name of a file is the crate that was built."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "target" / "audit" / "bin" / "cargo-cyclonedx"
FOLDERS = {"vambe-cli": "crates/vambe-cli", "vambe-node": "bindings/node", "vambe-python": "bindings/python"}


def main() -> None:
    """Writes a list for each of what is shipped as a program or as a native module."""
    goal = Path(sys.argv[1]).resolve()
    goal.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        # The tool writes beside each manifest, so it gets manifests of its own.
        copy = Path(place) / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("target", "node_modules", ".*"), symlinks=True)
        command = [TOOL, "cyclonedx", "--quiet", "--format", "json", "--spec-version", "1.5"]
        subprocess.run([*command, "--override-filename", "bom", "--manifest-path", copy / "Cargo.toml"], check=True)
        for name, folder in FOLDERS.items():
            keep(copy / folder / "bom.json", goal / f"{name}.cdx.json", copy)


def keep(written: Path, goal: Path, place: Path) -> None:
    """Keeps a list, without the folder that it was made in."""
    text = written.read_text().replace(place.as_uri(), "file:///checkout").replace(str(place), "/checkout")
    goal.write_text(text)
    components = {component["name"] for component in json.loads(text)["components"]}
    assert "reqwest" in components, "what is shipped is missing"
    assert "proptest" not in components, "what is only tested with is listed"
    print(f"{goal}: {len(components)} components")


if __name__ == "__main__":
    main()
