"""What the tests share: a vocabulary and models of the bundled sample, small enough for any machine, no network."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import datasets
import pytest
import torch
from packaging.version import Version
from small_recipes import build, small_config
from transformers import BertConfig, BertTokenizer

from bert_finetune_kit import KitError, PretrainConfig, PretrainRecipe, TextSource, train_wordpiece
from bert_finetune_kit.data.sample import sample_documents
from bert_finetune_kit.reporting import optional

SOURCE = TextSource(max_documents=40)


def pytest_configure(config):
    """Allow for a file that `datasets` before 5.2 leaves open when it reads .csv, until it is garbage."""
    if Version(datasets.__version__) < Version("5.2"):
        for warning in ("ResourceWarning", "pytest.PytestUnraisableExceptionWarning"):
            config.addinivalue_line("filterwarnings", f"ignore:.*\\.csv:{warning}")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory):
    """Keep the caches of `datasets` out of the user's."""
    datasets.config.HF_DATASETS_CACHE = tmp_path_factory.mktemp("datasets")
    torch.set_num_threads(1)  # tiny models lose time on more


@pytest.fixture(autouse=True)
def _few_pages(request, monkeypatch):
    """Draw the page of a run for tests marked `page` alone: that takes longer than most of these trainings."""
    if "page" not in request.keywords:
        monkeypatch.setattr("bert_finetune_kit.runs.pages.write_html", lambda *_: None)


@pytest.fixture(autouse=True)
def _optional_steps_succeed(request, monkeypatch):
    """Let a step that a finished run can do without end the test where it fails for a reason that no test plants."""

    def fault_line(fault, error, later):
        if not isinstance(error, KitError | OSError):
            raise error
        return optional_fault_line(fault, error, later)

    optional_fault_line = optional.fault_line
    if "optional_failure" not in request.keywords:
        monkeypatch.setattr(optional, "fault_line", fault_line)


@pytest.fixture(scope="session")
def tokenizer() -> BertTokenizer:
    return train_wordpiece((sentence for document in sample_documents("train") for sentence in document), 800)


@pytest.fixture
def config(tokenizer) -> BertConfig:
    """A BERT of two narrow layers without dropout."""
    return small_config(tokenizer)


@pytest.fixture(scope="session")
def dropout_model(tmp_path_factory, tokenizer):
    """Folder of the config of a BERT of two narrow layers with dropout, and its tokenizer; there are no weights."""
    folder = tmp_path_factory.mktemp("model")
    small_config(tokenizer, dropout=0.1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory, dropout_model):
    """Train a recipe from beginning to end, once for the same settings, and return the folder of the run."""
    folders = {}

    def train(name, **settings):
        key = (name, str(settings))
        if key not in folders:
            folders[key] = tmp_path_factory.mktemp("uninterrupted") / "run"
            build(name, dropout_model, folders[key], **settings).train()
        return folders[key]

    return train


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
