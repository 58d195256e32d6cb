"""The documentation and the examples run, and type checkers agree with them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vambe.testing import Emulator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "docs" / "python.md", ROOT / "README.md"]
EXAMPLES = sorted((ROOT / "examples" / "python").glob("*.py"))
# The webchat channel that a fresh user of the emulator has.
WEBCHAT_CHANNEL = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
# Celery and pandas have no types of their own, which pyproject.toml tells mypy; pyright cannot be told.
UNTYPED_EXAMPLES = {"4_ecommerce_order.py", "pandas_import.py"}


def blocks() -> list[tuple[str, str]]:
    """Returns the Python code of the documents, by document and line."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        for block in re.finditer(r"^```python\n(.*?)^```", text, re.M | re.S):
            line = text.count("\n", 0, block.start()) + 1
            found.append((f"{document.stem.lower()}_{line}", block[1]))
    return found


def environment(emulator: Emulator) -> dict[str, str]:
    return {
        **os.environ,
        "VAMBE_API_KEY": emulator.api_key,
        "VAMBE_BASE_URL": emulator.url,
        "VAMBE_WEBCHAT_CHANNEL": WEBCHAT_CHANNEL,
    }


def run(arguments: list[str], settings: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "code"), blocks(), ids=[name for name, _ in blocks()])
def test_a_block_of_the_documentation_runs(vambe_emulator: Emulator, tmp_path: Path, name: str, code: str) -> None:
    file = tmp_path / f"test_{name}.py"
    file.write_text(code)
    if re.search(r"^def test_", code, re.M):
        run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(file)], os.environ.copy())
    else:
        run([str(file)], environment(vambe_emulator))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_runs(vambe_emulator: Emulator, example: Path) -> None:
    arguments = ["examples/customers.csv", "10000"] if example.stem == "5_bulk_import" else []
    run([str(example), *arguments], environment(vambe_emulator))
    assert vambe_emulator.contacts()


def test_the_doctests_of_the_package_run() -> None:
    program = (
        "import doctest, importlib\n"
        "for name in ('vambe', 'vambe._client', 'vambe._native', 'vambe.testing'):\n"
        "    assert not doctest.testmod(importlib.import_module(name)).failed, name"
    )
    run(["-c", program], os.environ.copy())


@pytest.fixture(scope="module")
def code_that_people_write(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Returns the files of the documentation's blocks, and the examples."""
    folder = tmp_path_factory.mktemp("documentation")
    for name, code in blocks():
        (folder / f"{name}.py").write_text(code)
    return [str(file) for file in [*sorted(folder.iterdir()), *EXAMPLES]]


def test_mypy_accepts_the_package_and_what_is_written_with_it(code_that_people_write: list[str]) -> None:
    run(["-m", "mypy", "--strict", "--package", "vambe"], os.environ.copy())
    run(["-m", "mypy", "--strict", "--scripts-are-modules", *code_that_people_write], os.environ.copy())


def test_mypy_accepts_the_tests() -> None:
    run(["-m", "mypy", "--strict", "tests/python"], os.environ.copy())


def test_pyright_accepts_the_package_and_what_is_written_with_it(code_that_people_write: list[str]) -> None:
    typed = [file for file in code_that_people_write if Path(file).name not in UNTYPED_EXAMPLES]
    files = [str(ROOT / "python" / "vambe"), *typed]
    run(["-m", "pyright", "--pythonpath", sys.executable, *files], os.environ.copy())


def test_the_stubs_are_true() -> None:
    allowed = str(Path(__file__).with_name("stubtest_allowlist.txt"))
    run(["-m", "mypy.stubtest", "vambe", "--allowlist", allowed], os.environ.copy())
