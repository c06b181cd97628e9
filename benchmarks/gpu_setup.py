"""What the files of gpu.py share: results, settings, and the bundled sample as files."""

import contextlib
import json
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import BertConfig

from bert_finetune_kit import train_wordpiece
from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews

VOCABULARY_SIZE = 30_522  # that of BERT


class Interrupted(Exception):
    """Raised by a callback to end a training."""


@dataclass
class Checks:
    """Results by name, printed as they come."""

    results: list[tuple[str, str]] = field(default_factory=list)

    def record(self, name: str, value: str) -> None:
        self.results.append((name, value))
        print(f"{name}: {value}", flush=True)

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Record PASS, or FAIL where an exception is raised inside."""
        started = time.perf_counter()
        try:
            yield
            self.record(name, f"PASS ({time.perf_counter() - started:.1f} s)")
        except Exception as error:
            traceback.print_exc()
            self.record(name, f"FAIL {type(error).__name__}: {str(error)[:200]}")

    @property
    def failed(self) -> bool:
        return any(value.startswith("FAIL") for _, value in self.results)


@dataclass(frozen=True)
class Setup:
    """What all checks share."""

    checks: Checks
    device: str
    config: BertConfig
    data: Path
    work: Path
    deadline: float
    tables: Path | None = None
    """Folder for what traced steps took, by operation and kernel."""

    def move(self, tensor: torch.Tensor) -> torch.Tensor:
        """Return a tensor on the device."""
        return tensor.to(self.device)

    @property
    def is_over(self) -> bool:
        """Whether the time is over."""
        return time.perf_counter() > self.deadline

    @property
    def on_cpu(self) -> bool:
        return self.device == "cpu"

    def write_table(self, name: str, table: Callable[[], str]) -> None:
        """Write a table of a traced training on a GPU, where they are asked for."""
        if self.tables is not None and not self.on_cpu:
            self.tables.mkdir(parents=True, exist_ok=True)
            (self.tables / f"{name}.txt").write_text(table(), "utf-8")

    def trainer_settings(self, **settings: Any) -> dict[str, Any]:
        """Settings of a Trainer on the device that evaluates and logs nothing."""
        device = {"use_cpu": True} if self.on_cpu else {}
        return {"eval_strategy": "no", "save_strategy": "no", "report_to": []} | device | settings


def write_sample(folder: Path) -> None:
    """Write the bundled sample as files, and a vocabulary trained on its documents, filled up to the size of BERT's."""
    documents = sample_documents("train")
    vocabulary = train_wordpiece((sentence for document in documents for sentence in document), 2000).get_vocab()
    words = sorted(vocabulary, key=vocabulary.__getitem__)
    words += [f"[unused{number}]" for number in range(VOCABULARY_SIZE - len(words))]
    Path(folder, "vocab.txt").write_text("".join(f"{word}\n" for word in words), "utf-8")
    Path(folder, "text.txt").write_text("\n\n".join("\n".join(document) for document in documents), "utf-8")
    reviews = sample_reviews("train")
    labels = [int(review["label"] == "positive") for review in reviews]
    rows = {"sentence": [review["text"] for review in reviews], "label": labels}
    Dataset.from_dict(rows).to_parquet(str(folder / "sst2.parquet"))
    articles = []
    for question in sample_questions("train"):
        answers = question["answers"]
        pairs = [{"text": text, "answer_start": at} for text, at in zip(*answers.values(), strict=True)]
        qa = {"id": question["id"], "question": question["question"], "answers": pairs, "is_impossible": not pairs}
        articles.append({"title": question["title"], "paragraphs": [{"context": question["context"], "qas": [qa]}]})
    Path(folder, "squad.json").write_text(json.dumps({"version": "v2.0", "data": articles}), "utf-8")
