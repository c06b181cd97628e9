"""What the service counts, in the text format of Prometheus."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

_PREFIX = "bert_finetune_kit"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Histogram:
    """Counts of values by the smallest bound that they do not exceed."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str, labels: str = "") -> Iterator[str]:
        """Yield its lines: how many values were at most each bound, their sum and number.

        Args:
            name: of the metric.
            labels: such as `route="/predict"`.
        """
        total = 0
        for bound, count in zip([*map(str, self.bounds), "+Inf"], self.counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels}{"," if labels else ""}le="{bound}"}} {total}'
        braces = f"{{{labels}}}" if labels else ""
        yield f"{name}_sum{braces} {self.sum}"
        yield f"{name}_count{braces} {total}"


@dataclass
class Metrics:
    """Counts since the start of the process."""

    requests: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    """By route and status."""
    seconds: dict[str, Histogram] = field(default_factory=lambda: defaultdict(lambda: Histogram(SECONDS)))
    """From request to response, by route."""
    batches: Histogram = field(default_factory=lambda: Histogram(SIZES))
    """Texts or questions of a call of the model."""

    def observe_request(self, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self.requests[route, status] += 1
        self.seconds[route].observe(seconds)

    def render(self, waiting: int) -> str:
        """Return all metrics; `waiting` is the number of requests that no worker has begun."""
        return "\n".join([*self._lines(waiting), ""])

    def _lines(self, waiting: int) -> Iterator[str]:
        name = f"{_PREFIX}_requests_total"
        yield from _head(name, "counter", "Requests by route and status.")
        for (route, status), count in sorted(self.requests.items()):
            yield f'{name}{{route="{route}",status="{status}"}} {count}'
        name = f"{_PREFIX}_request_seconds"
        yield from _head(name, "histogram", "Seconds from request to response.")
        for route, histogram in sorted(self.seconds.items()):
            yield from histogram.lines(name, f'route="{route}"')
        name = f"{_PREFIX}_batch_size"
        yield from _head(name, "histogram", "Texts or questions of one call of the model.")
        yield from self.batches.lines(name)
        name = f"{_PREFIX}_waiting_requests"
        yield from _head(name, "gauge", "Requests that wait for the model.")
        yield f"{name} {waiting}"


def _head(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
