"""What the diagnosis finds: faults planted in tiny trainings, and runs without a fault.

    PYTHONPATH=tests/findings python benchmarks/diagnosis.py --results results
    PYTHONPATH=tests/findings python benchmarks/diagnosis.py --results results --table

The report of every training is kept in the folder of results: the command goes on where it was stopped, several may
share a folder (each with --only or --seeds of its own), and the table applies the rules as they are now. A fault is
found where one of its codes is reported.
"""

import argparse
import contextlib
import os
import shutil
import tempfile
import traceback
import warnings
from collections import Counter
from pathlib import Path
from unittest.mock import patch

from planted_faults import FAULTS, Bench, C, P, Q, healthy

from bert_finetune_kit import Finding, RunReport, diagnose
from bert_finetune_kit.reporting.schema import REPORT_FILE

HEALTHY = "no fault"
# (recipe, training examples, learning rate); with two seeds these are 40 runs.
HEALTHY_RUNS = [
    *((C, size, rate) for size in (600, 1000, 1500) for rate in (1e-3, 2e-3, 4e-3)),
    *((P, size, rate) for size in (300, 600) for rate in (2e-3, 3e-3, 5e-3)),
    *((Q, size, rate) for size in (480, 640) for rate in (2e-3, 4e-3)),
    (C, 1500, 3e-3),
]


def cases(seeds: list[int], only: str):
    """Yield (fault, recipe, seed, plant)."""
    for name, fault in FAULTS.items():
        for recipe, plant in fault.plants.items():
            yield from ((name, recipe, seed, plant) for seed in seeds if only in f"{name} {recipe}")
    for recipe, size, rate in HEALTHY_RUNS:
        name = f"{recipe}, {size} examples, {rate:g}"
        for seed in seeds[:2]:
            if only in f"{HEALTHY} {name}":
                yield HEALTHY, name, seed, lambda bench, case=(recipe, size, rate): healthy(bench, *case)


def measure(options: argparse.Namespace) -> None:
    for fault, recipe, seed, plant in cases(options.seeds, options.only):
        folder = options.results / fault / recipe / str(seed)
        if (folder / REPORT_FILE).exists():
            continue
        bench = Bench(options.work, seed)
        for used in (bench.folder(), bench.folder().with_name("permuted")):
            shutil.rmtree(used, ignore_errors=True)
        try:
            with open(os.devnull, "w") as null, contextlib.redirect_stdout(null), contextlib.redirect_stderr(null):
                report = plant(bench)
        except Exception:
            traceback.print_exc()
            continue
        folder.mkdir(parents=True, exist_ok=True)
        report.save(folder)
        print(
            f"{fault} | {recipe} | {seed}: {' '.join(finding.code for finding in report.findings) or '–'}", flush=True
        )


def read(results: Path, fault: str) -> dict[str, list[list[Finding]]]:
    """Return the findings of each run, by recipe."""
    folders = sorted(folder for folder in (results / fault).glob("*") if folder.is_dir())
    return {
        folder.name: [diagnose(RunReport.load(path.parent)) for path in sorted(folder.glob(f"*/{REPORT_FILE}"))]
        for folder in folders
    }


def print_table(results: Path) -> None:
    print("| planted fault | recipe | reported as | found | reported beside it |\n| --- | --- | --- | ---: | --- |")
    total = found = 0
    for name, fault in FAULTS.items():
        for recipe, runs in read(results, name).items():
            codes = Counter(finding.code for findings in runs for finding in findings)
            hits = sum(any(finding.code in fault.codes for finding in findings) for findings in runs)
            total, found = total + len(runs), found + hits
            reported = [code for code in fault.codes if codes[code]] or fault.codes
            beside = {code: count for code, count in codes.most_common() if code not in fault.codes}
            print(
                f"| {name} | {recipe.replace('_', ' ')} | {', '.join(f'`{code}`' for code in reported)} | "
                f"{hits} of {len(runs)} | {', '.join(f'`{code}` {count}' for code, count in beside.items())} |"
            )
    healthy_runs = read(results, HEALTHY)
    severities = [{finding.severity for finding in findings} for runs in healthy_runs.values() for findings in runs]
    print(
        f"\nFound: {found} of {total} ({found / max(total, 1):.1%}). Without a fault: {len(severities)} runs, "
        f"{sum('error' in kinds for kinds in severities)} with errors, "
        f"{sum('warning' in kinds for kinds in severities)} with warnings."
    )
    for name, runs in healthy_runs.items():
        for finding in (finding for findings in runs for finding in findings if finding.severity != "note"):
            print(f"{name}: {finding.code} {finding.evidence}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True, help="folder of reports")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    parser.add_argument("--only", default="", help="part of the name of a fault and its recipe")
    parser.add_argument("--table", action="store_true", help="print the table of the results, and train nothing")
    options = parser.parse_args()
    if options.table:
        print_table(options.results)
        return
    warnings.filterwarnings("ignore")
    pages = patch("bert_finetune_kit.runs.pages.write_html")  # which takes longer than these trainings
    with tempfile.TemporaryDirectory() as folder, pages:
        options.work = Path(folder)
        measure(options)


if __name__ == "__main__":
    main()
