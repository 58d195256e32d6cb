"""Says what a release is made of, as outputs of a job: `plan.py [TAG]`.

Without a tag it is a rehearsal, and nothing will be published. With one, whatever would make a
release stop half way is refused now.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).parents[2]
# Linux is cross-built on one machine. The others are built where they run.
RUNNERS = {
    "darwin-arm64": "macos-15",
    "darwin-x64": "macos-15-intel",
    "win32-arm64-msvc": "windows-11-arm",
    "win32-x64-msvc": "windows-2025",
}


def main() -> None:
    """Prints the outputs, or says what is in the way."""
    tag = sys.argv[1] if len(sys.argv) > 1 else ""
    version = version_of()
    if tag and (problems := in_the_way(tag, version)):
        sys.exit("\n".join(problems))
    print(f"version={version}")
    print(f"is_release={json.dumps(bool(tag))}")
    print(f"platforms={json.dumps(platforms())}")


def in_the_way(tag: str, version: str) -> list[str]:
    """What a maintainer has to do before this tag can be released."""
    manifest = json.loads((ROOT / "package.json").read_text())
    checks = {
        f"the tag {tag} is not v{version}, the version in Cargo.toml": tag == f"v{version}",
        f"package.json says {manifest['version']}, Cargo.toml {version}": manifest["version"] == version,
        f"CHANGELOG.md has no section '## {version}'": notes(version) is not None,
        "package.json names no repository, which npm needs for provenance": "repository" in manifest,
        "Cargo.toml names no repository in [workspace.package]": "repository" in workspace(),
    }
    return [problem for problem, is_fine in checks.items() if not is_fine]


def version_of() -> str:
    """The version that everything shares."""
    version: str = workspace()["version"]
    return version


def workspace() -> dict[str, Any]:
    """What all crates share."""
    package: dict[str, Any] = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]
    return package


def notes(version: str) -> str | None:
    """The section of the changelog about a version."""
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.M)
    return next((section for section in sections if re.match(rf"{re.escape(version)}\b", section)), None)


def platforms() -> list[dict[str, Any]]:
    """Every platform of platforms.json, and the machine that builds it."""
    known = json.loads((ROOT / "bindings" / "platforms.json").read_text())
    return [{**platform, "runner": RUNNERS.get(platform["name"], "ubuntu-24.04")} for platform in known]


if __name__ == "__main__":
    main()
