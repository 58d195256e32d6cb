"""Collects the licences of what is linked into the wheel and the addon: `licences.py`, or `licences.py check`.

Texts come out of the crates themselves, and no service is asked for others.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import tomllib

ROOT = Path(__file__).parents[2]
TOOL = ROOT / "target" / "audit" / "bin" / "cargo-about"
GOAL = ROOT / "LICENSE-THIRD-PARTY"
SHIPPED = ["bindings/python", "bindings/node"]
HEAD = """The packages of vambe hold compiled code of the projects that are named here, under the licences that follow.
"""
RULE = "-" * 80


def main() -> int:
    """Writes the list, or tells whether the one in the tree is what would be written."""
    text = listing()
    if sys.argv[1:] == ["check"]:
        if not GOAL.exists() or GOAL.read_text() != text:
            print(f"{GOAL.name} is not what is linked: `make licences`")
            return 1
        return 0
    GOAL.write_text(text)
    print(f"{GOAL.name}: {len(text)} characters")
    return 0


def listing() -> str:
    """Returns each text once, under the names of those who use it."""
    # Those of the other platforms as well, which no build here has asked for.
    subprocess.run(["cargo", "fetch", "--quiet", "--locked"], check=True, cwd=ROOT)
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "about.toml"
        config.write_text(settings())
        for package in SHIPPED:
            for licence in collected(ROOT / package / "Cargo.toml", config):
                for user in licence["used_by"]:
                    crate = user["crate"]
                    if crate["source"] is not None:
                        users[licence["name"], tidy(licence["text"])].add(f"{crate['name']} {crate['version']}")
    named = {name.split()[0] for names in users.values() for name in names}
    assert {"reqwest", "rustls", "libsqlite3-sys", "pyo3", "napi"} <= named, "what is shipped is missing"
    assert "proptest" not in named, "what is only tested with is listed"
    parts = [f"{RULE}\n{name}: {', '.join(sorted(crates))}\n{RULE}\n\n{text}" for (name, text), crates in sort(users)]
    return "\n".join([HEAD, *parts])


def settings() -> str:
    """Returns what the tool is told: the licences of deny.toml, the platforms of platforms.json."""
    licences = tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"]
    platforms = json.loads((ROOT / "bindings" / "platforms.json").read_text())
    lines = {
        "accepted": json.dumps(licences),
        "targets": json.dumps([platform["target"] for platform in platforms]),
        "ignore-build-dependencies": "true",
        "ignore-dev-dependencies": "true",
    }
    return "\n".join(f"{key} = {value}" for key, value in lines.items())


def collected(manifest: Path, config: Path) -> list[dict]:
    """Returns the licences of all that a crate is linked with."""
    command = [TOOL, "-L", "error", "generate", "--format", "json", "--fail", "--frozen", "--config", config]
    done = subprocess.run([*command, "--manifest-path", manifest], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)["licenses"]


def tidy(text: str) -> str:
    """Returns a text as it is, but for the ends of its lines."""
    return "".join(f"{line.rstrip()}\n" for line in text.strip().splitlines())


def sort(users: dict[tuple[str, str], set[str]]) -> list[tuple[tuple[str, str], set[str]]]:
    """Returns those first that most use."""
    return sorted(users.items(), key=lambda item: (item[0][0], -len(item[1]), sorted(item[1])))


if __name__ == "__main__":
    sys.exit(main())
