"""Toy data that a model of two narrow layers learns in seconds, and recipes that train on them."""

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

POSITIVE, NEGATIVE = ("fresh", "warm"), ("clean", "old")  # words of the vocabulary
DEFAULTS = {
    "load_best_model_at_end": False,
    "save_strategy": "no",
    "learning_rate": 3e-3,
    "per_device_train_batch_size": 16,
    "disable_tqdm": True,
}


def codes(report, notes=True):
    return {finding.code for finding in report.findings if notes or finding.severity != "note"}


def words_of(tokenizer):
    """Whole words of the vocabulary without those that determine a label."""
    words = (word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 3)
    return sorted(word for word in words if word not in POSITIVE + NEGATIVE)


def reviews(tokenizer, count, seed, share=0.5):
    """Reviews of six words, one of which determines the label; `share` of them are good."""
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    for number in range(count):
        good = number < share * count
        text = rng.sample(words, 6)
        text[rng.randrange(6)] = rng.choice(POSITIVE if good else NEGATIVE)
        rows.append({"text": " ".join(text), "label": "good" if good else "bad"})
    rng.shuffle(rows)
    return Dataset.from_list(rows)


def questions(
    tokenizer, count, seed, unanswerable=0.3, answer_words=1, decoys=False, random_answers=False, shifted=0.0
):
    """Contexts of eight words, one of which is a name: the answer.

    Args:
        unanswerable: share of questions without an answer, whose contexts have no name.
        answer_words: words of an answer.
        decoys: whether contexts of unanswerable questions have a name, too.
        random_answers: whether answers are arbitrary words, so that they cannot be learned.
        shifted: share of answers whose answer_start is wrong.
    """
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    names, further = words[:8], words[8:108]
    for number in range(count):
        text, position = rng.sample(further, 8), rng.randrange(1, 6)
        has_answer = rng.random() >= unanswerable
        if not random_answers and (decoys or has_answer):
            text[position] = rng.choice(names)
        start = len(" ".join(text[:position])) + 1 + 3 * (rng.random() < shifted)
        answer = " ".join(text[position : position + answer_words])
        answers = {"text": [answer] if has_answer else [], "answer_start": [start] if has_answer else []}
        rows.append(
            {"id": f"{seed}-{number}", "title": f"title {number % 20}", "context": " ".join(text),
             "question": f"who {rng.choice(further)} ?", "answers": answers}
        )  # fmt: skip
    return Dataset.from_list(rows)


def documents(tokenizer, count, seed, sentences=2, kinds="alternating"):
    """Sentences of four words of one of two kinds.

    Args:
        sentences: of a document.
        kinds: `alternating` from sentence to sentence, so that three of four next-sentence pairs can be classified;
            `random`, so that none can; `single` for words of the first kind alone, without full stops.
    """
    rng, words, rows = random.Random(seed), words_of(tokenizer), []
    kind_of = {"alternating": lambda number: number % 2, "random": lambda _: rng.randrange(2), "single": lambda _: 0}
    stop = "" if kinds == "single" else " ."
    for _ in range(count):
        vocabularies = [words[6 * kind : 6 * kind + 6] for kind in map(kind_of[kinds], range(sentences))]
        rows.append({"text": " ".join(" ".join(rng.choices(chosen, k=4)) + stop for chosen in vocabularies)})
    return Dataset.from_list(rows)


def classification(folder, tokenizer, model, train, validation, config=None, **settings):
    args = ClassificationRecipe.default_args(str(folder), **(DEFAULTS | {"num_train_epochs": 7} | settings))
    source = train if isinstance(train, LabelledSource) else LabelledSource(train, validation=validation)
    return ClassificationRecipe(
        ClassificationTask("toy"), source, model=model, tokenizer=tokenizer, args=args,
        config=config or ClassificationConfig(max_length=32),
    )  # fmt: skip


def question_answering(folder, tokenizer, model, train, validation, **settings):
    args = QARecipe.default_args(str(folder), **(DEFAULTS | {"num_train_epochs": 6} | settings))
    config = QAConfig(max_length=48, doc_stride=8, max_question_length=12)
    source = QuestionSource(train, validation=validation)
    return QARecipe(source, model=model, tokenizer=tokenizer, config=config, args=args)


def pretraining(folder, tokenizer, model, train, validation, config=None, **settings):
    args = PretrainRecipe.default_args(str(folder), **(DEFAULTS | {"num_train_epochs": 10} | settings))
    source = TextSource(train, validation=validation, documents="records")
    config = config or PretrainConfig(max_length=32, pairs="sentences")
    return PretrainRecipe(source, model=model, tokenizer=tokenizer, config=config, args=args)
