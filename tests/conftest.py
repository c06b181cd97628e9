"""What the tests share: a vocabulary and models of the bundled sample, small enough for any machine, no network."""

import os
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import pytest
import torch
from transformers import BertConfig, BertTokenizer

from bert_finetune_kit import PretrainConfig, PretrainRecipe, TextSource, train_wordpiece
from bert_finetune_kit.data.sample import sample_documents

SOURCE = TextSource(max_documents=40)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Keep the caches of `datasets` out of the user's."""
    import datasets

    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")
    torch.set_num_threads(1)  # tiny models lose time on more


@pytest.fixture(autouse=True)
def _few_pages(request, monkeypatch):
    """Draw the page of a run for tests marked `page` alone: that takes longer than most of these trainings."""
    if "page" not in request.keywords and "bert_finetune_kit.training.recipe" in sys.modules:
        monkeypatch.setattr("bert_finetune_kit.training.recipe.write_html", lambda *_: None)


@pytest.fixture(scope="session")
def tokenizer() -> BertTokenizer:
    return train_wordpiece((sentence for document in sample_documents("train") for sentence in document), 800)


@pytest.fixture
def config(tokenizer) -> BertConfig:
    """A BERT of two narrow layers without dropout."""
    return BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


@pytest.fixture
def make_recipe(tmp_path, tokenizer, config):
    """Build a recipe on the bundled sample; keywords beside `source`, `model`, `recipe` go to the Trainer."""

    def make(source=SOURCE, model=None, recipe=None, tokenizer=tokenizer, output_dir=tmp_path / "run", **settings):
        args = PretrainRecipe.default_args(
            str(output_dir), **({"max_steps": 4, "per_device_train_batch_size": 8} | settings)
        )
        return PretrainRecipe(
            source, model=model or config, tokenizer=tokenizer, config=recipe or PretrainConfig(), args=args
        )

    return make
