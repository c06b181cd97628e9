"""Stock models of random weights in a folder, as a run leaves them, without a training."""

import torch
from small_encoders import encoder_config, randomize
from small_recipes import small_config
from transformers import AutoModelForQuestionAnswering, AutoModelForSequenceClassification

_PROBLEMS = {
    "single_label": "single_label_classification", "multi_label": "multi_label_classification",
    "regression": "regression",
}  # fmt: skip


def save_classifier(folder, tokenizer, kind="single_label", labels=("bad", "fair", "good"), encoder=None):
    """Save a classifier whose weights are large, so that every word shows in its output, and return the folder.

    Args:
        folder: to write into.
        tokenizer: of its vocabulary.
        kind: of the task.
        labels: of the task; one of a regression.
        encoder: name of the class of another encoder than BERT.
    """
    sizes = {"vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
    config = small_config(tokenizer) if encoder is None else encoder_config(encoder, **sizes)
    config.problem_type = _PROBLEMS[kind]
    names = ("LABEL_0",) if kind == "regression" else labels
    config.id2label, config.label2id = dict(enumerate(names)), {name: number for number, name in enumerate(names)}
    torch.manual_seed(0)
    model = randomize(AutoModelForSequenceClassification.from_config(config))
    return _save(model, tokenizer, folder)


def save_reader(folder, tokenizer):
    """Save a model that answers questions, and return the folder."""
    return _save(AutoModelForQuestionAnswering.from_config(small_config(tokenizer)), tokenizer, folder)


def _save(model, tokenizer, folder):
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
