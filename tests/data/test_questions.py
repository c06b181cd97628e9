import csv
import gzip
import json

import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from bert_finetune_kit import DataError, QuestionSource
from bert_finetune_kit.data.questions import load_questions

CONTEXT = "The mill of Ghent opens at six ."
FLAT = [
    {"id": "1", "context": CONTEXT, "question": "When ?", "answers": {"text": ["six"], "answer_start": [27]}},
    {"id": "2", "context": CONTEXT, "question": "Who ?", "answers": {"text": [], "answer_start": []}},
]


def nested(ids=("1", "2"), version="v2.0"):
    qas = [
        {"id": ids[0], "question": "When ?", "answers": [{"text": "six", "answer_start": 27}]},
        {"id": ids[1], "question": "Who ?", "answers": [], "is_impossible": True, "plausible_answers": [
            {"text": "mill", "answer_start": 4}]},
    ]  # fmt: skip
    if version == "1.1":
        qas = qas[:1]
    return {"version": version, "data": [{"title": "Ghent", "paragraphs": [{"context": CONTEXT, "qas": qas}]}]}


def write(path, content):
    path.write_text(json.dumps(content), "utf-8")
    return str(path)


def test_the_bundled_sample():
    questions = load_questions(QuestionSource())
    assert (len(questions.train), len(questions.validation)) == (1500, 300)
    assert questions.train.column_names == ["id", "title", "context", "question", "answers"]


def test_the_official_format_of_both_versions(tmp_path):
    files = [write(tmp_path / "a.json", nested()), write(tmp_path / "b.json", nested(("3", "4"), "1.1"))]
    questions = load_questions(QuestionSource(files, validation=files[0]))
    assert questions.train["id"][:] == ["1", "2", "3"]
    assert questions.train["title"][:] == ["Ghent"] * 3
    assert [answers["text"] for answers in questions.train["answers"]] == [["six"], [], ["six"]]
    assert len(questions.validation) == 2


def test_flat_files_and_memory(tmp_path):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in FLAT), "utf-8")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(nested()).encode()))
    Dataset.from_list(FLAT).to_parquet(tmp_path / "c.parquet")
    given = [
        str(tmp_path / "a.jsonl"),
        str(tmp_path / "b.json.gz"),
        str(tmp_path / "c.parquet"),
        Dataset.from_list(FLAT),
    ]
    loaded = [load_questions(QuestionSource(file, validation=given[0])).train for file in given]
    assert all(questions["question"][:] == ["When ?", "Who ?"] for questions in loaded)
    assert all(questions["answers"][0] == {"text": ["six"], "answer_start": [27]} for questions in loaded)
    both = load_questions(
        QuestionSource(DatasetDict(train=Dataset.from_list(FLAT), validation=Dataset.from_list(FLAT)))
    )
    assert len(both.validation) == 2


def test_ids_that_are_there_twice_get_new_ones_and_are_counted(tmp_path):
    file = write(tmp_path / "a.json", nested(("1", "1")))
    questions = load_questions(QuestionSource([file, file], validation=file))
    assert questions.train["id"][:] == ["1", "1#2", "1#3", "1#4"]
    assert "3 questions of the train split" in questions.notes[0]
    assert questions.validation["id"][:] == ["1", "1#2"]


def test_held_out_are_whole_articles(tmp_path):
    rows = [
        {**row, "id": f"{article}-{row['id']}", "title": f"article {article}", "context": f"{CONTEXT} {article}"}
        for article in range(20)
        for row in FLAT
    ]
    questions = load_questions(QuestionSource(Dataset.from_list(rows), validation_share=0.2))
    sides = [set(split["title"]) for split in (questions.train, questions.validation)]
    assert not sides[0] & sides[1]
    assert len(sides[1]) == 4
    assert "4 of 20 articles (8 questions) are held out" in questions.notes[0]
    assert questions.held_out
    assert (
        load_questions(QuestionSource(Dataset.from_list(rows), validation_share=0.2)).validation["id"][:]
        == (questions.validation["id"][:])
    )
    with pytest.raises(DataError, match="1 context: at least 2 are needed"):
        load_questions(QuestionSource(Dataset.from_list(FLAT)))


def test_a_limit_is_of_questions():
    questions = load_questions(QuestionSource(max_train_examples=7, max_validation_examples=3))
    assert (len(questions.train), len(questions.validation)) == (7, 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"data": [{"paragraphs": [{"qas": [{"id": "1"}]}]}]}, "articles, paragraphs and qas: KeyError"),
        ({"data": [{"title": "a"}]}, "no column 'context' and no column 'question'"),
        ({"data": [FLAT[0] | {"answers": {"text": [None], "answer_start": [1]}}]}, "row 0: the answers are"),
        ({"data": [FLAT[0] | {"question": None}]}, "row 0: the question is None"),
        ({"data": [FLAT[0] | {"context": 3}]}, "row 0: the context is 3"),
        ({"data": [FLAT[0] | {"context": "\ud83d"}]}, "lone surrogate"),
        ({"data": []}, "no questions"),
        ([{"question": "a"}], "no column 'context'"),
    ],
)
def test_what_is_no_question(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        load_questions(QuestionSource(write(tmp_path / "a.json", content)))


def test_what_is_not_there():
    for given in ("missing.json", ["missing.json", "gone.json"]):
        with pytest.raises(DataError, match=r"do(es)? not exist"):
            load_questions(QuestionSource(given))


def test_odd_files_that_are_fine(tmp_path):
    """A mark of byte order, an ending in capitals, rows under `data`, answers in a .csv file, rows without answers."""
    (tmp_path / "a.JSON").write_text("\ufeff" + json.dumps(nested()), "utf-8")
    write(tmp_path / "b.json", {"version": "2", "data": FLAT})
    cell = json.dumps(FLAT[0]["answers"]).replace('"', '""')
    (tmp_path / "c.csv").write_text(f'context,question,answers\n{CONTEXT},When ?,"{cell}"\n{CONTEXT},Who ?,\n', "utf-8")
    write(tmp_path / "d.json", [FLAT[0], FLAT[1] | {"id": None, "answers": None, "is_impossible": True}])
    for name in ("a.JSON", "b.json", "c.csv", "d.json"):
        loaded = load_questions(QuestionSource(str(tmp_path / name), validation=str(tmp_path / "b.json"))).train
        assert [answers["text"] for answers in loaded["answers"]] == [["six"], []], name
        assert len(set(loaded["id"])) == 2


def flagged(answers, flag):
    return {"context": CONTEXT, "question": "When ?", "answers": answers, "is_impossible": flag}


def write_flags(path, rows):
    """Write rows of (answers, flag), in .csv files as text."""
    if path.suffix == ".json":
        return write(path, [flagged(*row) for row in rows])
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, flagged(None, None), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(flagged(json.dumps(answers) if answers else "", flag) for answers, flag in rows)
    return str(path)


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".json"])
def test_answers_decide_whether_a_question_is_answerable(tmp_path, ending):
    """As in evaluate-v2.0.py, which does not read `is_impossible`. A flag that contradicts them is counted."""
    six = FLAT[0]["answers"]
    rows = [(six, "False"), (six, "0"), (six, False), (six, ""), (None, "true"), (None, 1), (six, "true"), (None, "0")]
    file = write_flags(tmp_path / f"a{ending}", rows)
    questions = load_questions(QuestionSource(file, validation=write(tmp_path / "b.json", FLAT)))
    answered = [bool(answers["text"]) for answers in questions.train["answers"]]
    assert answered == [True, True, True, True, False, False, True, False]
    assert questions.train.column_names == ["id", "title", "context", "question", "answers"]
    assert questions.notes == (
        "1 questions of the train split are is_impossible and have answers: they count as answerable, as in the "
        "official evaluation: 6",
        "1 questions of the train split have is_impossible false and no answers: they count as questions without an "
        "answer: 7",
    )


def test_a_flag_of_the_official_format_that_contradicts_the_answers(tmp_path):
    content = nested()
    content["data"][0]["paragraphs"][0]["qas"][0]["is_impossible"] = True
    questions = load_questions(QuestionSource(write(tmp_path / "a.json", content), validation=Dataset.from_list(FLAT)))
    assert [answers["text"] for answers in questions.train["answers"]] == [["six"], []]
    assert "are is_impossible and have answers" in questions.notes[0]


def test_a_flag_that_is_neither_true_nor_false(tmp_path):
    with pytest.raises(DataError, match="row 0: is_impossible is 'maybe'; true or false is needed"):
        load_questions(QuestionSource(write_flags(tmp_path / "a.csv", [(FLAT[0]["answers"], "maybe")])))


def test_a_name_from_the_command_line_is_a_name():
    assert QuestionSource(["squad_v2"], validation=["a.json"]) == QuestionSource("squad_v2", validation="a.json")


def test_splits_that_nobody_asks_for_are_not_read():
    rows = Dataset.from_list(FLAT)
    splits = DatasetDict(train=rows, validation=rows, test=Dataset.from_dict({"other": [1]}))
    assert len(load_questions(QuestionSource(splits)).train) == 2
    assert not load_questions(QuestionSource(splits)).held_out


def test_what_is_left_of_a_folder_is_to_train_on(tmp_path):
    write(tmp_path / "squad.json", nested())
    write(tmp_path / "more.json", nested(("3", "4")))
    write(tmp_path / "dev-v2.0.json", nested(("5", "6")))
    questions = load_questions(QuestionSource(str(tmp_path)))
    assert (sorted(questions.train["id"]), questions.validation["id"][:]) == (["1", "2", "3", "4"], ["5", "6"])


def test_lists_of_data_sets_are_refused():
    with pytest.raises(DataError, match="concatenate_datasets"):
        load_questions(QuestionSource([Dataset.from_list(FLAT), Dataset.from_list(FLAT)]))


def test_new_ids_are_new(tmp_path):
    rows = [FLAT[0] | {"id": name} for name in ("1", "1", "1#2", "1")]
    questions = load_questions(QuestionSource(Dataset.from_list(rows), validation=Dataset.from_list(FLAT)))
    assert questions.train["id"][:] == ["1", "1#3", "1#2", "1#4"]


def test_a_limit_does_not_touch_what_is_held_out():
    rows = [FLAT[0] | {"id": str(n), "context": f"{CONTEXT} {n}"} for n in range(100)]
    questions = load_questions(QuestionSource(Dataset.from_list(rows), max_train_examples=50))
    assert (len(questions.train), len(questions.validation)) == (50, 10)


ONCE = [{"question": "When ?", "context": CONTEXT, "answers": "six"}, {"question": "Who ?", "context": CONTEXT}]


@pytest.mark.parametrize(
    "answers",
    [
        "six",
        ["six"],
        {"text": ["six"]},
        [{"text": "six"}],
        {"text": ["six"], "answer_start": None},
        '{"text": ["six"]}',
    ],
    ids=str,
)
def test_an_answer_without_its_place_is_found_in_the_context(answers):
    questions = load_questions(QuestionSource([{**ONCE[0], "answers": answers}], validation=FLAT))
    assert questions.train["answers"][0] == {"text": ["six"], "answer_start": [27]}


def test_such_answers_in_every_form_of_data(tmp_path):
    pd.DataFrame(ONCE).to_csv(tmp_path / "faq.csv", index=False)
    (tmp_path / "faq.json").write_text(json.dumps(ONCE), "utf-8")
    for given in (ONCE, pd.DataFrame(ONCE), str(tmp_path / "faq.csv"), tmp_path / "faq.json", nested()["data"]):
        questions = load_questions(QuestionSource(given, validation=FLAT)).train
        assert [answers["answer_start"] for answers in questions["answers"]] == [[27], []], given


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ("seven", r"row 0: the answer 'seven' has no `answer_start`, and stands nowhere in its context"),
        ("e", r"the answer 'e' has no `answer_start`, and stands at 3 places of its context. Give `answer_start`"),
    ],
)
def test_an_answer_that_is_not_at_one_place_needs_it(answer, message):
    with pytest.raises(DataError, match=message):
        load_questions(QuestionSource([{**ONCE[0], "answers": answer}], validation=FLAT))


def test_a_number_in_a_cell_is_an_answer(tmp_path):
    (tmp_path / "a.csv").write_text("question,context,answers\nWhen ?,Built in 1066 .,1066\nWho ?,Nobody .,\n", "utf-8")
    questions = load_questions(QuestionSource(tmp_path / "a.csv", validation=FLAT))
    assert questions.train["answers"][:] == [
        {"text": ["1066"], "answer_start": [9]},
        {"text": [], "answer_start": []},
    ]


def misnamed(column, count=30):
    """Return questions on one context each whose answers are in a column of this name."""
    return [
        {"question": f"When does mill {n} open ?", "context": f"Mill {n} opens at six .", column: "six"}
        for n in range(count)
    ]


@pytest.mark.parametrize("form", [list, pd.DataFrame, Dataset.from_list], ids=["dicts", "frame", "dataset"])
def test_a_column_answer_has_the_answers(form):
    questions = load_questions(QuestionSource(form(misnamed("answer")), validation=form(misnamed("answer", 3))))
    assert [answers["text"] for answers in questions.validation["answers"]] == [["six"]] * 3
    assert questions.train["answers"][0] == {"text": ["six"], "answer_start": [16]}


def test_a_column_answer_start_tells_the_place(tmp_path):
    rows = "question,context,answer,answer_start\nWho ?,an anna,an,3\nWhere ?,an anna,nn,\nWhy ?,an anna,,\n"
    (tmp_path / "a.csv").write_text(rows, "utf-8")
    questions = load_questions(QuestionSource(tmp_path / "a.csv", validation=FLAT))
    assert [answers["answer_start"] for answers in questions.train["answers"]] == [[3], [4], []]


def test_a_misspelt_column_of_answers_is_no_column_of_questions_without_answers(tmp_path):
    """Neither to train on, nor to evaluate on; the questions of the file are counted, not those left of it."""
    bad = write(tmp_path / "bad.json", misnamed("anwsers"))
    message = r"None of the 30 questions of {} has an answer.*no column 'answers' \(did you mean 'anwsers'\?\)"
    with pytest.raises(DataError, match=message.format(f"the train split of {bad}")):
        load_questions(QuestionSource(bad))
    with pytest.raises(DataError, match=message.format(bad)):
        load_questions(QuestionSource(misnamed("answers"), validation=bad))
    splits = DatasetDict(train=Dataset.from_list(FLAT), validation=Dataset.from_list(misnamed("anwsers")))
    with pytest.raises(DataError, match=message.format("the validation split of a data set in memory")):
        load_questions(QuestionSource(splits))
    none = [row | {"is_impossible": True} for row in misnamed("gold")]
    assert len(load_questions(QuestionSource(FLAT, validation=none)).validation) == 30
