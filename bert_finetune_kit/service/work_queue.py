"""One worker for all requests: those that wait share a call of the model."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from .limits import Limits
from .metrics import Metrics
from .requests import RequestError

Run = Callable[[list[Any], Callable[[], bool]], list[Any]]
"""Items, and whether nobody waits for them any more → a result for each."""


@dataclass(eq=False)
class Job:
    """What a request waits for; one call of the model takes up all its items, or several a part each."""

    run: Run
    items: list[Any]
    shares: bool
    """Whether its items may go into one call with those of other requests for the same."""
    results: asyncio.Future[list[Any]]
    taken: int = 0
    """Items that calls of the model have taken up."""
    computed: list[Any] = field(default_factory=list)
    """Results of the first items."""


Part = tuple[Job, list[Any]]
"""Some of the items of a job, for one call."""


class WorkQueue:
    """Requests in the order of their arrival, and the thread that answers them.

    Args:
        limits: on sizes and times. A call takes one item, or up to `max_batch_size` with `max_characters` in all.
        metrics: that count calls.
        length: characters of an item.
    """

    def __init__(self, limits: Limits, metrics: Metrics, length: Callable[[Any], int] = lambda _: 1) -> None:
        self.limits, self.metrics, self.length = limits, metrics, length
        self.jobs: deque[Job] = deque()
        self.has_jobs = asyncio.Event()
        self.call_began: float | None = None

    @property
    def waiting(self) -> int:
        """Number of requests that no call of the model has taken up."""
        return sum(not job.results.done() and not job.taken for job in self.jobs)

    @property
    def busy_seconds(self) -> float:
        """How long the current call of the model runs; 0 where there is none."""
        began = self.call_began  # which the thread of the model sets
        return 0.0 if began is None else time.monotonic() - began

    async def submit(self, run: Run, items: list[Any], shares: bool = True) -> list[Any]:
        """Return the results for items, when their turn has come.

        Raises:
            RequestError: too many requests wait (503), or it took too long (504).
        """
        if not items:
            return []
        if self.waiting >= self.limits.max_waiting:
            raise RequestError(503, f"{self.limits.max_waiting} requests wait already; try again in a few seconds.")
        job = Job(run, items, shares, asyncio.get_running_loop().create_future())
        self.jobs.append(job)
        self.has_jobs.set()
        try:
            return await asyncio.wait_for(job.results, self.limits.timeout)
        except TimeoutError as error:
            message = f"There was no result within {self.limits.timeout:g} seconds; send less at once, or try later."
            raise RequestError(504, message) from error

    async def work(self) -> None:
        """Answer requests until the task is cancelled."""
        thread = ThreadPoolExecutor(1, "model")
        try:
            while True:
                await self.has_jobs.wait()
                if self.limits.batch_wait and self._size < self.limits.max_batch_size:
                    await asyncio.sleep(self.limits.batch_wait)
                parts = self._take()
                if parts:
                    await self._answer(parts, thread)
        finally:
            thread.shutdown(wait=False, cancel_futures=True)  # a call may take longer than the end may wait

    @property
    def _size(self) -> int:
        return sum(len(job.items) - job.taken for job in self.jobs)

    def _take(self) -> list[Part]:
        """Return items of the first job, and of those behind it that share its call, up to the size of a call."""
        parts: list[Part] = []
        size = characters = 0
        while self.jobs:
            job = self.jobs[0]
            if job.results.done():  # nobody waits for it any more
                self.jobs.popleft()
                continue
            if parts and not (job.shares and parts[0][0].run == job.run):
                break
            items: list[Any] = []
            for item in job.items[job.taken :]:
                size, characters = size + 1, characters + self.length(item)
                if size > 1 and (size > self.limits.max_batch_size or characters > self.limits.max_characters):
                    break
                items.append(item)
            if items:
                parts.append((job, items))
                job.taken += len(items)
            if job.taken < len(job.items):
                break
            self.jobs.popleft()
            if not job.shares:
                break
        if not self.jobs:
            self.has_jobs.clear()
        return parts

    async def _answer(self, parts: list[Part], thread: ThreadPoolExecutor) -> None:
        run = parts[0][0].run
        items = [item for _, some in parts for item in some]

        def is_abandoned() -> bool:
            return all(job.results.done() for job, _ in parts)

        def call() -> list[Any]:
            self.call_began = time.monotonic()
            try:
                return run(items, is_abandoned)
            finally:
                self.call_began = None

        self.metrics.batches.observe(len(items))
        try:
            results = await asyncio.get_running_loop().run_in_executor(thread, call)
        except Exception as error:
            if len(parts) > 1:  # the fault may be that of one of them
                for part in parts:
                    if not part[0].results.done():
                        await self._answer([part], thread)
            elif not parts[0][0].results.done():
                parts[0][0].results.set_exception(error)
            return
        start = 0
        for job, some in parts:
            job.computed += results[start : start + len(some)]
            start += len(some)
            if len(job.computed) == len(job.items) and not job.results.done():
                job.results.set_result(job.computed)
