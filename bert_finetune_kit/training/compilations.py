"""How often XLA has compiled a graph."""

from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Compilations:
    """Graphs that were compiled, and how long that took."""

    graphs: int = 0
    seconds: float = 0.0

    def since(self, before: "Compilations") -> "Compilations":
        """Return those that came after `before`."""
        return Compilations(self.graphs - before.graphs, self.seconds - before.seconds)

    def __str__(self) -> str:
        plural = "graph was" if self.graphs == 1 else "graphs were"
        return f"{self.graphs:,} {plural} compiled, in {self.seconds:,.1f} s"


def count_compilations() -> Compilations:
    """Return how often torch_xla has compiled a graph in this process.

    It counts them in its metric CompileTime, in nanoseconds; a graph that is met again is not compiled again.
    """
    metric = import_module("torch_xla.debug.metrics").metric_data("CompileTime")
    if metric is None:  # nothing has been compiled yet
        return Compilations()
    graphs, nanoseconds, _ = metric
    return Compilations(int(graphs), nanoseconds / 1e9)
