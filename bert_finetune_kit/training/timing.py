"""Seconds by stage of a run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Seconds since it was started, without the pauses."""

    def __init__(self) -> None:
        self._started: float | None = None
        self._paused_at: float | None = None
        self._paused = 0.0

    def start(self) -> None:
        """Start at zero."""
        self._started, self._paused_at, self._paused = time.perf_counter(), None, 0.0

    @property
    def seconds(self) -> float:
        """Seconds so far; 0 where it was never started."""
        if self._started is None:
            return 0.0
        return (self._paused_at or time.perf_counter()) - self._started - self._paused

    def pause(self) -> None:
        """Stop counting until `resume`; a second call changes nothing."""
        if self._paused_at is None:
            self._paused_at = time.perf_counter()

    def resume(self) -> None:
        """Count again."""
        if self._paused_at is not None:
            self._paused += time.perf_counter() - self._paused_at
            self._paused_at = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Leave out the time spent inside."""
        self.pause()
        try:
            yield
        finally:
            self.resume()


class Timings:
    """Seconds of a run by stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    def add(self, stage: str, seconds: float) -> None:
        """Add seconds to a stage."""
        self.seconds[stage] = self.seconds.get(stage, 0.0) + seconds

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds spent inside to a stage."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - started)

    def rounded(self) -> dict[str, float]:
        """Return the stages, and the whole run so far."""
        stages = {name: round(seconds, 2) for name, seconds in self.seconds.items()}
        return stages | {"whole run": round(time.perf_counter() - self._started, 2)}
