"""What is said of a model that is known: one that never abstains, one that always does, one that knows."""

import json

import numpy as np
import pytest
from datasets import Dataset

from bert_finetune_kit.question_answering.breakdown import excerpt, groups, scores_by_group, worst_errors
from bert_finetune_kit.question_answering.decoding import Told
from bert_finetune_kit.question_answering.judging import epoch_scores, judge
from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores
from bert_finetune_kit.question_answering.postprocess import QuestionSpans
from bert_finetune_kit.question_answering.prediction_files import write_predictions
from bert_finetune_kit.question_answering.summary import details_of, summarize, tables_of

COUNT = 400
CONTEXT = "The mill of Ghent opens at six ."
TITLES = [f"article {number // 10}" for number in range(COUNT)]
ANSWERABLE = np.random.default_rng(3).random(COUNT) < 0.6


def rows_of(answerable=ANSWERABLE):
    return Dataset.from_list(
        [
            {
                "id": str(number), "title": title, "context": CONTEXT,
                "question": "When does it open ?" if one else "Who is the miller ?",
                "answers": {"text": ["six", "at six"] if one else [], "answer_start": [27, 24] if one else []},
            }
            for number, (title, one) in enumerate(zip(TITLES, answerable, strict=True))
        ]
    )  # fmt: skip


def told_of(null, starts=27, ends=30, contexts=None):
    """A model that gives one span of score 0 and one of -1, and `null` to no answer."""
    columns = np.zeros((COUNT, 2), int)
    begin, end = columns + np.array([starts, 4]), columns + np.array([ends, 8])
    spans = QuestionSpans(np.tile([0.0, -1.0], (COUNT, 1)), columns, columns, np.asarray(null, float))
    return Told(contexts or [CONTEXT] * COUNT, spans, begin, end)


def judged(told, answerable=ANSWERABLE):
    return judge(told, [answers["text"] for answers in rows_of(answerable)["answers"]], TITLES)


def test_one_who_knows_when_not_to_answer():
    told = told_of(np.where(ANSWERABLE, -3, 3))
    judgement = judged(told)
    assert judgement.scores["f1"] == judgement.scores["NoAns_f1"] == 100
    assert 0.05 < judgement.threshold < 0.95
    assert judgement.abstains.tolist() == (~ANSWERABLE).tolist()
    assert 190 <= judgement.scores["total"] <= 210
    sides = [{title for title, one in zip(TITLES, judgement.scored == side, strict=True) if one} for side in (0, 1)]
    assert not sides[0] & sides[1]
    assert judgement.intervals()["exact"][0] < 100


def test_a_score_is_of_the_half_that_the_threshold_was_not_fitted_on():
    """Noise fits itself on one half; the report must not believe it."""
    rng = np.random.default_rng(0)
    told = told_of(rng.normal(size=COUNT), starts=4, ends=8)  # wrong, whatever the question
    judgement = judged(told)
    share = 100 * (~ANSWERABLE[judgement.scored]).mean()
    assert judgement.always_abstaining == pytest.approx(share)
    assert judgement.scores["f1"] <= share
    assert epoch_scores(judgement)["fit_f1"] == pytest.approx(100 * (~ANSWERABLE[~judgement.scored]).mean(), abs=3)
    manual = squad_scores(
        judgement.answers.take(judgement.scored), judgement.no_answer[judgement.scored], judgement.threshold
    )
    assert {name: manual[name] for name in judgement.scores} == judgement.scores


def test_a_model_that_never_abstains_does_not_pass_unnoticed():
    """The seed's: every question is answered, at a score below that of answering none."""
    told = told_of(np.full(COUNT, -20.0), starts=4, ends=8)
    judgement = judged(told)
    plain = squad_scores(judgement.answers, np.zeros(COUNT))
    assert plain["f1"] == 0  # as it would be without a threshold
    assert plain["best_f1"] == pytest.approx(100 * (~ANSWERABLE).mean())  # "best": the share without an answer
    assert judgement.scores["NoAns_f1"] == pytest.approx(100, abs=1)
    assert judgement.scores["f1"] == pytest.approx(judgement.always_abstaining, abs=1)
    details = details_of(told, judgement, rows_of())
    text = " ".join(summarize("toy", {"questions": 1, "windows": 1}, 10, 1, details))
    assert f"never answering would score {judgement.always_abstaining:.1f}" in text


def test_best_figures_are_not_scores():
    """They are upper bounds: in the details of the official script and in a table that says so, nowhere else."""
    told = told_of(np.where(ANSWERABLE, -1, 1) + np.random.default_rng(0).normal(size=COUNT))
    judgement = judged(told)
    details = details_of(told, judgement, rows_of())
    assert not any(name.startswith("best") for name in details["scores"])
    assert {"best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"} < set(details["official"])
    named = [table for table in tables_of(details) if any("best" in cell for row in table.rows for cell in row)]
    assert [table.title for table in named] == ["Oracle"]
    assert "Upper bounds, not scores" in named[0].note


def test_overlap_is_of_answers_alone():
    """The seed's BLEU of 0.00055 was that of an answer against whole contexts: their lengths tell."""
    told = told_of(np.where(ANSWERABLE, -3, 3))
    overlap = details_of(told, judged(told), rows_of())["overlap"]
    assert overlap["rouge1"] == 100
    assert overlap["bleu_1"] == 100
    assert overlap["bleu_length_ratio"] == pytest.approx(1)
    everything = told_of(np.where(ANSWERABLE, -3, 3), starts=0, ends=len(CONTEXT))
    overlap = details_of(everything, judged(everything), rows_of())["overlap"]
    assert overlap["bleu_length_ratio"] > 3


def test_all_questions_with_answers_are_as_in_squad_1_1():
    everything = np.ones(COUNT, bool)
    judgement = judged(told_of(np.full(COUNT, 9.0)), everything)
    assert judgement.threshold == 1
    assert not judgement.abstains.any()
    assert judgement.scores == {"exact": 100, "f1": 100, "total": COUNT}
    assert set(epoch_scores(judgement)) == {"exact", "f1"}
    details = details_of(told_of(np.full(COUNT, 9.0)), judgement, rows_of(everything))
    assert [table.title for table in tables_of(details)][:2] == ["Result", "Overlap with the answers"]


def test_no_question_that_counts_has_an_answer():
    """Everything is reported but the overlap, which has nothing to compare with."""
    nothing = np.zeros(COUNT, bool)
    told = told_of(np.full(COUNT, 3.0))
    judgement = judged(told, nothing)
    details = details_of(told, judgement, rows_of(nothing))
    assert judgement.scores == {"exact": 100, "f1": 100, "total": COUNT}
    assert details["overlap"] == {}
    assert tables_of(details)


def test_scores_by_kind_of_question():
    told = told_of(np.where(ANSWERABLE, -3, 3))
    rows = rows_of()
    kinds = groups(rows["question"][:], rows["context"][:], [answers["text"] for answers in rows["answers"]])
    found = scores_by_group(judged(told), kinds["question word"])
    assert {name: one["questions"] for name, one in found.items()} == {
        "when": int(ANSWERABLE.sum()), "who": int((~ANSWERABLE).sum())
    }  # fmt: skip
    assert (found["when"]["answered"], found["who"]["answered"]) == (100, 0)
    assert set(kinds["words of the answer"]) == {"1", "no answer"}
    assert set(kinds["words of the context"]) == {"1 to 100"}


def test_worst_errors_are_the_surest():
    null = np.random.default_rng(0).normal(size=COUNT)
    told = told_of(null, starts=4, ends=8)
    judgement = judged(told)
    errors = worst_errors(judgement, told, rows_of(), each=3)
    assert {one["kind"] for one in errors} <= {
        "answered what has no answer", "another answer", "no answer to what has one"
    }  # fmt: skip
    silent = [one for one in errors if one["kind"] == "no answer to what has one"]
    assert len(silent) == 3
    expected = null[judgement.abstains & ANSWERABLE].max()
    assert silent[0]["id"] == str(int(np.flatnonzero(null == expected)[0]))
    assert excerpt(CONTEXT, ["six"]) == CONTEXT


def test_files_are_those_of_the_official_script(tmp_path):
    """Its figures from the files alone are those of the report."""
    told = told_of(np.where(ANSWERABLE, -1, 1) + np.random.default_rng(0).normal(size=COUNT))
    judgement, rows = judged(told), rows_of()
    write_predictions(told, judgement, rows["id"][:], tmp_path)
    read = {file.stem: json.loads(file.read_text("utf-8")) for file in (tmp_path / "predictions").iterdir()}
    said = [read["predictions"][one] for one in rows["id"]]
    assert [not text for text in said] == judgement.abstains.tolist()
    assert [read["best_spans"][one] for one in rows["id"]] == ["six"] * COUNT
    assert [read["na_prob"][one] for one in rows["id"]] == pytest.approx(judgement.no_answer.tolist())
    golds = [answers["text"] for answers in rows["answers"]]
    scored = score_answers([read["best_spans"][one] for one in rows["id"]], golds)
    share = np.array([read["na_prob"][one] for one in rows["id"]])
    assert squad_scores(scored, share, judgement.threshold) == judgement.official
    plain = squad_scores(score_answers(said, golds))
    assert plain == {name: judgement.official[name] for name in plain}
    best = read["nbest_predictions"]["0"]
    assert [one["text"] for one in best if one["text"]] == ["six", "mill"]
    assert sum(one["probability"] for one in best) == pytest.approx(1, abs=1e-5)
