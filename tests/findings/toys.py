"""Toy data on which a model of two narrow layers learns all there is in seconds, and the runs that do."""

import random

from datasets import Dataset

from bert_finetune_kit import (
    ClassificationConfig,
    ClassificationRecipe,
    ClassificationTask,
    LabelledSource,
    PretrainConfig,
    PretrainRecipe,
    QAConfig,
    QARecipe,
    QuestionSource,
    TextSource,
)

GOOD, BAD = ("fresh", "warm"), ("clean", "old")  # words of the vocabulary
LAST = {
    "load_best_model_at_end": False,
    "save_strategy": "no",
    "learning_rate": 3e-3,
    "per_device_train_batch_size": 16,
    "disable_tqdm": True,
}


def codes(report, notes=True):
    return {one.code for one in report.findings if notes or one.severity != "note"}


def words_of(tokenizer):
    """Whole words of the vocabulary, but for those that the toys give a meaning to."""
    return sorted(word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 3 and word not in GOOD + BAD)


def reviews(tokenizer, count, seed, share=0.5):
    """Six words, one of which says whether it is good."""
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    for number in range(count):
        good = number < share * count
        text = rng.sample(words, 6)
        text[rng.randrange(6)] = rng.choice(GOOD if good else BAD)
        rows.append({"text": " ".join(text), "label": "good" if good else "bad"})
    rng.shuffle(rows)
    return Dataset.from_list(rows)


def questions(tokenizer, count, seed, without=0.3, answer_words=1, decoys=False, guess=False, shifted=0.0):
    """Eight words, one of which is a name: the answer. `decoys`: unanswerable ones have a name, too; `guess`: the
    answer is any word; `shifted`: share whose answer_start is wrong."""
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    names, others = words[:8], words[8:108]
    for number in range(count):
        text, place = rng.sample(others, 8), rng.randrange(1, 6)
        silent = rng.random() < without
        if not guess and (decoys or not silent):
            text[place] = rng.choice(names)
        start = len(" ".join(text[:place])) + 1 + 3 * (rng.random() < shifted)
        answer = " ".join(text[place : place + answer_words])
        answers = {"text": [] if silent else [answer], "answer_start": [] if silent else [start]}
        rows.append(
            {"id": f"{seed}-{number}", "title": f"title {number % 20}", "context": " ".join(text),
             "question": f"who {rng.choice(others)} ?", "answers": answers}
        )  # fmt: skip
    return Dataset.from_list(rows)


def documents(tokenizer, count, seed, sentences=2, alike=False, mixed=False):
    """Sentences of four words each; those at even places have other words than those at odd ones.

    A sentence that starts a document never follows one: three of four next-sentence pairs can be told. `alike`: all
    words are of the same kind, without stops; `mixed`: each is of either kind by chance.
    """
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    for _ in range(count):
        kinds = [0 if alike else rng.randrange(2) if mixed else place % 2 for place in range(sentences)]
        chosen = [words[6 * kind : 6 * kind + 6] for kind in kinds]
        rows.append({"text": " ".join(" ".join(rng.choices(one, k=4)) + " ." * (not alike) for one in chosen)})
    return Dataset.from_list(rows)


def classify(folder, tokenizer, model, train, validation, recipe=None, **settings):
    args = ClassificationRecipe.default_args(str(folder), **(LAST | {"num_train_epochs": 7} | settings))
    source = train if isinstance(train, LabelledSource) else LabelledSource(train, validation=validation)
    return ClassificationRecipe(
        ClassificationTask("toy"), source, model=model, tokenizer=tokenizer, args=args,
        config=recipe or ClassificationConfig(max_length=32),
    )  # fmt: skip


def answer(folder, tokenizer, model, train, validation, **settings):
    args = QARecipe.default_args(str(folder), **(LAST | {"num_train_epochs": 6} | settings))
    config = QAConfig(max_length=48, doc_stride=8, max_question_length=12)
    source = QuestionSource(train, validation=validation)
    return QARecipe(source, model=model, tokenizer=tokenizer, config=config, args=args)


def pretrain(folder, tokenizer, model, train, validation, recipe=None, **settings):
    args = PretrainRecipe.default_args(str(folder), **(LAST | {"num_train_epochs": 10} | settings))
    source = TextSource(train, validation=validation, documents="records")
    config = recipe or PretrainConfig(max_length=32, pairs="sentences")
    return PretrainRecipe(source, model=model, tokenizer=tokenizer, config=config, args=args)
