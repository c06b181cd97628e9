"""One worker for all requests: those that wait share a call of the model."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .limits import Limits
from .metrics import Metrics
from .requests import RequestError

Run = Callable[[list[Any], Callable[[], bool]], list[Any]]
"""Items, and whether nobody waits for them any more → a result for each."""


@dataclass(frozen=True)
class Job:
    """What a request waits for."""

    run: Run
    items: list[Any]
    shares: bool
    """Whether its items may go into one call with those of other requests for the same."""
    results: asyncio.Future[list[Any]]


class WorkQueue:
    """Requests in the order of their arrival, and the thread that answers them."""

    def __init__(self, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.jobs: deque[Job] = deque()
        self.has_jobs = asyncio.Event()

    @property
    def waiting(self) -> int:
        """Number of requests that no call of the model has taken up."""
        return sum(not job.results.done() for job in self.jobs)

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
        with ThreadPoolExecutor(1, "model") as thread:
            while True:
                await self.has_jobs.wait()
                if self.limits.batch_wait and self._size < self.limits.max_batch_size:
                    await asyncio.sleep(self.limits.batch_wait)
                jobs = self._take()
                if jobs:
                    await self._answer(jobs, thread)

    @property
    def _size(self) -> int:
        return sum(len(job.items) for job in self.jobs)

    def _take(self) -> list[Job]:
        """Return the first job, and those behind it that share its call, up to the size of a batch."""
        jobs: list[Job] = []
        size = 0
        while self.jobs:
            job = self.jobs[0]
            if job.results.done():  # nobody waits for it any more
                self.jobs.popleft()
                continue
            size += len(job.items)
            fits = job.shares and jobs and jobs[0].run == job.run and size <= self.limits.max_batch_size
            if jobs and not fits:
                break
            jobs.append(self.jobs.popleft())
            if not job.shares:
                break
        if not self.jobs:
            self.has_jobs.clear()
        return jobs

    async def _answer(self, jobs: list[Job], thread: ThreadPoolExecutor) -> None:
        items = [item for job in jobs for item in job.items]

        def is_abandoned() -> bool:
            return all(job.results.done() for job in jobs)

        self.metrics.batches.observe(len(items))
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(thread, jobs[0].run, items, is_abandoned)
        except Exception as error:
            if len(jobs) > 1:  # the fault may be that of one of them
                for job in jobs:
                    await self._answer([job], thread)
            elif not jobs[0].results.done():
                jobs[0].results.set_exception(error)
            return
        start = 0
        for job in jobs:
            if not job.results.done():
                job.results.set_result(results[start : start + len(job.items)])
            start += len(job.items)
