"""Tables and summary sentences that the slices build."""

import math

from bert_finetune_kit.reporting.known_scores import KNOWN_SCORES, known_score
from bert_finetune_kit.reporting.schema import Score
from bert_finetune_kit.reporting.summary import baseline_sentence, score_sentence, training_sentence
from bert_finetune_kit.reporting.tables import (
    confused_table,
    confusion_table,
    describe_scores,
    errors_table,
    group_table,
    result_table,
)

EXACT, F1, TOTAL = (known_score("question_answering", key) for key in ("exact", "f1", "total"))
ACCURACY = known_score("classification", "accuracy")


def test_a_result_table_has_a_column_for_each_baseline():
    perplexity, loss = (known_score("pretraining", key) for key in ("perplexity", "mlm_loss"))
    table = result_table(
        [perplexity, loss, ACCURACY],
        {"perplexity": 9.84, "mlm_loss": 2.2865},
        {"perplexity": (9.1, 10.6)},
        {"uniform": {"perplexity": 1607.0}, "unigram": {"perplexity": 167.4, "mlm_loss": 5.1203}},
        title="Result",
        note="Intervals by bootstrap.",
    )
    assert table.header == ["score", "value", "95% interval", "uniform baseline", "unigram baseline"]
    assert table.rows == [
        ["perplexity", "9.8", "9.1 to 10.6", "1,607.0", "167.4"],
        ["MLM loss", "2.2865", "", "", "5.1203"],
    ]
    assert table.note == "Intervals by bootstrap."


def test_published_values_have_a_column_where_there_are_any():
    given = ([ACCURACY], {"accuracy": 0.91}, {}, {"majority": {"accuracy": 0.509}})
    table = result_table(*given, {"accuracy": 0.935, "matthews": 0.6}, title="Result on validation")
    assert table.header[-1] == "published"
    assert table.rows == [["accuracy", "91.0%", "", "50.9%", "93.5%"]]
    assert "published" not in result_table(*given, {"matthews": 0.6}).header


def test_question_answering_has_further_columns_and_a_count():
    values, official = {"exact": 70.126, "f1": 75.0, "total": 1234}, {"exact": 71.0, "f1": 76.0, "total": 2468}
    baselines = {"always_abstain": {"exact": 50.0, "f1": 50.0}}
    table = result_table(
        [EXACT, F1, TOTAL], values, {"f1": (73.2, 76.8)}, baselines, {"f1": 80.0}, further={"all questions": official}
    )
    assert table.header == ["score", "value", "95% interval", "always-abstain baseline", "all questions", "published"]
    assert table.rows[1] == ["F1", "75.00", "73.20 to 76.80", "50.00", "76.00", "80.00"]
    assert table.rows[2] == ["questions", "1,234", "", "", "2,468", ""]


def test_tables_by_group_and_of_a_confusion():
    columns = {"questions": ("questions", ",.0f"), "f1": ("F1", ".1f")}
    table = group_table(
        {"who": {"questions": 1200, "f1": 81.25}, "none": {"questions": 3, "f1": 0.0}}, columns,
        group_label="question word", title="By question word",
    )  # fmt: skip
    assert table.header == ["question word", "questions", "F1"]
    assert table.rows == [["who", "1,200", "81.2"], ["none", "3", "0.0"]]
    confusion = confusion_table(["bad", "good"], [[1000, 2], [3, 4]], title="Confusion")
    assert confusion.header == ["", "predicted bad", "predicted good"]
    assert confusion.rows == [["true bad", "1,000", "2"], ["true good", "3", "4"]]


def test_of_many_labels_the_most_frequent_confusions_are_listed():
    labels = [f"l{number}" for number in range(25)]
    counts = [[10 * (row == column) + (row if column == 0 else 0) for column in range(25)] for row in range(25)]
    table = confused_table(labels, counts, title="Confused", most=3)
    assert table.rows == [
        ["l24", "l0", "24", "70.6%"],
        ["l23", "l0", "23", "69.7%"],
        ["l22", "l0", "22", "68.8%"],
    ]
    nothing = [[5 * (row == column) for column in range(25)] for row in range(25)]
    assert confused_table(labels, nothing, title="Confused").rows == []


def test_errors_are_excerpts_around_what_was_predicted():
    error = {
        "kind": "wrong answer", "question": "Who?", "answers": ["Ada", "Ada L."], "prediction": "", "probability": 0.9,
        "context": "filler " * 50 + "Ada wrote it. " + "filler " * 50,
    }  # fmt: skip
    names = ("kind", "question", "answers", "prediction", "probability", "context")
    table = errors_table(
        [error], {name: name for name in names}, title="Worst errors", around=("prediction", "answers"), length=60
    )
    kind, question, answers, prediction, probability, context = table.rows[0]
    assert (kind, question, answers, prediction, probability) == (
        "wrong answer",
        "Who?",
        "Ada / Ada L.",
        "(none)",
        "0.900",
    )
    assert "Ada wrote it." in context
    assert len(context) <= 64
    assert context.startswith("… filler ")


def test_descriptions_are_a_list():
    assert describe_scores([Score("a", "A", ".1f", "first letter")]) == "- **A**: first letter."


def test_summary_sentences():
    assert training_sentence("pretrained", "a BERT of 1,234 parameters", "my_texts", 10) == (
        "A BERT of 1,234 parameters was pretrained on my_texts for 10 steps."
    )
    nsp = known_score("pretraining", "pair_accuracy")
    assert score_sentence(nsp, 0.767, chance=0.5, label="NSP accuracy") == "NSP accuracy 76.7% (chance: 50.0%)."
    sentence = score_sentence(F1, 75.0, (73.2, 76.8), scored_on="1,234 questions", chance=50.0)
    assert sentence == "F1 75.00 (95% interval 73.20 to 76.80; chance: 50.00) on 1,234 questions."
    assert baseline_sentence(ACCURACY, {"majority": 0.509}) == "Majority-class baseline: 50.9%."
    assert baseline_sentence(F1, {"always_abstain": 50.07}) == "Always-abstain baseline: 50.07."


def test_known_scores_are_complete_and_consistent():
    for recipe, scores in KNOWN_SCORES.items():
        for key, score in scores.items():
            assert score.key == key
            assert score.label
            assert score.description
            assert not score.description.endswith("."), (recipe, key)
            format(1, score.format_spec)
    shares = {key for key, score in KNOWN_SCORES["classification"].items() if score.is_share}
    assert {"accuracy", "precision", "recall", "f1", "f1_macro", "calibration_error"} <= shares
    assert "matthews" not in shares  # from -1


def test_an_undefined_score_is_a_dash_in_tables_and_is_named_in_sentences():
    pearson = known_score("classification", "pearson")
    for value in (math.nan, "nan"):
        table = result_table([pearson], {"pearson": value}, {}, {"mean": {"pearson": value}})
        assert table.rows == [["Pearson", "–", "", "–"]]
    assert score_sentence(pearson, math.nan, scored_on="3 examples") == "Pearson is undefined on 3 examples."


def test_a_score_that_is_not_declared_has_no_direction():
    assert known_score("classification", "rmse").lower_is_better is None
    assert known_score("question_answering", "threshold").lower_is_better is None
    assert known_score("pretraining", "perplexity").lower_is_better is True
