"""Joins what the benchmarks have measured with their targets: one table.

Each program appends JSON lines to the file that `BENCH_ROWS` names: `{"row": …, "figure": …, "peer": …}` with the
rows of `targets.json`, or `{"about": {…}}` with versions. A figure that has a peer is held against its target as a
ratio, any other as it is.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FOLDER = ROOT / "target" / "bench"
BEGIN = "<!-- what `make bench` writes begins here -->"
END = "<!-- what `make bench` writes ends here -->"
MET, MISSED, NOT_MEASURED = "met", "**MISSED**", "**not measured**"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("command", choices=["begin", "pacing", "show", "write"])
    arguments.add_argument(
        "file", nargs="?", type=Path, help="rows to show, output of the simulator, or document to write"
    )
    given = arguments.parse_args()
    match given.command:
        case "begin":
            begin()
        case "pacing":
            pacing(given.file.read_text())
        case "show":
            print(table(read([given.file]), only_measured=True))
        case "write":
            write(given.file)


def begin() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.jsonl"):
        old.unlink()
    append(FOLDER / "begin.jsonl", {"about": {"load before": load()}})


def append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a") as rows:
        rows.write(json.dumps(row, ensure_ascii=False) + "\n")


def load() -> str:
    return " ".join(f"{average:.2f}" for average in os.getloadavg())


def pacing(text: str) -> None:
    """Reads the goals out of what the simulator prints."""
    file = Path(os.environ["BENCH_ROWS"])

    def numbers(pattern: str) -> list[float]:
        found = re.search(pattern, text)
        if found is None:
            sys.exit(f"the simulator printed nothing like {pattern}")
        return [float(number) for number in re.findall(r"\d+(?:\.\d+)?", found[1])]

    def of_client(name: str) -> list[float]:
        return numbers(rf"\| {name} \|(.*)")

    ours = of_client("this pacer")
    bucket_50 = numbers(r"bucket 50/s, burst 50: (.*)")
    bucket_100 = numbers(r"bucket 100/s, burst 5: (.*)")
    figures = {
        "G1": ours[0:2],
        "G2": ours[2:4],
        "G3": ours[4:7],
        "G4": ours[7:9],
        "G5": [bucket_50[0], bucket_100[0]],
        "G6": [ours[9], bucket_50[-1], bucket_100[-1]],
        "G7": numbers(r"50 to 20/s: at most (\S+) refusals")[0],
        "G8": numbers(r"20 to 80/s: 90 % of it after (\S+) s")[0],
    }
    for goal, figure in figures.items():
        append(file, {"row": f"pacing/{goal}", "figure": figure})
    append(file, {"row": "pacing/G13", "figure": of_client("4 workers, one pace")[7], "peer": ours[7]})


def read(files: list[Path]) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    known = {target["row"] for target in targets()}
    unknown = [line["row"] for line in lines if "row" in line and line["row"] not in known]
    if unknown:
        sys.exit(f"targets.json has no rows {', '.join(unknown)}")
    return {line["row"]: line for line in lines if "row" in line}


def targets() -> list[dict[str, Any]]:
    return list(json.loads((HERE / "targets.json").read_text()))


def table(measured: dict[str, dict[str, Any]], *, only_measured: bool) -> str:
    lines = ["| what | target | measured | peer | ratio | |", "|---|---|---|---|---|---|"]
    for target in targets():
        row = measured.get(target["row"])
        if row or not only_measured:
            lines.append("| " + " | ".join(cells(target, row)) + " |")
    return "\n".join(lines)


def cells(target: dict[str, Any], row: dict[str, Any] | None) -> list[str]:
    what = target["what"]
    if "held_by" in target:
        # As a sentence: in one piece the names of tests are wider than a page.
        return [what, "always", target["held_by"].replace("_", " "), "", "", "a test"]
    sign, limits = ("≥", target["at_least"]) if "at_least" in target else ("≤", target["at_most"])
    wanted = " / ".join(f"{sign} {limit:,}" for limit in as_list(limits))
    if row is None:
        return [what, wanted, "", "", "", NOT_MEASURED]
    peer = row.get("peer")
    unit = target["unit"]
    ratio = row["figure"] / peer if peer else None
    values = [ratio] if ratio is not None else as_list(row["figure"])
    is_met = all(
        value >= limit if sign == "≥" else value <= limit for value, limit in zip(values, as_list(limits), strict=True)
    )
    return [
        what,
        f"{wanted} ×" if peer else with_unit(wanted, unit),
        with_unit(" / ".join(map(shown, as_list(row["figure"]))), unit),
        with_unit(shown(peer), unit) if peer else "",
        f"{ratio:.2f}" if ratio is not None else "",
        MET if is_met else MISSED,
    ]


def as_list(value: Any) -> list[float]:
    return value if isinstance(value, list) else [value]


def shown(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.3g}"


def with_unit(text: str, unit: str) -> str:
    return f"{text}{'' if unit.startswith('/') else ' '}{unit}".strip()


def write(document: Path) -> None:
    files = sorted(FOLDER.glob("*.jsonl"))
    rows = table(read(files), only_measured=False)
    text = document.read_text()
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(f"{before}{BEGIN}\n{machine(files)}\n\n{rows}\n{END}{after}")
    print(rows)
    print(f"\nmissed: {rows.count(MISSED)}, not measured: {rows.count(NOT_MEASURED)}; written to {document}")
    if NOT_MEASURED in rows:
        sys.exit(1)


def machine(files: list[Path]) -> str:
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    about = {key: value for line in lines for key, value in line.get("about", {}).items()}
    before = about.pop("load before", "unknown")
    about = {"reqwest": locked("reqwest"), **about}
    versions = ", ".join(f"{name} {version}" for name, version in about.items())
    commit = output("git", "rev-parse", "--short", "HEAD")
    if output("git", "status", "--porcelain", "--untracked-files=no", "--", ":!docs"):
        commit += " with changes"
    kernel = f"{platform.system()} {platform.release()}"
    lines = [
        f"- **When**: {datetime.date.today().isoformat()}, commit {commit}",
        f"- **Machine**: {processor()}, {os.cpu_count()} cores, {memory()}, {kernel}",
        f"- **Load** over 1, 5 and 15 minutes: {before} before, {load()} after",
        f"- **Versions**: {output('rustc', '--version').rsplit(' (', 1)[0]}, {versions}",
    ]
    return "\n".join(lines)


def locked(package: str) -> str:
    lock = (ROOT / "Cargo.lock").read_text()
    found = re.search(rf'name = "{package}"\nversion = "(.*)"', lock)
    return found[1] if found else "unknown"


def output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def processor() -> str:
    information = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", information.read_text()) if information.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def memory() -> str:
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


if __name__ == "__main__":
    main()
