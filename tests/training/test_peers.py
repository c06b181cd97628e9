"""A process that ends or no longer answers: the others say so, and from where the run continues."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from small_recipes import Signal, build

from bert_finetune_kit import LostProcessError
from bert_finetune_kit.compat.torch import set_distributed_timeout
from bert_finetune_kit.training.peers import lost_processes_told

CLOSED = "[gloo/transport/tcp/pair.cc:534] Connection closed by peer [10.0.0.2]:9141\nsecond line"


class Args:
    world_size, ddp_timeout = 2, 20


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(CLOSED),
        torch.distributed.DistBackendError("NCCL error"),
        torch.distributed.DistNetworkError("gone"),
    ],
)
def test_a_lost_process_is_told_with_the_way_to_go_on(tmp_path, error):
    with (
        pytest.raises(LostProcessError, match=r"One of the 2 processes .* ddp_timeout \(20 s\).* no checkpoint yet.*"),
        lost_processes_told(Args, tmp_path),
    ):
        raise error


@pytest.mark.parametrize(("error", "processes"), [(RuntimeError("shapes differ"), 2), (RuntimeError(CLOSED), 1)])
def test_other_errors_stay_what_they_are(tmp_path, error, processes):
    args = type("Other", (Args,), {"world_size": processes})
    with pytest.raises(RuntimeError) as raised, lost_processes_told(args, tmp_path):
        raise error
    assert raised.value is error


def test_a_single_process_waits_for_none():
    set_distributed_timeout(1)


def main() -> None:
    model, run, number = sys.argv[1:]
    callbacks = [Signal(6, number=int(number))] if os.environ["RANK"] == "1" else []
    recipe = build("classification", Path(model), Path(run), ddp_timeout=8, callbacks=callbacks)
    try:
        recipe.train()
    except LostProcessError as error:
        print(error, flush=True)
        os._exit(7)  # the launcher waits for the stopped process otherwise


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_the_other_process_ends_within_the_timeout(dropout_model, tmp_path, number):
    began = time.monotonic()
    environment = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29713", "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    with (tmp_path / "output.txt").open("w") as output:
        processes = [
            subprocess.Popen(
                [sys.executable, __file__, dropout_model, tmp_path / "run", str(int(number))],
                env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                stdout=output,
                stderr=output,
            )
            for rank in (0, 1)
        ]
        try:
            code = processes[0].wait(timeout=120)
        finally:
            for process in processes:
                process.kill()
                process.wait()
    assert code == 7
    assert "checkpoint-4" in (tmp_path / "output.txt").read_text()
    assert time.monotonic() - began < 120


if __name__ == "__main__":
    main()
