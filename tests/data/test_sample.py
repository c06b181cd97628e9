import doctest
import math
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import fields, is_dataclass
from itertools import count, pairwise

import pytest

from bert_finetune_kit.data import sample
from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews
from bert_finetune_kit.data.sample_world import WORLD

MAKERS = {"documents": sample_documents, "reviews": sample_reviews, "questions": sample_questions}
SIZES = {"documents": (600, 60), "reviews": (1500, 300), "questions": (1500, 300)}
each_kind = pytest.mark.parametrize("kind", MAKERS)


@pytest.fixture(scope="module")
def everything():
    return {(kind, split): make(split) for kind, make in MAKERS.items() for split in ("train", "validation")}


@pytest.fixture(scope="module")
def reviews(everything):
    return everything["reviews", "train"] + everything["reviews", "validation"]


@pytest.fixture(scope="module")
def questions(everything):
    return everything["questions", "train"] + everything["questions", "validation"]


def texts(kind, rows):
    """What must not be in two splits."""
    if kind == "documents":
        return [" ".join(sentences) for sentences in rows]
    return [row["text" if kind == "reviews" else "context"] for row in rows]


def words(text):
    return re.findall(r"[a-z]+|\d+", text.lower())


def pattern_of(template):
    """A regular expression for a template of the facts; an answer or an item in it becomes a group."""
    slots = {"answer": "(?P<answer>.+?)", "item": "(?P<item>.+?)", "town": "|".join(WORLD.towns)}
    for slot in ("place", "keeper"):
        slots[slot] = "|".join(getattr(setting, slot) for setting in WORLD.settings)
    parts = re.split(r"{(\w+)}", template)
    return re.compile("".join(f"(?:{slots[p]})" if i % 2 else re.escape(p) for i, p in enumerate(parts)))


@each_kind
def test_default_sizes(kind, everything):
    assert (len(everything[kind, "train"]), len(everything[kind, "validation"])) == SIZES[kind]


@each_kind
def test_the_count_is_what_was_asked_and_only_cuts_the_rest_off(kind):
    make = MAKERS[kind]
    for size in (0, 1, 2, 7):
        assert len(make("train", count=size)) == size
    assert make("train", count=7) == make("train", count=31)[:7]


@each_kind
def test_a_seed_gives_the_same_text_in_another_process(kind):
    code = f"from bert_finetune_kit.data.sample import sample_{kind}; print(sample_{kind}('validation', 3, 30))"
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert printed == {f"{MAKERS[kind]('validation', 3, 30)}\n"}


@each_kind
def test_another_seed_gives_other_text(kind):
    one, other = (set(texts(kind, MAKERS[kind]("train", seed, 60))) for seed in (0, 1))
    assert len(one & other) <= 1


@each_kind
def test_splits_never_overlap_whatever_the_seed_and_size(kind, everything):
    held_out = set(texts(kind, everything[kind, "validation"]))
    for seed in range(3):
        assert held_out.isdisjoint(texts(kind, MAKERS[kind]("train", seed, 1500)))


@pytest.mark.parametrize("split", ["train", "validation"])
def test_no_text_comes_twice(split):
    each_twice = (f"text {i // 2}" for i in count())
    seen = set()
    found = [sample._new(each_twice.__next__, str, split, seen) for _ in range(20)]
    assert len(set(found)) == len(found)


@each_kind
def test_unknown_split(kind):
    with pytest.raises(ValueError, match="unknown split 'test'; the sample has train and validation"):
        MAKERS[kind]("test")


def test_the_global_generator_is_left_alone():
    state = random.getstate()
    for make in MAKERS.values():
        make("train", count=5)
    assert random.getstate() == state


def test_documents_have_8_to_20_sentences(everything):
    lengths = {len(document) for document in everything["documents", "train"]}
    assert lengths == set(range(8, 21))


def test_sentences_are_sentences(everything):
    for document in everything["documents", "train"]:
        for sentence in document:
            assert re.fullmatch(r'["A-Z].*[.?]"?', sentence), sentence
            assert not re.search(r"[{}]|  |\.\.|, ,|\ba [aeiou]", sentence), sentence


def test_a_story_stays_at_one_place_on_one_day(everything):
    """The halves of a story share more rare words than halves of two stories: next sentences can be recognized."""
    documents = everything["documents", "validation"]
    for document in documents:
        text = " ".join(document)
        assert sum(town in text for town in WORLD.towns) == 1
    count = Counter(word for document in documents for word in set(words(" ".join(document))))
    halves = [
        [{w for w in words(" ".join(half)) if count[w] < 20} for half in (document[:4], document[4:])]
        for document in documents
    ]
    shuffled = [second for _, second in halves[1:]] + [halves[0][1]]
    together = [len(first & second) for first, second in halves]
    apart = [len(first & second) for (first, _), second in zip(halves, shuffled, strict=True)]
    assert sum(a > b for a, b in zip(together, apart, strict=True)) >= 0.8 * len(documents)


def test_in_the_stories_a_place_has_its_town_and_its_people(everything):
    homes = {setting.town: setting for setting in WORLD.settings}
    for document in everything["documents", "train"]:
        setting = homes[next(town for town in homes if town in document[0])]
        assert setting.place in document[0]
        assert any(person in document[0] for person in setting.people)


def test_random_partners_rarely_share_the_place(everything):
    places = Counter(document[0].split(" of ")[-1] for document in everything["documents", "train"])
    total = places.total()
    assert sum(n * (n - 1) for n in places.values()) / (total * (total - 1)) < 0.1


def test_words_are_few_and_known(everything):
    """A small vocabulary, and hardly a word of the tasks that the stories do not teach."""
    taught = Counter(w for document in everything["documents", "train"] for s in document for w in words(s))
    assert 500 < len(taught) < 1000
    for kind in ("reviews", "questions"):
        asked = {w for row in everything[kind, "train"] for w in words(f"{row.get('context')} {row.get('text')}")}
        assert len(asked - set(taught)) <= 10


def test_reviews_are_balanced(everything):
    for split in ("train", "validation"):
        labels = Counter(review["label"] for review in everything["reviews", split])
        assert labels["positive"] == labels["negative"]
    assert Counter(r["label"] for r in sample_reviews("train", 5, 101)).most_common(1)[0][1] == 51


def right_by_counting(features, train, validation):
    """The accuracy of a naive Bayes classifier on the given features of a review."""
    counts = {"negative": Counter(), "positive": Counter()}
    for review in train:
        counts[review["label"]].update(set(features(words(review["text"]))))
    good, bad = counts["positive"], counts["negative"]
    right = 0
    for review in validation:
        found = set(features(words(review["text"])))
        score = sum(math.log((good[feature] + 0.5) / (bad[feature] + 0.5)) for feature in found)
        right += (score > 0) == (review["label"] == "positive")
    return right / len(validation)


def test_reviews_need_more_than_counting_words(everything):
    train, validation = everything["reviews", "train"], everything["reviews", "validation"]
    assert right_by_counting(list, train, validation) < 0.85
    assert right_by_counting(pairwise, train, validation) > 0.9


def test_reviews_deny_and_see_both_sides(reviews):
    for label in ("negative", "positive"):
        found = [r["text"] for r in reviews if r["label"] == label]
        for expression, least in (
            (r"\bnot\b|\bnever\b|anything but", 0.4),
            (r"\blthough|, but |and yet|true", 0.3),
        ):
            assert sum(bool(re.search(expression, text)) for text in found) > least * len(found)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_one_question_in_three_has_no_answer(split, everything):
    without = sum(not question["answers"]["text"] for question in everything["questions", split])
    assert without * 3 == len(everything["questions", split])


def test_questions_have_the_columns_of_squad_v2_and_exact_offsets(questions):
    for question in questions:
        assert list(question) == ["id", "title", "context", "question", "answers"]
        answers = question["answers"]
        assert list(answers) == ["text", "answer_start"]
        assert len(answers["text"]) == len(answers["answer_start"]) <= 1
        for text, start in zip(answers["text"], answers["answer_start"], strict=True):
            assert text
            assert question["context"][start : start + len(text)] == text


def test_ids_are_unique(questions):
    ids = {question["id"] for question in questions + sample_questions("train", 1, 30)}
    assert len(ids) == len(questions) + 30


def test_passages_tell_what_was_answered_and_not_what_was_not(questions):
    """Read the passages by the patterns of the facts, apart from the code that made them."""
    asks = [(f, pattern_of(q)) for f, fact in WORLD.facts.items() for q in fact.questions]
    tells = {f: [pattern_of(s) for s in fact.statements] for f, fact in WORLD.facts.items()}
    near_misses = 0
    for question in questions:
        (fact, asked), *others = [(f, m) for f, pattern in asks if (m := pattern.fullmatch(question["question"]))]
        assert not others
        found = [m for s in re.split(r"(?<=\.) ", question["context"]) for p in tells[fact] if (m := p.fullmatch(s))]
        if fact == "price":
            near_misses += any(m["item"] != asked["item"] for m in found)
            found = [m for m in found if m["item"].lower() == asked["item"].lower()]
        assert [m["answer"] for m in found] == question["answers"]["text"], question
    assert near_misses > 0.03 * len(questions)


def phrases(value):
    """Every text below a table, without the names of regions and facts."""
    if isinstance(value, str):
        yield from (piece.strip(' .,:;"?') for piece in re.split(r"{\w+}", value))
    elif is_dataclass(value):
        tables = {field.name: getattr(value, field.name) for field in fields(value)}
        assert tables.pop("region", "coast") in WORLD.regions
        yield from phrases(tables)
    elif isinstance(value, dict):
        yield from phrases(tuple(value.values()))
    else:
        for part in value:
            yield from phrases(part)


def test_every_phrase_of_the_tables_is_used(everything):
    sample_text = " ".join(text for (kind, _), rows in everything.items() for text in texts(kind, rows))
    sample_text = f"{sample_text} {' '.join(row['question'] for row in everything['questions', 'train'])}".lower()
    groups = {field.name: getattr(WORLD, field.name) for field in fields(WORLD)}
    nested = {name: groups.pop(name) for name in ("words", "stories", "reviews")}
    tables = groups | {field.name: getattr(group, field.name) for group in nested.values() for field in fields(group)}
    assert len(tables) > 20
    for name, table in tables.items():
        unused = [phrase for phrase in phrases(table) if phrase.lower() not in sample_text]
        assert not unused, (name, unused)
    assert all(person.lower() in sample_text for person in WORLD.people)


def test_docstrings_show_real_output():
    results = doctest.testmod(sample)
    assert results.attempted == 3
    assert not results.failed


def test_import_needs_the_standard_library_alone():
    before = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    code = f"import bert_finetune_kit.data.sample; {before}"
    loaded, at_start = (
        set(subprocess.run([sys.executable, "-c", c], capture_output=True, text=True, check=True).stdout.split())
        for c in (code, before)
    )
    names = {"bert_finetune_kit", "lazy_loader"}  # the latter by the package itself
    assert loaded - at_start - set(sys.stdlib_module_names) == names


def test_everything_is_made_in_a_moment():
    start = time.process_time()
    for make in MAKERS.values():
        make("train")
        make("validation")
    assert time.process_time() - start < 2
