"""Questions divided into folds of whole articles, and the scores of all answers together."""

import numpy as np
import pytest

from bert_finetune_kit import DataError, QuestionSource
from bert_finetune_kit.data.questions import load_questions, load_splits
from bert_finetune_kit.question_answering.folds import fold_data, pool
from bert_finetune_kit.question_answering.metrics import score_answers, squad_scores


def questions(articles=12, per_article=5, titled=True, unanswerable=True):
    rows = []
    for number in range(articles * per_article):
        article, abstains = number // per_article, unanswerable and number % 2
        context = f"In article {article} the mill is open."
        answers = (
            {"text": [], "answer_start": []} if abstains else {"text": ["mill"], "answer_start": [context.find("mill")]}
        )
        rows.append(
            {"id": str(number), "title": f"Article {article}" if titled else "", "context": context,
             "question": f"What is {number}?", "answers": answers}
        )  # fmt: skip
    return rows


def divide(rows, folds, **settings):
    source = QuestionSource(train=rows, **settings)
    return fold_data(load_splits(source), source, folds)


@pytest.mark.parametrize("titled", [True, False])
def test_articles_are_whole_and_every_question_is_scored_once(titled):
    data = divide(questions(titled=titled), 3)
    assert sorted(np.concatenate([fold.numbers for fold in data.folds]).tolist()) == list(range(60))
    for number, fold in enumerate(data.folds):
        loaded = load_questions(fold.source)
        trained = {*loaded.train["context"][:], *loaded.validation["context"][:]}
        assert loaded.held_out
        assert loaded.name == f"a data set in memory, fold {number + 1} of 3"
        assert not trained & set(fold.rows["test"]["context"][:])
        assert fold.rows["test"]["id"][:] == [str(row) for row in fold.numbers]
        assert len(fold.numbers) == 20
        assert sum(fold.rows["test"]["is_impossible"][:]) == pytest.approx(10, abs=2)
    assert data.cluster == ("article" if titled else "context")
    assert len(set(data.clusters.tolist())) == 12
    assert data.unit == "question"


def test_the_validation_split_is_no_fold():
    data = divide(questions(), 3, validation=questions(2), max_train_examples=30, max_validation_examples=7)
    loaded = load_questions(data.folds[0].source)
    assert (len(loaded.train), len(loaded.validation), loaded.held_out) == (20, 7, False)
    assert sum(len(fold.numbers) for fold in data.folds) == 30
    assert data.has_validation


def test_too_few_articles_or_answers_are_refused():
    with pytest.raises(DataError, match="5 folds need at least as many articles, and the train split has 4"):
        divide(questions(4), 5)
    rows = questions(4, unanswerable=False)
    for row in rows[5:]:
        row["answers"] = {"text": [], "answer_start": []}
    with pytest.raises(DataError, match=r"No question that fold [12] would train on has an answer"):
        divide(rows, 2)


def test_pooled_scores_are_those_of_the_official_script():
    references = [["the mill"], [], ["a bird"], [], ["two cats"], ["the old town hall"]]
    predictions = ["mill", "", "bird", "a dog", "cats", "town hall of Ghent"]
    scored = score_answers(predictions, references)
    rows = [
        {"reference": reference, "exact": float(exact), "f1": float(f1)}
        for reference, exact, f1 in zip(references, scored.exact, scored.f1, strict=True)
    ]
    expected = squad_scores(scored)
    scores, bounds = pool(rows, None)
    assert scores == pytest.approx({key: expected[key] for key in scores})
    assert set(scores) == {"exact", "f1", "HasAns_exact", "HasAns_f1", "NoAns_exact", "NoAns_f1"}
    assert all(low <= scores[key] <= high for key, (low, high) in bounds.items())
    answerable = [row for row in rows if row["reference"]]
    assert set(pool(answerable, None)[0]) == {"exact", "f1"}


def test_questions_on_an_article_are_drawn_together():
    rng = np.random.default_rng(0)
    rows = [{"reference": ["x"], "exact": float(value > 0.5), "f1": float(value)} for value in rng.random(40)]
    tripled, clusters = [row for row in rows for _ in range(3)], np.repeat(np.arange(40), 3)
    (scores, bounds), single = pool(tripled, clusters), pool(rows, np.arange(40))
    assert scores == pytest.approx(single[0])
    assert bounds["f1"] == pytest.approx(single[1]["f1"])
    assert np.diff(bounds["f1"]) > 1.4 * np.diff(pool(tripled, None)[1]["f1"])
