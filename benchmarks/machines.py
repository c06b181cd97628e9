"""Trainings on several "machines": network namespaces of this one, with addresses, caches and folders of their own.

    sudo python benchmarks/machines.py --work FOLDER

Needs Linux, root and `ip`. Each machine has one CPU process of `accelerate launch` with multi_node.yaml and the flags
in `command`, connected by gloo over a virtual cable. They share the folder of the run, the text and the installed
packages, but no port and no cache. Runs:

- one, two and three machines with the same examples in a step: losses and scores must agree;
- the process of the last machine is killed, or its cable is pulled, after the first checkpoint: how long the others
  take to end, how they end, and whether the run resumes to the weights of one that was not disturbed.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertForPreTraining, set_seed

from bert_finetune_kit import train_wordpiece
from bert_finetune_kit.data.sample import sample_documents

ROOT = Path(__file__).resolve().parent.parent
SWITCH = "kit-switch"
PORT = 29500
STEPS, SAVED = 300, 100
RUNS = ("equal", "killed", "cable")
DEADLINE = 300  # seconds, after which a run counts as one that hangs


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@dataclass
class Machine:
    number: int

    @property
    def name(self) -> str:
        return f"kit-machine{self.number}"

    @property
    def address(self) -> str:
        return f"10.77.0.{self.number + 1}"


@contextmanager
def connected(count: int) -> Iterator[list[Machine]]:
    """Make machines that reach one another, and nothing else."""
    machines = [Machine(number) for number in range(count)]
    namespaces = [SWITCH, *(machine.name for machine in machines)]
    try:
        for name in namespaces:
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", SWITCH, "link", "add", "switch", "type", "bridge")
        ip("-n", SWITCH, "link", "set", "switch", "up")
        for machine in machines:
            port = f"port{machine.number}"
            ip("-n", machine.name, "link", "add", "eth0", "type", "veth", "peer", "name", port, "netns", SWITCH)
            ip("-n", SWITCH, "link", "set", port, "master", "switch", "up")
            ip("-n", machine.name, "address", "add", f"{machine.address}/24", "dev", "eth0")
            ip("-n", machine.name, "link", "set", "eth0", "up")
        yield machines
    finally:
        for name in namespaces:
            subprocess.run(["ip", "netns", "delete", name], check=False)


def command(machine: Machine, machines: list[Machine], run: Path, timeout: int, batch: int, *more: str) -> list[str]:
    """Return what is started on a machine; on machines with GPUs the flags after `multi_node.yaml` are other ones."""
    return [
        sys.executable, "-m", "accelerate.commands.launch",
        "--config_file", str(ROOT / "accelerate_configs/multi_node.yaml"),
        "--num_machines", str(len(machines)), "--num_processes", str(len(machines)),
        "--machine_rank", str(machine.number), "--main_process_ip", machines[0].address,
        "--main_process_port", str(PORT), "--mixed_precision", "no", "--num_cpu_threads_per_process", "1",
        str(ROOT / "examples/pretrain.py"), "--use_cpu", "--output_dir", str(run),
        "--train", str(run.parent / "text.txt"), "--max_steps", str(STEPS),
        "--save_strategy", "steps", "--save_steps", str(SAVED), "--eval_strategy", "steps",
        "--eval_steps", str(SAVED), "--logging_steps", "10", "--per_device_train_batch_size", str(batch),
        "--max_length", "64", "--disable_tqdm", "true", "--ddp_timeout", str(timeout),
        "--model", str(run.parent / "model"), *more,
    ]  # fmt: skip


def start(machine: Machine, words: list[str], work: Path) -> subprocess.Popen[bytes]:
    own = work / machine.name
    own.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "HF_HOME": str(own / "huggingface"), "TMPDIR": str(own), "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT),
        "GLOO_SOCKET_IFNAME": "eth0",  # gloo would take the address of the machine's name, which is that of the host
    }  # fmt: skip
    log = (own / "log.txt").open("wb")
    return subprocess.Popen(
        ["ip", "netns", "exec", machine.name, *words], cwd=own, env=environment, stdout=log, stderr=log,
        start_new_session=True,
    )  # fmt: skip


def log_of(machine: Machine, work: Path) -> str:
    return (work / machine.name / "log.txt").read_text(errors="replace")


def kill_machine(machine: Machine) -> None:
    """Kill every process of a machine at once, as a power cut does, but for the network, which lives on."""
    pids = subprocess.run(["ip", "netns", "pids", machine.name], capture_output=True, text=True, check=True).stdout
    for pid in map(int, pids.split()):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def wait(processes: list[subprocess.Popen[bytes]]) -> list[int | None]:
    """Return the exit codes; None for a process that had to be killed at the deadline."""
    end = time.monotonic() + DEADLINE
    codes: list[int | None] = []
    for process in processes:
        try:
            codes.append(process.wait(max(end - time.monotonic(), 0)))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            codes.append(None)
    return codes


def train(count: int, run: Path, work: Path, batch: int, *more: str, timeout: int = 60) -> None:
    logs = work / "machines" / (f"{run.name}-resumed" if more else run.name)
    shutil.rmtree(logs, ignore_errors=True)
    with connected(count) as machines:
        began = time.monotonic()
        processes = [
            start(machine, command(machine, machines, run, timeout, batch, *more), logs) for machine in machines
        ]
        codes = wait(processes)
        print(f"{count} machines × batch {batch}: exit codes {codes}, {time.monotonic() - began:.0f} s", flush=True)
        if any(codes):
            for machine in machines:
                print(f"--- {machine.name}\n{log_of(machine, logs)[-3000:]}")
            raise SystemExit(1)
        for machine in machines:
            cache = logs / machine.name / "huggingface"
            files = list(cache.rglob("*.arrow"))
            print(f"  {machine.name}: {len(files)} files of tokens in its cache", flush=True)


def disturb(how: str, count: int, run: Path, work: Path, batch: int, timeout: int) -> None:
    """Kill the last machine or pull its cable after the first checkpoint, and report how the others end."""
    logs = work / "machines" / run.name
    shutil.rmtree(logs, ignore_errors=True)
    with connected(count) as machines:
        processes = [start(machine, command(machine, machines, run, timeout, batch), logs) for machine in machines]
        while not list(run.glob(f"checkpoint-{SAVED}/trainer_state.json")):
            if any(process.poll() is not None for process in processes):
                raise SystemExit(f"a run ended before its first checkpoint:\n{log_of(machines[0], logs)}")
            time.sleep(0.1)
        time.sleep(1)
        if how == "killed":
            kill_machine(machines[-1])
        else:
            ip("-n", machines[-1].name, "link", "set", "eth0", "down")
        began = time.monotonic()
        seconds = []
        for process in processes if how == "cable" else processes[:-1]:
            wait([process])
            seconds.append(time.monotonic() - began)
        codes = [process.poll() for process in processes]
        print(f"{how}, ddp_timeout {timeout}: ended after {[round(s) for s in seconds]} s, exit codes {codes}")
        for machine in machines:
            lines = [line for line in log_of(machine, logs).splitlines() if "Error: " in line]
            print(f"--- {machine.name}", *lines, sep="\n")
        sys.stdout.flush()


def history(run: Path) -> list[dict[str, float]]:
    last = max(run.glob("checkpoint-*"), key=lambda folder: int(folder.name.rpartition("-")[2]))
    return json.loads((last / "trainer_state.json").read_text())["log_history"]


def difference(run: Path, other: Path) -> str:
    """Return the largest relative difference of losses, gradient norms and scores."""
    worst: dict[str, float] = {}
    for row, reference in zip(history(run), history(other), strict=True):
        for key in ("loss", "grad_norm", "eval_perplexity"):
            if key in row:
                worst[key] = max(worst.get(key, 0), abs(row[key] - reference[key]) / abs(reference[key]))
    return ", ".join(f"{key} {value:.0e}" for key, value in worst.items())


def equal_weights(run: Path, other: Path) -> bool:
    first, second = (load_file(folder / "model.safetensors") for folder in (run, other))
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for runs, logs and caches")
    parser.add_argument("--timeout", type=int, default=20, help="ddp_timeout of the disturbed runs, seconds")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=RUNS)
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    save_model(work / "model")
    text = "\n\n".join("\n".join(document) for document in sample_documents("train")[:40])
    (work / "text.txt").write_text(text + "\n")
    if "equal" in options.only:
        for count, batch in ((1, 12), (2, 6), (3, 4)):
            shutil.rmtree(work / f"run{count}", ignore_errors=True)
            train(count, work / f"run{count}", work, batch)
            if count > 1:
                print(
                    f"  largest relative differences to one machine: {difference(work / f'run{count}', work / 'run1')}"
                )
    for how in ("killed", "cable"):
        if how not in options.only:
            continue
        run = work / how
        shutil.rmtree(run, ignore_errors=True)
        disturb(how, 2, run, work, 6, options.timeout)
        train(2, run, work, 6, "--resume")
        print(f"  resumed; weights equal to those of the undisturbed run: {equal_weights(run, work / 'run2')}")


def save_model(folder: Path) -> None:
    """Save a narrow BERT without dropout, whose results do not depend on how a batch is divided, and its tokenizer."""
    tokenizer = train_wordpiece((line for document in sample_documents("train") for line in document), 800)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, hidden_dropout_prob=0, attention_probs_dropout_prob=0,
    )  # fmt: skip
    set_seed(1)
    BertForPreTraining(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    main()
