"""Holds the emulator against the description of the API, with requests that schemathesis makes up.

The description (crates/vambe-emulator/src/web/openapi.json) is written from the API's page and
not from the emulator, so each can show a mistake of the other.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

KEY = "emulator_openapi"
# By the schema of the page `meta_data` is required and null is no text, so the emulator is to be strict.
RULES = "strict-schema"
# Every other check of schemathesis is on.
SWITCHED_OFF = {
    # The description cannot say which channels, stages and custom fields a user has: most well-formed requests
    # name some that do not exist, and a phone number may have no digits.
    "positive_data_acceptance",
    # The service is built on NestJS (inferred), which answers another method with 404 and not with 405.
    "unsupported_method",
}
# Of the warnings, `validation_mismatch` and `low_valid_rate` say what the first of these does, and
# `method_not_allowed` what the second does.
WARNINGS = [
    "missing_auth",
    "missing_test_data",
    "base_url_mismatch",
    "missing_deserializer",
    "unused_openapi_auth",
    "unsupported_regex",
    "unresolvable_reference",
    "rate_limited",
]


def main(vambe: str, schemathesis: str) -> int:
    """Runs schemathesis against a fresh emulator, and returns its exit code."""
    with subprocess.Popen([vambe, "emulator", "--quiet", "--key", KEY], stdout=subprocess.PIPE, text=True) as emulator:
        try:
            assert emulator.stdout is not None
            url = json.loads(emulator.stdout.readline())["url"]
            headers = {"x-api-key": KEY, "x-emulator-rules": RULES}
            arguments = ["run", f"{url}/openapi.json", "--seed", "1", "--no-color"]
            arguments += [word for name, value in headers.items() for word in ("--header", f"{name}: {value}")]
            arguments += ["--exclude-checks", ",".join(sorted(SWITCHED_OFF)), "--max-examples", "100"]
            arguments += ["--warnings", ",".join(WARNINGS)]
            # In an empty folder: what it remembers of the last run would change this one.
            folder = Path("target/schemathesis")
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            done = subprocess.run([Path(schemathesis).absolute(), *arguments], check=False, timeout=600, cwd=folder)
        finally:
            emulator.terminate()
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
