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
# A source file that begins with a licence is taken for one, whole; the crate has the text in a file of its own.
CODE = {".c", ".h", ".rs"}
SHIPPED = ["bindings/python", "bindings/node"]
# The compiler brings its library along, so that no crate names it.
HEAD = """The packages of vambe hold compiled code of the projects that are named here, under the licences that follow.
They hold Rust's standard library too: copyright The Rust Project Developers (https://thanks.rust-lang.org), Apache
License 2.0.
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
    linked: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "about.toml"
        config.write_text(settings())
        for package in SHIPPED:
            for licence in collected(ROOT / package / "Cargo.toml", config):
                crates = [user["crate"] for user in licence["used_by"]]
                names = {f"{crate['name']} {crate['version']}" for crate in crates if crate["source"] is not None}
                linked |= names
                if names and Path(licence["source_path"] or "").suffix not in CODE:
                    users[licence["name"], tidy(licence["text"])] |= names
    named = {name for names in users.values() for name in names}
    assert named == linked, f"without a text: {sorted(linked - named)}"
    named = {name.split()[0] for name in named}
    assert {"reqwest", "rustls", "libsqlite3-sys", "pyo3", "napi"} <= named, "what is shipped is missing"
    assert "proptest" not in named, "what is only tested with is listed"
    # By licence, and those first that most use.
    entries = sorted(users.items(), key=lambda entry: (entry[0][0], -len(entry[1]), sorted(entry[1]), entry[0][1]))
    parts = [f"{RULE}\n{name}: {', '.join(sorted(crates))}\n{RULE}\n\n{text}" for (name, text), crates in entries]
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


if __name__ == "__main__":
    sys.exit(main())
