"""Imports of files and of rows: what they report, raise, remember, and do when they are stopped."""

from __future__ import annotations

import datetime
import json
import pickle
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import vambe
from answering_server import CONTACT, AnsweringServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vambe.testing import Emulator

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("import_program.py")
DEFAULTS: dict[str, Any] = {"channel": "whatsapp", "channel_phone_number": "+56987654321"}


def client(emulator: Emulator, **options: Any) -> vambe.Client:
    return emulator.client(**{**DEFAULTS, "backoff": 0.001, "backoff_cap": 0.001, **options})


def row(number: int) -> dict[str, Any]:
    return {"contact_phone_number": f"+569{10_000_000 + number}", "contact_name": f"Ana {number}"}


def names(emulator: Emulator) -> set[str]:
    return {contact["name"] for contact in emulator.contacts()}


# Files


def test_a_file_is_imported_with_a_mapping_and_what_is_unchanged_is_skipped(
    vambe_emulator: Emulator, tmp_path: Path
) -> None:
    file, mapping = tmp_path / "customers.csv", tmp_path / "mapping.toml"
    file.write_text("Fono;Cliente;Plan\n+56911111111;Ana;a\n+56922222222;Luis;b\n56933333333.0;Eva;c\n", "utf-8")
    mapping.write_text('contact_phone_number = "Fono"\ncontact_name = "Cliente"\nmeta_data.plan = "Plan"\n')
    with client(vambe_emulator) as own:
        first = vambe.import_file(
            file, client=own, mapping=mapping, set={"meta_data.source": "crm", "meta_data.run": 1}
        )
        second = vambe.import_file(
            str(file), client=own, mapping=mapping, set={"meta_data.source": "crm", "meta_data.run": 1}
        )
    assert (first.rows, first.accepted, first.rejected, first.skipped, first.not_sent) == (3, 2, 1, 0, 0)
    assert (first.ending, first.message, first.ok, first.codes) == ("finished", None, False, {"phone_float_text": 1})
    assert (second.accepted, second.unchanged, second.skipped, second.rejected) == (0, 2, 2, 1)
    [ana] = [contact for contact in vambe_emulator.contacts() if contact["name"] == "Ana"]
    assert ana["meta_data"] == {"plan": "a", "source": "crm", "run": "1"}
    assert first.rejects == str(tmp_path / "customers.csv.rejects.csv")
    assert "56933333333.0" in Path(first.rejects).read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "customers.csv",
        "customers.csv.journal",
        "customers.csv.rejects.csv",
        "mapping.toml",
    ]


def test_options_say_where_files_go_and_what_is_sent(vambe_emulator: Emulator, tmp_path: Path) -> None:
    file, rejects, events = tmp_path / "c.csv", tmp_path / "r.csv", tmp_path / "e.ndjson"
    file.write_text("contact_phone_number|otro\n+56911111111|x\n+56911111111|y\nno|z\n+56922222222|w\n", "latin1")
    options: dict[str, Any] = {"client": client(vambe_emulator), "journal": False, "rejects": rejects}
    report = vambe.import_file(
        file, **options, events=events, unknown="skip", delimiter="pipe", encoding="latin1", quote="none", format="csv"
    )
    assert (report.accepted, report.superseded, report.rejected, report.ok) == (2, 1, 1, False)
    assert all(not contact["meta_data"] for contact in vambe_emulator.contacts())
    assert [json.loads(line)["event"] for line in events.read_text().splitlines()] == [
        "started",
        *["row"] * 4,
        "finished",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.csv", "e.ndjson", "r.csv"]
    first = vambe.import_file(file, **options, canary=1)
    assert (first.ending, first.accepted, first.not_sent, first.ok) == ("canary", 1, 2, False)
    assert vambe.import_file(file, **options, limit=1).rows == 1


def test_a_journal_forgets_by_force_and_with_age(vambe_emulator: Emulator, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    own = client(vambe_emulator)

    def skipped(**options: Any) -> int:
        return vambe.import_rows(map(row, range(3)), client=own, journal=journal, **options).skipped

    assert [skipped(), skipped(), skipped(force=True), skipped(max_age=3600)] == [0, 3, 0, 3]
    assert skipped(max_age=datetime.timedelta(0)) == 0


def test_the_client_comes_from_the_environment_and_is_closed(
    vambe_emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VAMBE_API_KEY", vambe_emulator.api_key)
    monkeypatch.setenv("VAMBE_BASE_URL", vambe_emulator.url)
    file = tmp_path / "c.csv"
    file.write_text("channel,channel_phone_number,contact_phone_number\nwhatsapp,+56987654321,+56911111111\n")
    assert vambe.import_file(file).ok
    with vambe.Client(**DEFAULTS) as own:
        assert vambe.import_rows([row(1)], client=own).ok
        # One that was passed stays open.
        assert own.upsert(row(2)).id


# Rows


@dataclass
class Customer:
    contact_phone_number: str
    meta_data: dict[str, Any] = field(default_factory=dict)


def test_rows_are_mappings_or_records_with_nested_objects(vambe_emulator: Emulator) -> None:
    note = vambe.from_note({"to_phone": "+56933333333", "from_phone": "+56987654321", "note": "VIP"})
    rows = [
        {"contact_phone_number": "+56911111111", "meta_data": {"a": {"b": [1]}}, "meta_data.c": 2.5, "city": "Lima"},
        Customer("+56922222222", {"since": datetime.date(2024, 9, 30)}),
        note,
    ]
    report = vambe.import_rows(rows, client=client(vambe_emulator), source="crm")
    assert (report.accepted, report.ok) == (3, True)
    found = {contact["phone"]: contact["meta_data"] for contact in vambe_emulator.contacts()}
    for meta_data in found.values():
        assert (meta_data.pop("source"), "importedAt" in meta_data) == ("crm", True)
        meta_data.pop("importedAt")
        meta_data.pop("importedBy")
    assert found == {
        "+56911111111": {"a": {"b": [1]}, "c": 2.5, "city": "Lima"},
        "+56922222222": {"since": "2024-09-30"},
        "+56933333333": {"internal_note": "VIP"},
    }


def test_what_is_no_record_is_a_rejected_row(vambe_emulator: Emulator, tmp_path: Path) -> None:
    rejects = tmp_path / "r.ndjson"
    rows: list[object] = ["text", {1: 2}, row(1), {**row(2), "stageid": "x"}]
    report = vambe.import_rows(rows, client=client(vambe_emulator), rejects=rejects)
    assert (report.accepted, report.codes) == (1, {"type": 1, "non_text_key": 1, "unknown_field": 1})
    written = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [rejected["_line"] for rejected in written] == [1, 2, 4]
    assert (written[0]["_value"], written[2]["contact_phone_number"]) == ("text", "+56910000002")


def test_of_rows_of_one_customer_the_last_one_counts(vambe_emulator: Emulator) -> None:
    vambe.import_rows(({**row(0), "contact_name": str(number)} for number in range(50)), client=client(vambe_emulator))
    assert names(vambe_emulator) == {"49"}


def test_what_has_no_rows_is_refused_before_anything_is_sent(vambe_emulator: Emulator) -> None:
    own = client(vambe_emulator)
    for rows in ("text", b"bytes", 3, {"contact_phone_number": ["+56911111111"]}):
        with pytest.raises(TypeError, match="has no rows"):
            vambe.import_rows(rows, client=own)  # type: ignore[arg-type]
    assert vambe.import_rows([], client=own).to_dict()["rows"] == 0


def test_a_row_is_sent_without_waiting_for_the_next() -> None:
    def rows() -> Iterator[object]:
        yield row(0)
        assert gate.has_come.wait(60)
        yield row(1)

    with Gate() as gate, vambe.Client("secret", base_url=gate.url, **DEFAULTS) as own:
        gate.is_open.set()
        assert vambe.import_rows(rows(), client=own).accepted == 2


def test_rows_are_made_a_few_hundred_ahead_at_most(vambe_emulator: Emulator) -> None:
    numbers = iter(range(1_000_000))
    report = vambe.import_rows(map(row, numbers), client=client(vambe_emulator), canary=1)
    assert (report.ending, report.accepted, report.not_sent) == ("canary", 1, None)
    assert next(numbers) < 1000


# What goes wrong


def test_a_set_up_that_cannot_be_is_a_config_error(vambe_emulator: Emulator, tmp_path: Path) -> None:
    file, mapping, other = tmp_path / "c.csv", tmp_path / "m.toml", tmp_path / "other"
    file.write_text("contact_phone_number,contactname\n+56911111111,Ana\n")
    mapping.write_text('contact_phone_number = "Fono"\n')
    other.write_text("no journal at all, but something that somebody wants to keep")
    good = tmp_path / "good.csv"
    good.write_text("contact_phone_number\n+56911111111\n")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"path": file}, 'c.csv, line 1: "contactname" is near a field'),
        ({"path": good, "mapping": mapping}, 'there is no column "Fono"'),
        ({"path": good, "journal": other}, "is no journal, so it is left alone; name another file with journal"),
        ({"path": good, "journal": True}, "journal must be a path, or False"),
        ({"path": good, "unknown": "keep"}, "unknown: give meta, skip or error"),
        ({"path": good, "delimiter": ",,"}, "delimiter: give comma"),
        ({"path": good, "set": {"chanel": "whatsapp"}}, "did you mean channel"),
        ({"path": good, "set": {"channel": ["x"]}}, "set, channel: must be text"),
        ({"path": good, "max_age": -1}, "max_age must be a number of seconds or a timedelta"),
        ({"path": good, "sheet": "Hoja1"}, "leave out sheet"),
        ({"path": good, "max_concurrency": 0}, "max_concurrency must be from 1 to 1024"),
        ({"path": good, "pacing": "none"}, "pacing must be learned or off"),
    ]
    for options, message in cases:
        with pytest.raises(vambe.ConfigError) as raised:
            vambe.import_file(client=client(vambe_emulator), **options)
        assert message in str(raised.value) or options == {"path": file}, str(raised.value)
        assert raised.value.report is None
    assert vambe_emulator.requests() == []
    assert not (tmp_path / "good.csv.journal").exists() or other.read_text().startswith("no journal")


def test_a_file_that_cannot_be_read_has_its_own_error(vambe_emulator: Emulator, tmp_path: Path) -> None:
    own = client(vambe_emulator)
    with pytest.raises(vambe.ImportFailedError, match="there is no such file; check the path") as missing:
        vambe.import_file(tmp_path / "missing.csv", client=own)
    assert (missing.value.code, missing.value.report) == ("import_failed", None)
    file = tmp_path / "c.ndjson"
    lines = [json.dumps(row(number)) for number in range(5)]
    file.write_bytes("\n".join(lines).encode() + b'\n{"contact_name": "\xff"}\n')
    with pytest.raises(
        vambe.ImportFailedError, match=r"line 6: a character that is not UTF-8.*pass encoding"
    ) as broken:
        vambe.import_file(file, client=own, journal=False, encoding="utf-8")
    report = pickle.loads(pickle.dumps(broken.value)).report
    assert report == broken.value.report
    assert (report.ending, report.accepted) == ("failed", 0)
    assert report.message == str(broken.value)


def test_duplicates_can_be_an_error(vambe_emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("contact_phone_number\n+56911111111\n+56911111111\n")
    with pytest.raises(vambe.ImportFailedError, match="leave duplicates out"):
        vambe.import_file(file, client=client(vambe_emulator), duplicates="error", journal=False)
    assert vambe_emulator.contacts() == []


def test_a_refused_key_is_the_error_that_stopped_it_with_the_report() -> None:
    with (
        AnsweringServer(lambda _: (401, "{}")) as server,
        vambe.Client("secret", base_url=server.url, **DEFAULTS) as own,
        pytest.raises(vambe.AuthenticationError) as stopped,
    ):
        vambe.import_rows(map(row, range(100)), client=own)
    report = stopped.value.report
    assert report is not None
    assert (stopped.value.status, report.ending, report.accepted, report.ok) == (401, "guard", 0, False)
    assert report.message is not None
    assert report.message.startswith("the batch was stopped, ")


def test_an_asyncio_client_is_refused_with_the_way_out(vambe_emulator: Emulator) -> None:
    with pytest.raises(TypeError, match=r"asyncio\.to_thread"):
        vambe.import_rows([row(1)], client=vambe_emulator.async_client())  # type: ignore[arg-type]


def test_rows_that_raise_end_the_import_after_what_they_gave(vambe_emulator: Emulator) -> None:
    def rows() -> Iterator[object]:
        yield from map(row, range(20))
        raise LookupError("the database is gone")

    seen: list[vambe.ImportProgress] = []
    with pytest.raises(LookupError, match="the database is gone"):
        vambe.import_rows(rows(), client=client(vambe_emulator), pacing="off", on_progress=seen.append)
    assert (seen[-1].accepted, seen[-1].in_flight, len(vambe_emulator.contacts())) == (20, 0, 20)


def test_what_on_progress_raises_ends_the_import_in_order(vambe_emulator: Emulator, tmp_path: Path) -> None:
    def stop(_: vambe.ImportProgress) -> None:
        raise LookupError("enough")

    journal, own = tmp_path / "journal", client(vambe_emulator)
    numbers = iter(range(1_000_000))
    with pytest.raises(LookupError, match="enough"):
        vambe.import_rows(map(row, numbers), client=own, pacing="off", journal=journal, on_progress=stop)
    sent = len(vambe_emulator.contacts())
    again = vambe.import_rows(map(row, range(sent)), client=own, journal=journal)
    assert (again.skipped, next(numbers) < 1_000_000) == (sent, True)


def test_progress_is_told_in_the_calling_thread_and_at_the_end(vambe_emulator: Emulator, tmp_path: Path) -> None:
    file = tmp_path / "c.csv"
    file.write_text("contact_phone_number\n" + "".join(f"+569{10_000_000 + number}\n" for number in range(50)))
    seen: list[vambe.ImportProgress] = []
    threads: set[int] = set()

    def note(progress: vambe.ImportProgress) -> None:
        threads.add(threading.get_ident())
        seen.append(progress)

    vambe.import_file(file, client=client(vambe_emulator), journal=False, pacing="off", on_progress=note)
    assert threads == {threading.get_ident()}
    assert seen[-1][:4] == (False, 50, 0, 0)
    assert (seen[-1].rows, seen[-1].bytes, seen[-1].in_flight) == (50, file.stat().st_size, 0)
    assert seen[-1].stopping is False


# Ctrl-C


class Gate(AnsweringServer):
    """Holds every call until it is opened, and says when the first has come."""

    def __init__(self) -> None:
        self.has_come = threading.Event()
        self.is_open = threading.Event()
        super().__init__(self._hold)

    def _hold(self, _: int) -> tuple[int, str]:
        self.has_come.set()
        self.is_open.wait()
        return 200, CONTACT


def interrupted(gate: Gate, journal: Path) -> subprocess.Popen[str]:
    """Starts a program that imports rows for ever, and interrupts it in the middle of a call."""
    arguments = [sys.executable, "-W", "error", str(PROGRAM), "interrupt", gate.url, str(journal)]
    child = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert gate.has_come.wait(60)
    child.send_signal(signal.SIGINT)
    assert child.stdout is not None
    assert child.stdout.readline() == "stopping\n"
    return child


def test_an_interrupt_finishes_what_is_in_flight_and_raises(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Gate() as gate:
        with interrupted(gate, journal) as child:
            gate.is_open.set()
            assert child.stdout is not None
            [accepted] = child.stdout.read().removeprefix("interrupted after ").split()
            assert child.wait(60) == 130
        assert gate.calls == int(accepted) > 0
        with vambe.Client("secret", base_url=gate.url, **DEFAULTS) as own:
            again = vambe.import_rows(map(row, range(10)), client=own, journal=journal, pacing="off")
        assert (again.skipped, again.accepted) == (int(accepted), 10 - int(accepted))


def test_a_second_interrupt_ends_at_once(tmp_path: Path) -> None:
    with Gate() as gate:
        with interrupted(gate, tmp_path / "journal") as child:
            child.send_signal(signal.SIGINT)
            assert child.stdout is not None
            assert child.stdout.read() == "interrupted after 0\n"
            assert child.wait(60) == 130
        gate.is_open.set()


# Memory, and the other doors


def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few_thousand(vambe_emulator: Emulator) -> None:
    arguments = [sys.executable, "-W", "error", str(PROGRAM), "memory", vambe_emulator.url, vambe_emulator.api_key]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    rows, accepted, early, late = map(int, done.stdout.split())
    assert (rows, accepted) == (100_000, 1_000)
    assert late - early < 16_000, f"grew from {early} to {late} KiB"


def test_every_door_reports_the_same_of_one_file(vambe_emulator: Emulator, tmp_path: Path) -> None:
    file = ROOT / "examples" / "customers.csv"
    report = vambe.import_file(
        file, client=vambe_emulator.client(), journal=False, rejects=tmp_path / "python.csv", pacing="off"
    )
    vambe_emulator.reset()
    command = [sys.executable, "-m", "vambe", "import", str(file), "--json", "--no-journal", "--no-pacing", "--quiet"]
    done = subprocess.run(
        [*command, "--rejects", str(tmp_path / "command.csv"), "--base-url", vambe_emulator.url],
        env={"VAMBE_API_KEY": vambe_emulator.api_key},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    told = json.loads(done.stdout)
    mine = report.to_dict()
    for name in ("elapsed_seconds", "rejects"):
        assert mine.pop(name)
    assert mine == {name: told[name] for name in mine}
    # Those that the server refuses are written when it has answered.
    python, command_line = (
        sorted((tmp_path / f"{door}.csv").read_text().splitlines()) for door in ("python", "command")
    )
    assert python == command_line
