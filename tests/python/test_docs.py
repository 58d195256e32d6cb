"""The documentation and the examples run, and type checkers agree with them."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from vambe.testing import Emulator

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples" / "python").glob("*.py"))
# The webchat channel that a fresh user of the emulator has.
WEBCHAT_CHANNEL = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
# Some have no types of their own, which pyproject.toml tells mypy; pyright cannot be told.
UNTYPED = re.compile(r"^(import|from) (celery|django|pandas)", re.M)


class Block(NamedTuple):
    """A block of Python, or of the shell that needs Python's packages, with the files that its document shows."""

    name: str
    code: str
    notes: dict[str, str]
    files: dict[str, str]


def blocks(language: str) -> list[Block]:
    """Returns the blocks of a language; what `<!-- exit 3; file app.py -->` before one means, CONTRIBUTING.md tells."""
    found = []
    for document in DOCUMENTS:
        text = document.read_text()
        files: dict[str, str] = {}
        for block in re.finditer(r"^(?:<!-- ([^\n]*) -->\n)?```(\w+)\n(.*?)^```", text, re.M | re.S):
            notes = dict(re.findall(r"(\w+) ?(.*?)(?:; |$)", block[1] or ""))
            if "file" in notes:
                files[notes["file"]] = block[3]
            if block[2] != language:
                continue
            line = text.count("\n", 0, block.start(2)) + 1
            name = f"{document.stem.lower().replace('-', '_')}_{line}"
            found.append(Block(name, block[3], notes, files))
    return found


def write(block: Block, folder: Path) -> None:
    for name, code in block.files.items():
        (folder / name).write_text(code)


def environment(emulator: Emulator) -> dict[str, str]:
    return {
        **os.environ,
        "VAMBE_API_KEY": emulator.api_key,
        "VAMBE_BASE_URL": emulator.url,
        "VAMBE_WEBCHAT_CHANNEL": WEBCHAT_CHANNEL,
    }


def run(arguments: list[str], settings: dict[str, str], folder: Path = ROOT) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        env=settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", blocks("python"), ids=lambda block: block.name)
def test_a_block_of_the_documentation_runs(vambe_emulator: Emulator, tmp_path: Path, block: Block) -> None:
    write(block, tmp_path)
    file = tmp_path / block.notes.get("file", f"test_{block.name}.py")
    file.write_text(block.code)
    settings = environment(vambe_emulator)
    if re.search(r"^(async )?def test_", block.code, re.M):
        settings = {name: value for name, value in settings.items() if not name.startswith("VAMBE_")}
        printed = run(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ".", file.name], settings, tmp_path)
    else:
        printed = run([file.name], settings, tmp_path)
    assert block.notes.get("prints", "") in printed


@pytest.mark.parametrize("block", [b for b in blocks("sh") if "with" in b.notes], ids=lambda block: block.name)
def test_a_shell_block_that_needs_packages_runs(vambe_emulator: Emulator, tmp_path: Path, block: Block) -> None:
    write(block, tmp_path)
    settings = environment(vambe_emulator)
    settings["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{settings['PATH']}"
    if "serves" in block.notes:
        for line in block.code.splitlines():
            serve(line, settings, tmp_path)
        assert vambe_emulator.contacts()
        return
    done = subprocess.run(
        ["sh", "-ec", block.code], env=settings, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == int(block.notes.get("exit", 0)), done.stdout + done.stderr
    assert block.notes.get("prints", "") in done.stdout


def serve(line: str, settings: dict[str, str], folder: Path) -> None:
    """Starts a web server on a free port, asks it for its page, and ends it as Ctrl-C does."""
    program = shlex.split(line)
    server = subprocess.Popen(
        program, env={**settings, "PORT": "0"}, cwd=folder, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    with server:
        assert server.stderr is not None
        announced = (re.search(r"https?://\S+:\d+", said) for said in server.stderr)
        url = next(found[0] for found in announced if found).replace("0.0.0.0", "127.0.0.1")
        with urllib.request.urlopen(url) as answer:
            assert answer.status == 200
        server.send_signal(signal.SIGINT)
        server.stderr.read()
    assert server.returncode == 0


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
    """Returns the files of the documentation's blocks, and the examples; of documents that show one file."""
    folder = tmp_path_factory.mktemp("documentation")
    for block in blocks("python"):
        if not block.files:
            (folder / f"{block.name}.py").write_text(block.code)
    return [str(file) for file in [*sorted(folder.iterdir()), *EXAMPLES]]


def test_mypy_accepts_the_package_and_what_is_written_with_it(code_that_people_write: list[str]) -> None:
    run(["-m", "mypy", "--strict", "--package", "vambe"], os.environ.copy())
    run(["-m", "mypy", "--strict", "--scripts-are-modules", *code_that_people_write], os.environ.copy())


@pytest.mark.parametrize("block", [b for b in blocks("python") if b.files], ids=lambda block: block.name)
def test_mypy_accepts_a_block_beside_the_files_that_its_document_shows(tmp_path: Path, block: Block) -> None:
    write(block, tmp_path)
    file = tmp_path / block.notes.get("file", f"{block.name}.py")
    file.write_text(block.code)
    settings = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    run(["-m", "mypy", *settings, file.name], os.environ.copy(), tmp_path)


def test_mypy_accepts_the_tests() -> None:
    run(["-m", "mypy", "--strict", "tests/python"], os.environ.copy())


def test_pyright_accepts_the_package_and_what_is_written_with_it(code_that_people_write: list[str]) -> None:
    typed = [file for file in code_that_people_write if not UNTYPED.search(Path(file).read_text())]
    files = [str(ROOT / "python" / "vambe"), *typed]
    run(["-m", "pyright", "--pythonpath", sys.executable, *files], os.environ.copy())


def test_the_stubs_are_true() -> None:
    allowed = str(Path(__file__).with_name("stubtest_allowlist.txt"))
    run(["-m", "mypy.stubtest", "vambe", "--allowlist", allowed], os.environ.copy())
