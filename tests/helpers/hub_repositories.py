"""The repositories of the assignment as on the Hub, in names, files and metadata; their content is the bundled sample.

Read on the Hub: `google-bert/bert-base-uncased`, `Salesforce/wikitext`, `nyu-mll/glue`, `rajpurkar/squad` and
`rajpurkar/squad_v2`.
"""

import io
import json
import re

import torch
import yaml
from datasets import ClassLabel, Dataset, Features, List, Value
from local_hub import Repository
from safetensors.torch import save
from transformers import BertConfig, BertForPreTraining

from bert_finetune_kit.data.sample import sample_documents, sample_questions, sample_reviews

SPLITS = ("train", "validation", "test")
_SAMPLE_SPLIT = {"train": "train", "validation": "validation", "test": "validation"}
_SEED = {"train": 0, "validation": 0, "test": 1}
_TEXT = Features({"text": Value("string")})
_REVIEW = Features(
    {"sentence": Value("string"), "label": ClassLabel(names=["negative", "positive"]), "idx": Value("int32")}
)
_QUESTION = Features(
    {
        **{name: Value("string") for name in ("id", "title", "context", "question")},
        "answers": {"text": List(Value("string")), "answer_start": List(Value("int32"))},
    }
)


def assignment_repositories(tokenizer):
    """Return the repositories by `models/OWNER/NAME` and `datasets/OWNER/NAME`."""
    questions = {split: _questions(split) for split in ("train", "validation")}
    answered = {split: rows.filter(lambda row: row["answers"]["text"]) for split, rows in questions.items()}
    return {
        "models/google-bert/bert-base-uncased": bert_base(tokenizer),
        "datasets/Salesforce/wikitext": data_set(
            {config: {split: _wikitext(split) for split in SPLITS} for config in ("wikitext-2-raw-v1", "wikitext-2-v1")}
        ),
        "datasets/nyu-mll/glue": data_set(
            {config: {split: _single_text(split) for split in SPLITS} for config in ("cola", "sst2")}
        ),
        "datasets/rajpurkar/squad": data_set({"plain_text": answered}),
        "datasets/rajpurkar/squad_v2": data_set({"squad_v2": questions}),
    }


def bert_base(tokenizer):
    """Return a BERT of two narrow layers in the files of bert-base-uncased.

    The weights of every LayerNorm have names of 2018, and values that no new model has.
    """
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        architectures=["BertForMaskedLM"],
    )  # fmt: skip
    weights = {
        name: weight + 0.02 * torch.randn_like(weight)
        for name, weight in BertForPreTraining(config).state_dict().items()
    }
    names = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    old = {
        re.sub("|".join(names), lambda match: names[match[0]], name): weight
        for name, weight in weights.items()
        if "decoder" not in name and not name.endswith("position_ids")
    }
    vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get)
    settings = {"do_lower_case": True, "model_max_length": 512}
    return Repository(
        {
            "README.md": b"---\nlanguage: en\nlicense: apache-2.0\n---\n\n# BERT base model (uncased)\n",
            "config.json": json.dumps(config.to_dict()).encode(),
            "model.safetensors": save(old, {"format": "pt"}),
            "tokenizer.json": tokenizer.backend_tokenizer.to_str().encode(),
            "tokenizer_config.json": json.dumps(settings).encode(),
            "vocab.txt": "".join(f"{piece}\n" for piece in vocabulary).encode(),
        }
    )


def data_set(configs):
    """Return a data set of parquet files with the metadata that the Hub has of them: splits by config."""
    files, about = {}, {"dataset_info": [], "configs": []}
    for config, splits in configs.items():
        sizes = []
        for split, rows in splits.items():
            written = io.BytesIO()
            rows.to_parquet(written)
            files[f"{config}/{split}-00000-of-00001.parquet"] = written.getvalue()
            sizes.append({"name": split, "num_bytes": rows.data.nbytes, "num_examples": len(rows)})
        features = next(iter(splits.values())).features._to_yaml_list()
        about["dataset_info"].append({"config_name": config, "features": features, "splits": sizes})
        paths = [{"split": split, "path": f"{config}/{split}-*"} for split in splits]
        about["configs"].append({"config_name": config, "data_files": paths})
    files["README.md"] = f"---\n{yaml.safe_dump(about, sort_keys=False)}---\n\n# Dataset Card\n".encode()
    return Repository(files)


def _wikitext(split):
    """Return stories as articles of WikiText: a heading, paragraphs and empty rows."""
    rows = []
    documents = sample_documents(_SAMPLE_SPLIT[split], _SEED[split], 60 if split == "train" else 20)
    for number, sentences in enumerate(documents):
        paragraphs = [" ".join(sentences[start : start + 5]) for start in range(0, len(sentences), 5)]
        rows += ["", f" = Story {number} = \n", "", *(f" {paragraph} \n" for paragraph in paragraphs)]
    return Dataset.from_dict({"text": rows}, features=_TEXT)


def _single_text(split):
    reviews = sample_reviews(_SAMPLE_SPLIT[split], _SEED[split], 60 if split == "train" else 20)
    names = _REVIEW["label"].names
    columns = {
        "sentence": [f"{review['text'].lower()} " for review in reviews],
        "label": [-1 if split == "test" else names.index(review["label"]) for review in reviews],
        "idx": list(range(len(reviews))),
    }
    return Dataset.from_dict(columns, features=_REVIEW)


def _questions(split):
    questions = sample_questions(split, count=60 if split == "train" else 30)
    return Dataset.from_list(questions, features=_QUESTION)
