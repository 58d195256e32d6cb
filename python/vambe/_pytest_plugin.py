"""The pytest fixture `vambe_emulator`."""

from __future__ import annotations

import pytest

# Importing `typing` takes longer than importing all of vambe.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .testing import Emulator


@pytest.fixture(scope="session")
def _vambe_shared_emulator() -> Iterator[Emulator]:
    from .testing import Emulator

    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def vambe_emulator(_vambe_shared_emulator: Emulator) -> Emulator:
    """An emulator of the Vambe API with nothing in it; its key is this test's own."""
    from .testing import Emulator

    return Emulator._sharing(_vambe_shared_emulator)
