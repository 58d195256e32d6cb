"""The pytest fixture `vambe_emulator`."""

from __future__ import annotations

import pytest

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .testing import Emulator


@pytest.fixture(scope="session")
def vambe_emulator_options() -> dict[str, Any]:
    """Options of the emulator that all tests share: override it to give a seed, for example."""
    return {}


@pytest.fixture(scope="session")
def _vambe_shared_emulator(vambe_emulator_options: dict[str, Any]) -> Iterator[Emulator]:
    from .testing import Emulator

    with Emulator(**vambe_emulator_options) as emulator:
        yield emulator


@pytest.fixture
def vambe_emulator(_vambe_shared_emulator: Emulator) -> Emulator:
    """An emulator of the Vambe API with nothing in it but its seed; its key is this test's own."""
    return _vambe_shared_emulator.fresh()
