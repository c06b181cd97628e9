"""Score a trained model on given data, in one of several processes: python evaluate_given.py NAME RUN FOLDER."""

import json
import sys
from pathlib import Path

import torch
from small_recipes import KINDS

from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews


def rows_of(name):
    """Return an odd number of rows, which fill no batch of several processes."""
    if name == "classification":
        return sample_reviews("validation", count=31)
    if name == "question_answering":
        return sample_questions("validation")[:41]
    return [{"text": "\n".join(document)} for document in sample_documents("validation")[:7]]


def evaluate(name, run, folder):
    """Save the report of a trained recipe on `rows_of`, and predictions of them, into a folder."""
    rows, recipe = rows_of(name), KINDS[name].from_pretrained(run)
    recipe.evaluate(rows, output_dir=folder)
    if name == "pretraining":
        return
    source = Path(folder, "rows.jsonl")
    if recipe.is_main:
        source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe.predict_file(source, Path(folder, "predicted.jsonl"))


if __name__ == "__main__":
    torch.set_num_threads(1)
    evaluate(*sys.argv[1:])
