"""Prints what the changelog says about a version: `notes.py TAG`."""

from __future__ import annotations

import sys

from plan import notes

if __name__ == "__main__":
    section = notes(sys.argv[1].removeprefix("v"))
    if section is None:
        sys.exit(f"CHANGELOG.md has no section about {sys.argv[1]}")
    print(section.partition("\n")[2].strip())
