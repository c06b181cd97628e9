"""Prepare recipes with models, tokenizers and data of the Hub, and print what comes of each attempt as JSON.

python read_hub.py FOLDER FAULT...

A fault is the owner of repositories that have it. Waiting between retries is left out.
"""

import json
import sys
import time
from dataclasses import replace

from small_recipes import CONFIGS, KINDS, SOURCES

from bert_finetune_kit import ClassificationTask, KitError, LabelledSource, QuestionSource, TextSource


def build(kind, role, owner, folder):
    """Return a recipe that takes its model, tokenizer or data from a repository of `owner`."""
    model, tokenizer, source, further = "tiny", None, SOURCES[kind], {}
    if role == "model":
        model = f"{owner}/bert"
    elif role == "tokenizer":
        tokenizer = f"{owner}/bert"
    elif kind == "classification":
        data = {"hub_config": "sst2", "text": "sentence", "labels": ("negative", "positive")}
        source, further = LabelledSource(), {"task": ClassificationTask("reviews", f"{owner}/classification", **data)}
    elif kind == "pretraining":
        source = TextSource(f"{owner}/pretraining", hub_config="wikitext-2-raw-v1", max_documents=10)
    else:
        source = QuestionSource(f"{owner}/question_answering")
    args = KINDS[kind].default_args(f"{folder}/{kind}", use_cpu=True)
    config = replace(CONFIGS[kind], max_length=64)
    return KINDS[kind](source=source, model=model, tokenizer=tokenizer, config=config, args=args, **further)


def attempt(*arguments):
    try:
        build(*arguments).prepare()
    except KitError as error:
        return f"{type(error).__name__}: {error}"
    return "prepared"


def main():
    folder, *owners = sys.argv[1:]
    time.sleep = lambda _: None
    results = {
        f"{owner} {kind} {role}": attempt(kind, role, owner, folder)
        for owner in owners
        for kind in KINDS
        for role in ("model", "tokenizer", "data")
    }
    print(json.dumps(results))


if __name__ == "__main__":
    main()
