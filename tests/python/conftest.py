"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The modules beside the tests that are no tests.
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent / "stress")]


@pytest.fixture(autouse=True)
def _no_options_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAMBE_API_KEY", "VAMBE_BASE_URL", "VAMBE_CHANNEL_PHONE", "VAMBE_LOG", "VAMBE_PACE_DIR"):
        monkeypatch.delenv(name, raising=False)
