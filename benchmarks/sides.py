"""Runs two or more ways of doing one thing in turn, and prints a table with ratios, medians and spreads."""

import statistics
from collections.abc import Callable

from rich.console import Console
from rich.table import Table


def compare(sides: dict[str, Callable[[], float]], repeats: int, unit: str, title: str) -> dict[str, list[float]]:
    """Run every side once a round, so that a noisy machine disturbs them alike; the first one is the reference."""
    results: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(repeats):
        for name, run in sides.items():
            results[name].append(run())
            print(f"round {number + 1} of {repeats} · {name}: {results[name][-1]:,.1f} {unit}", flush=True)
    reference = statistics.median(next(iter(results.values())))
    table = Table(title=title)
    for column in ("", f"median {unit}", "least to most", "ratio to the first"):
        table.add_column(column, justify="right" if column else "left", no_wrap=True)
    for name, values in results.items():
        median = statistics.median(values)
        table.add_row(name, f"{median:,.1f}", f"{min(values):,.1f} to {max(values):,.1f}", f"{median / reference:.2f}")
    Console(width=100).print(table)
    return results
