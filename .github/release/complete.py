"""Holds what is about to be published against the list: `complete.py FOLDER`. Neither more nor less may be there."""

from __future__ import annotations

import sys
from pathlib import Path

from plan import platforms, version_of

CRATES = ["vambe", "vambe-import", "vambe-emulator", "vambe-cli"]
SBOMS = ["vambe-cli", "vambe-node", "vambe-python"]


def main() -> None:
    """Compares names of files."""
    folder = Path(sys.argv[1])
    found = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    expected = promised(version_of())
    if found != expected:
        sys.exit(f"missing: {sorted(expected - found)}\nunexpected: {sorted(found - expected)}")
    print(f"all {len(found)} files are there")


def promised(version: str) -> set[str]:
    """The files of a release."""
    files = {f"wheels/vambe-{version}-cp310-abi3-{one['wheel']}.whl" for one in platforms() if "wheel" in one}
    files |= {f"node/vambe-{one['name']}-{version}.tgz" for one in platforms()}
    files |= {f"crates/{name}-{version}.crate" for name in CRATES}
    files |= {f"sbom/{name}.cdx.json" for name in SBOMS}
    return files | {f"node/vambe-{version}.tgz", f"sdist/vambe-{version}.tar.gz"}


if __name__ == "__main__":
    main()
