"""Building features: tokens a second, and peak memory on a corpus once and several times over.

    python benchmarks/features.py --train my_text.txt --tokenizer vocab.txt

Each measurement runs in a process of its own, with an empty cache. Memory is anonymous memory (Linux: RssAnon) of that
process and its workers, sampled every 10 ms: pages of the memory-mapped corpus belong to the system's cache and can be
taken back at any time, so they are not counted.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table


def anonymous_memory() -> int:
    """Return the anonymous memory of this process and its children, in bytes."""
    me = psutil.Process()
    total = 0
    for process in [me, *me.children(recursive=True)]:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
            total += next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))
        except (OSError, StopIteration):
            continue
    return total


def measure(train: str, tokenizer: str, workers: int) -> None:
    """Build the features of `train`, and print seconds, tokens, examples and peak memory."""
    import datasets

    datasets.config.HF_DATASETS_CACHE = tempfile.mkdtemp()
    from bert_finetune_kit import PretrainConfig, TextSource
    from bert_finetune_kit.data.corpus import load_corpus
    from bert_finetune_kit.data.sequences import sequence_formats
    from bert_finetune_kit.data.vocabulary import load_tokenizer
    from bert_finetune_kit.pretraining.corpus import tokenize_corpus
    from bert_finetune_kit.pretraining.examples import PretrainingExamples

    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], anonymous_memory())

    loaded = load_tokenizer(tokenizer)
    base = anonymous_memory()
    threading.Thread(target=watch, daemon=True).start()
    started = time.perf_counter()
    corpus = tokenize_corpus(load_corpus(TextSource(train)).train, loaded, num_proc=workers)
    seconds = time.perf_counter() - started
    _, pair = sequence_formats(loaded, takes_types=True)
    examples = PretrainingExamples(corpus, PretrainConfig(), pair)
    for index in range(0, len(examples), max(1, len(examples) // 5000)):
        examples[index]
    done.set()
    print(seconds, int(corpus.lengths.sum()), len(examples), base, peak[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="text file")
    parser.add_argument("--tokenizer", required=True, help="vocab.txt or folder")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 10], help="how often the text is repeated")
    parser.add_argument("--workers", type=int, default=1, help="processes; each has memory of its own")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.train, options.tokenizer, options.workers)
        return
    table = Table(title="building features")
    for column in ("corpus", "MB", "tokens", "examples", "seconds", "tokens/s", "memory before, MB", "at the peak, MB"):
        table.add_column(column, justify="right")
    text = Path(options.train).read_bytes()
    for times in options.times:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "corpus.txt"
            with file.open("wb") as stream:
                for _ in range(times):
                    stream.write(text + b"\n")
            command = [sys.executable, __file__, "--measure", "--train", str(file), "--tokenizer", options.tokenizer]
            command += ["--workers", str(options.workers)]
            environment = os.environ | {"TOKENIZERS_PARALLELISM": "false"}
            output = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
            seconds, tokens, examples, base, peak = (float(value) for value in output.split()[-5:])
            size = file.stat().st_size / 1e6
        cells = (size, tokens, examples, seconds, tokens / seconds, base / 1e6, peak / 1e6)
        table.add_row(f"{times} ×", *(f"{cell:,.0f}" for cell in cells))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
