"""The service under load: errors, and the times of requests beside those of a bare call of `predict`.

    python benchmarks/service.py RUN --texts GLUE/sst2/validation.parquet --column sentence
    python benchmarks/service.py RUN --clients 50 --seconds 60

The service of a classifier runs in a process of its own, on a free port of 127.0.0.1. Clients are threads of this
process, each with one connection, and send the next text when the last one is answered. Before them a single client
does the same, and after them, when the service has ended, `predict` is called with one text at a time.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from itertools import count, cycle
from pathlib import Path

import numpy as np

HEADERS = {"content-type": "application/json"}


def read_texts(options: argparse.Namespace) -> list[str]:
    """Return the texts to send: a column of a file, or the reviews of the bundled sample."""
    if options.texts is None:
        from bert_finetune_kit.data.sample import sample_reviews

        return [row["text"] for row in sample_reviews("validation", count=200)]
    import pandas as pd

    frame = pd.read_parquet(options.texts) if options.texts.suffix == ".parquet" else pd.read_csv(options.texts)
    return [str(text) for text in frame[options.column]]


def start(run: str) -> tuple[subprocess.Popen[str], int]:
    """Start the service, and return its process and port."""
    command = [sys.executable, "-m", "bert_finetune_kit", "serve", run, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    line = process.stdout.readline()
    if "http://127.0.0.1:" not in line:
        raise SystemExit(f"The service did not start: {line}")
    return process, int(line.partition("http://127.0.0.1:")[2].split()[0])


def load(port: int, texts: list[str], clients: int, seconds: float) -> tuple[list[float], Counter[str]]:
    """Send texts from several clients for a while; return the seconds of each request, and how they ended."""
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    lock, numbers = threading.Lock(), count()
    deadline = time.perf_counter() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        own_times, own = [], Counter()
        while time.perf_counter() < deadline:
            with lock:
                body = bodies[next(numbers) % len(bodies)]
            began = time.perf_counter()
            try:
                connection.request("POST", "/predict", body, HEADERS)
                response = connection.getresponse()
                content = response.read()
                own[str(response.status) if response.status != 200 or b'"label"' in content else "no label"] += 1
            except OSError as error:
                own[type(error).__name__] += 1
                connection.close()
            own_times.append(time.perf_counter() - began)
        connection.close()
        with lock:
            times.extend(own_times)
            outcomes.update(own)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, outcomes


def bare(run: str, texts: list[str], seconds: float) -> list[float]:
    """Call `predict` with one text at a time for a while, and return the seconds of each call."""
    from bert_finetune_kit import ClassificationRecipe

    recipe = ClassificationRecipe.from_pretrained(run)
    for text in texts[:5]:
        recipe.predict([text])
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    for text in cycle(texts):
        began = time.perf_counter()
        if began > deadline:
            break
        recipe.predict([text])
        times.append(time.perf_counter() - began)
    return times


def row(name: str, times: list[float], outcomes: Counter[str], seconds: float) -> str:
    p50, p95, p99 = 1000 * np.percentile(times, [50, 95, 99])
    errors = sum(number for outcome, number in outcomes.items() if outcome != "200")
    cells = f"{len(times):>8} {len(times) / seconds:>9.1f} {p50:>8.1f} {p95:>8.1f} {p99:>8.1f} {errors:>7}"
    return f"{name:<24}{cells}  {dict(outcomes) if errors else ''}"


def batches(port: int) -> np.ndarray:
    """Return how many texts were predicted so far, and in how many calls."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return np.array([float(values[f"bert_finetune_kit_batch_size_{name}"]) for name in ("sum", "count")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a classifier")
    parser.add_argument("--texts", type=Path, help=".parquet or .csv (default: the bundled sample)")
    parser.add_argument("--column", default="sentence", help="of the texts")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    texts = read_texts(options)
    process, port = start(options.run)
    try:
        load(port, texts, 1, 2.0)
        short = min(options.seconds, 10.0)
        rows = [row("1 client", *load(port, texts, 1, short), short)]
        before = batches(port)
        loaded = load(port, texts, options.clients, options.seconds)
        rows.append(row(f"{options.clients} clients", *loaded, options.seconds))
        predicted, calls = batches(port) - before
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    times = bare(options.run, texts, short)
    rows.append(row("predict, one text", times, Counter({"200": len(times)}), short))
    print(f"{'':<24}{'requests':>8} {'a second':>9} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'errors':>7}")
    print("\n".join(rows))
    print(f"{predicted / calls:.1f} texts in a call under load; the service ended with code {process.returncode}.")


if __name__ == "__main__":
    main()
