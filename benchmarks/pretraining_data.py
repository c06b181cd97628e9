"""Statistics of the kit's pretraining examples and of those of the BERT paper's procedure, on the same text.

    python benchmarks/pretraining_data.py --train my_text.txt --tokenizer vocab.txt

The paper's side follows `create_instances_from_document` of google-research/bert as it is documented: chunks are
filled sentence by sentence, the sentences that a random B leaves unused are given back, and another document is tried
for up to ten times.
"""

import argparse
import random
import time

import numpy as np
from rich.console import Console
from rich.table import Table

from bert_finetune_kit import DataCollatorForPreTraining, PretrainConfig, TextSource
from bert_finetune_kit.data.corpus import load_corpus
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.data.vocabulary import load_tokenizer
from bert_finetune_kit.pretraining.corpus import TokenizedCorpus, tokenize_corpus
from bert_finetune_kit.pretraining.examples import PretrainingExamples, truncate_pair

Row = tuple[int, int, int, bool]  # tokens of A, tokens of B, label, whether the target was a short one


def paper(corpus: TokenizedCorpus, max_tokens: int, short_probability: float, seed: int) -> list[Row]:
    """Return one row for each example that the paper's procedure makes in one pass."""
    rng, numpy_rng = random.Random(seed), np.random.default_rng(seed)
    documents = [
        np.diff(np.append(corpus.sentence_starts(number), corpus.lengths[number])).tolist()
        for number in range(len(corpus))
    ]
    rows: list[Row] = []
    for number, document in enumerate(documents):
        short = rng.random() < short_probability
        target = rng.randint(2, max_tokens) if short else max_tokens
        chunk: list[int] = []
        place = 0
        while place < len(document):
            chunk.append(document[place])
            if place == len(document) - 1 or sum(chunk) >= target:
                cut = rng.randint(1, len(chunk) - 1) if len(chunk) > 1 else 1
                length_a = sum(chunk[:cut])
                is_random = len(chunk) == 1 or rng.random() < 0.5
                if is_random:
                    other = next((o for o in (rng.randrange(len(documents)) for _ in range(10)) if o != number), number)
                    length_b = 0
                    for sentence in documents[other][rng.randrange(len(documents[other])) :]:
                        length_b += sentence
                        if length_b >= target - length_a:
                            break
                    place -= len(chunk) - cut
                else:
                    length_b = sum(chunk[cut:])
                pair = truncate_pair(np.empty(length_a), np.empty(length_b), 0, max_tokens, numpy_rng)
                rows.append((len(pair.segment_a), len(pair.segment_b), int(is_random), short))
                chunk = []
                short = rng.random() < short_probability
                target = rng.randint(2, max_tokens) if short else max_tokens
            place += 1
    return rows


def kit(examples: PretrainingExamples) -> list[Row]:
    """Return one row for each example of the kit's epoch 0."""
    pairs = [examples.pair(0, index) for index in range(len(examples))]
    return [(len(pair.segment_a), len(pair.segment_b), pair.label, False) for pair in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", help="text; none means the bundled sample")
    parser.add_argument("--tokenizer", required=True, help="vocab.txt or folder")
    parser.add_argument("--length", type=int, default=128)
    options = parser.parse_args()
    tokenizer = load_tokenizer(options.tokenizer)
    corpus = tokenize_corpus(load_corpus(TextSource(options.train)).train, tokenizer)
    corpus = corpus.subset(np.flatnonzero(corpus.lengths >= 2))
    config = PretrainConfig(max_length=options.length)
    single, pair = sequence_formats(tokenizer, takes_types=True)
    examples = PretrainingExamples(corpus, config, single if config.objective == "none" else pair)
    sides = {
        "paper's procedure": paper(corpus, examples.max_tokens, config.short_sequence_probability, 0),
        "the kit": kit(examples),
    }
    table = Table(
        title=f"{len(corpus):,} documents, {int(corpus.lengths.sum()):,} tokens, {options.length} tokens long"
    )
    table.add_column("")
    measures = {
        "examples": lambda lengths, labels: f"{len(labels):,}",
        "tokens of text": lambda lengths, labels: f"{lengths.sum():,}",
        "random next": lambda lengths, labels: f"{labels.mean():.1%}",
        "mean length": lambda lengths, labels: f"{lengths.sum(1).mean():.1f}",
        "mean length, is next": lambda lengths, labels: f"{lengths.sum(1)[labels == 0].mean():.1f}",
        "mean length, random next": lambda lengths, labels: f"{lengths.sum(1)[labels == 1].mean():.1f}",
        "as long as max_length allows": lambda lengths, labels: f"{(lengths.sum(1) == examples.max_tokens).mean():.1%}",
        "below half of max_length": lambda lengths, labels: f"{(lengths.sum(1) < examples.max_tokens / 2).mean():.1%}",
        "mean length of A": lambda lengths, labels: f"{lengths[:, 0].mean():.1f}",
        "label by length alone": lambda lengths, labels: f"{best_threshold(lengths.sum(1), labels):.1%}",
    }
    columns = [(np.array([row[:2] for row in rows]), np.array([row[2] for row in rows])) for rows in sides.values()]
    for name in sides:
        table.add_column(name, justify="right")
    for name, measure in measures.items():
        table.add_row(name, *(measure(lengths, labels) for lengths, labels in columns))
    Console(width=100).print(table)
    for whole_words in (False, True):
        rate = batches_a_second(examples, DataCollatorForPreTraining(tokenizer, whole_word_masking=whole_words))
        print(f"{'whole words' if whole_words else 'word pieces'}: {rate:,.0f} examples a second, by one process")


def batches_a_second(examples: PretrainingExamples, collator: DataCollatorForPreTraining, size: int = 32) -> float:
    """Return how many examples a second one process makes and puts into batches; the best of three rounds."""
    rates = []
    for epoch in range(3):
        count, began = min(len(examples), 4096) // size * size, time.perf_counter()
        for start in range(0, count, size):
            collator([examples[epoch, index, True] for index in range(start, start + size)])
        rates.append(count / (time.perf_counter() - began))
    return max(rates)


def best_threshold(lengths: np.ndarray, labels: np.ndarray) -> float:
    """Return the accuracy of the best rule "random if shorter than t", where chance is 50%."""
    weights = np.where(labels == 1, 0.5 / (labels == 1).sum(), 0.5 / (labels == 0).sum())
    shorter = [weights[(lengths < t) & (labels == 1)].sum() for t in range(1, lengths.max() + 2)]
    longer = [weights[(lengths >= t) & (labels == 0)].sum() for t in range(1, lengths.max() + 2)]
    return max(below + above for below, above in zip(shorter, longer, strict=True))


if __name__ == "__main__":
    main()
