"""Requests that wait share a call of the model, one call at a time."""

import asyncio
import threading
import time

import pytest

from bert_finetune_kit.errors import DataError
from bert_finetune_kit.service.limits import Limits
from bert_finetune_kit.service.metrics import Metrics
from bert_finetune_kit.service.requests import RequestError
from bert_finetune_kit.service.work_queue import WorkQueue


class Model:
    """Doubles numbers, and takes down its calls; refuses 13, and waits for `gate` where there is one."""

    def __init__(self, gate=None):
        self.calls, self.gate, self.threads = [], gate, set()

    def run(self, items, is_abandoned):
        self.threads.add(threading.current_thread().name)
        self.calls.append(list(items))
        if self.gate is not None:
            self.gate.wait(5)
        if 13 in items:
            raise DataError("13 is refused")
        return [2 * item for item in items]

    def explain(self, items, is_abandoned):
        self.calls.append(("explain", *items))
        while not is_abandoned():
            time.sleep(0.001)
        self.calls.append("abandoned")
        return items


def in_queue(use, length=lambda item: 1, **limits):
    """Run a function of a queue and its model while the worker works."""

    async def main():
        queue = WorkQueue(Limits(**{"batch_wait": 0.0, **limits}), Metrics(), length)
        worker = asyncio.create_task(queue.work())
        try:
            return await use(queue)
        finally:
            worker.cancel()

    return asyncio.run(main())


async def begun(model, submitted):
    """Return the task of a request, once the model computes."""
    task = asyncio.create_task(submitted)
    while not model.calls:
        await asyncio.sleep(0.001)
    return task


def test_what_waits_shares_a_call_up_to_the_size_of_a_batch():
    gate = threading.Event()
    model = Model(gate)

    async def use(queue):
        first = await begun(model, queue.submit(model.run, [0]))
        others = [asyncio.create_task(queue.submit(model.run, [n, n + 20])) for n in range(1, 4)]
        await asyncio.sleep(0)
        assert queue.waiting == 3
        gate.set()
        return await asyncio.gather(first, *others), queue.metrics.batches.counts

    results, sizes = in_queue(use, max_batch_size=4)
    assert results == [[0], [2, 42], [4, 44], [6, 46]]
    assert model.calls == [[0], [1, 21, 2, 22], [3, 23]]
    assert model.threads == {"model_0"}
    assert sizes[:3] == [1, 1, 1]  # calls of one, of two, and of three or four


def test_a_large_request_is_computed_in_calls_of_bounded_size():
    model = Model()

    async def use(queue):
        return await asyncio.gather(queue.submit(model.run, [1, 2, 3, 9, 4, 5]), queue.submit(model.run, [6]))

    assert in_queue(use, length=int, max_batch_size=3, max_characters=8) == [[2, 4, 6, 18, 8, 10], [12]]
    assert model.calls == [[1, 2, 3], [9], [4], [5], [6]]  # at most 3 items, and 8 characters or one item


def test_the_rest_of_a_request_that_nobody_waits_for_is_dropped():
    gate = threading.Event()
    model = Model(gate)

    async def use(queue):
        large = await begun(model, queue.submit(model.run, [1, 2, 3, 4]))
        assert queue.waiting == 0
        assert queue.busy_seconds > 0
        large.cancel()
        await asyncio.sleep(0)
        gate.set()
        return await queue.submit(model.run, [5])

    assert in_queue(use, max_batch_size=2) == [10]
    assert model.calls == [[1, 2], [5]]


def test_a_fault_in_a_part_is_that_of_its_request():
    model = Model()

    async def use(queue):
        requests = [queue.submit(model.run, items) for items in ([1, 2, 3], [13, 4, 5, 6], [7])]
        return await asyncio.gather(*requests, return_exceptions=True)

    first, error, last = in_queue(use, max_batch_size=4)
    assert (first, last) == ([2, 4, 6], [14])
    assert isinstance(error, DataError)


def test_the_end_does_not_wait_for_the_model():
    gate = threading.Event()
    model = Model(gate)

    async def use(queue):
        request = await begun(model, queue.submit(model.run, [1]))
        request.cancel()
        return queue

    queue = in_queue(use)
    assert queue.busy_seconds > 0  # the call goes on in its thread
    gate.set()


def test_requests_that_come_soon_after_share_its_call():
    model = Model()

    async def use(queue):
        async def later(n):
            await asyncio.sleep(0.001 * n)
            return await queue.submit(model.run, [n])

        return await asyncio.gather(*(later(n) for n in range(5)))

    assert in_queue(use, batch_wait=0.5, max_batch_size=5) == [[0], [2], [4], [6], [8]]
    assert len(model.calls) < 5


def test_a_fault_is_that_of_one_request():
    model = Model()

    async def use(queue):
        return await asyncio.gather(*(queue.submit(model.run, [n]) for n in (1, 13, 2)), return_exceptions=True)

    one, error, two = in_queue(use)
    assert (one, two) == ([2], [4])
    assert isinstance(error, DataError)


def test_too_many_that_wait_are_refused():
    gate = threading.Event()
    model = Model(gate)

    async def use(queue):
        first = await begun(model, queue.submit(model.run, [0]))
        second = asyncio.create_task(queue.submit(model.run, [1]))
        await asyncio.sleep(0)
        with pytest.raises(RequestError, match="1 requests wait already; try again") as caught:
            await queue.submit(model.run, [2])
        gate.set()
        return caught.value.status, await first, await second

    assert in_queue(use, max_waiting=1) == (503, [0], [2])


def test_what_takes_too_long_is_refused_and_abandoned():
    model = Model()

    async def use(queue):
        with pytest.raises(RequestError, match=r"no result within 0.2 seconds; send less") as caught:
            await queue.submit(model.explain, [7], shares=False)
        return caught.value.status, await queue.submit(model.run, [1])

    assert in_queue(use, timeout=0.2) == (504, [2])
    assert model.calls == [("explain", 7), "abandoned", [1]]


def test_what_nobody_waits_for_is_not_computed():
    gate = threading.Event()
    model = Model(gate)

    async def use(queue):
        first = await begun(model, queue.submit(model.run, [0]))
        second = asyncio.create_task(queue.submit(model.run, [1]))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        gate.set()
        await first
        return await queue.submit(model.run, [2])

    assert in_queue(use) == [4]
    assert model.calls == [[0], [2]]


def test_nothing_asked_for_needs_no_call():
    model = Model()
    assert in_queue(lambda queue: queue.submit(model.run, [])) == []
    assert model.calls == []
