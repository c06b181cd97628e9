"""Rules on a pretraining, at their limits and beside them."""

import math

import pytest
from synthetic_reports import empty_report

from bert_finetune_kit.reporting.diagnosis import pretraining


def above(*perplexities, uniform=1_000.0):
    rows = [{"perplexity": value} for value in perplexities]
    return pretraining.perplexity_above_uniform(
        empty_report("pretraining", scores=rows, result=rows[-1], baselines={"uniform": {"perplexity": uniform}})
    )


def test_a_perplexity_above_the_vocabulary():
    assert above(1_000.0) is None
    found = above(1_001.0)
    assert found.evidence == (
        "Perplexity 1,001 (6.91 nats a word); uniform baseline over the 1,000 word pieces: 1,000 (6.91 nats)."
    )
    assert found.numbers == {"perplexity": 1_001.0, "vocab_size": 1_000.0, "by_epoch": [1_001.0]}
    assert above(3_000.0, 2_000.0).evidence.endswith(
        "(6.91 nats). All 2 evaluations are above it, 3,000 to 2,000: the decrease is no evidence of learning."
    )
    assert above(2_000.0, 2_000.0).evidence.endswith("2,000 to 2,000: it does not decrease either.")
    assert above(2_000.0, 3_000.0).evidence.endswith("2,000 to 3,000: it does not decrease either.")
    assert above(1_000.0, 3_000.0).evidence.endswith("nats).")
    assert above(2_000.0, 3_000.0, uniform=math.nan) is None  # no size of the vocabulary is known


def unigram(perplexity, examples=20, **parts):
    given = empty_report(
        "pretraining", result={"perplexity": perplexity},
        **{"baselines": {"unigram": {"perplexity": 100.0}, "uniform": {"perplexity": 150.0}}, **parts},
        data={"validation": {"examples_per_epoch": examples}},
    )  # fmt: skip
    return pretraining.stuck_at_unigram(given)


def test_a_model_that_uses_the_context_beats_word_frequencies_by_a_twentieth_of_a_nat():
    limit = 100 * math.exp(-0.05)
    assert unigram(limit - 0.001) is None
    found = unigram(limit + 0.001)
    assert found.evidence == "Perplexity 95.1; unigram baseline: 100.0."
    assert found.numbers == {"perplexity": limit + 0.001, "unigram": 100.0}
    assert unigram(150.0) is not None
    assert unigram(150.1) is None  # above the uniform baseline, which says more
    assert unigram(99.0, 19) is None
    assert unigram(99.0, baselines={}) is None
    assert unigram(99.0, baselines={}, evidence={"unigram_perplexity": 100.0}) is not None


def pairs(rule, correct, count, objective="nsp", examples=None):
    given = empty_report(
        "pretraining", result={"pair_accuracy": correct / count}, settings={"recipe": {"objective": objective}},
        data={"validation": {"examples_per_epoch": examples}} if examples else {},
        evidence={} if examples else {"pairs": count},
    )  # fmt: skip
    return rule(given)


def test_pairs_at_chance():
    """Wilson's interval of 60 of 100 begins at 50.2%, of 59 at 49.2% (its closed form)."""
    assert pairs(pretraining.nsp_at_chance, 60, 100) is None
    found = pairs(pretraining.nsp_at_chance, 59, 100)
    assert found.evidence == "Pair accuracy 59.0% on 100 pairs, 95% interval 49.2% to 68.1%; chance: 50%."
    assert found.numbers["interval"] == pytest.approx([0.4920, 0.6813], abs=1e-4)
    assert (found.numbers["pairs"], found.numbers["pair_accuracy"]) == (100, 0.59)
    assert pairs(pretraining.nsp_at_chance, 10, 20) is not None
    assert pairs(pretraining.nsp_at_chance, 10, 19) is None
    assert pairs(pretraining.nsp_at_chance, 590, 1_000, examples=100).numbers["pairs"] == 100
    assert "or use 'sop'" in found.advice[-1]
    assert "'sop'" not in pairs(pretraining.nsp_at_chance, 59, 100, "sop").advice[-1]


def test_pairs_that_are_too_easy():
    assert pairs(pretraining.nsp_too_easy, 988, 1_000) is None
    found = pairs(pretraining.nsp_too_easy, 989, 1_000)
    assert found.evidence == (
        "Pair accuracy 98.9% on 1,000 pairs, at least 98.0% with 95% confidence; BERT reached 97% to 98% on its own "
        "text."
    )
    assert found.numbers == {"pair_accuracy": 0.989, "pairs": 1_000, "low": pytest.approx(0.98041, abs=1e-4)}
    assert "sop" in found.advice[0]
    assert len(pairs(pretraining.nsp_too_easy, 989, 1_000, "sop").advice) == 1


def documents(count, tokens=9_500, objective="nsp"):
    return pretraining.few_documents(
        empty_report(
            "pretraining",
            data={"train": {"documents": count, "tokens": tokens}},
            settings={"recipe": {"objective": objective}},
        )
    )


def test_few_documents():
    assert documents(20) is None
    assert documents(19, objective="sop") is None
    found = documents(19)
    assert found.evidence == (
        "The training split has 19 documents of 500 tokens on average: a random segment comes from one of only 18 "
        "other documents."
    )
    assert found.numbers == {"documents": 19, "tokens": 9_500}
    assert documents(2, None).evidence.startswith("The training split has 2 documents of 0 tokens on average")
    assert documents(2, 20_000).evidence.endswith("10,000 tokens on average: a random segment comes from the only "
                                                  "other document.")  # fmt: skip
    assert documents(3, 30_000).evidence.endswith("a random segment comes from one of only 2 other documents.")
    assert documents(1, 30_000).evidence == (
        "The training split has 1 document of 30,000 tokens on average: there is no other document that a random "
        "segment could come from."
    )


def test_new_heads():
    def found(modules, from_checkpoint=True):
        evidence = {"newly_initialized": modules, "from_checkpoint": from_checkpoint}
        return pretraining.heads_new(empty_report("pretraining", evidence=evidence))

    assert found(["cls.predictions", "bert.pooler", "encoder.layer.0"]).evidence == (
        "Newly initialized, since the checkpoint does not have them: cls.predictions, bert.pooler."
    )
    assert found(["encoder.layer.0"]) is None
    assert found(["cls.predictions"], False) is None
    assert found(None) is None
