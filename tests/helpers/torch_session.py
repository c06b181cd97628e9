"""A model of torch behind the interface of the runtimes, so that what uses them is tested without any of them."""

import dataclasses
import json
from pathlib import Path

import torch

from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.export.exporter import stock_model
from bert_finetune_kit.export.folder import save_tokenizer
from bert_finetune_kit.export.kinds import kind_of
from bert_finetune_kit.exported.loading import assemble
from bert_finetune_kit.exported.settings import ExportedSettings, load_settings
from bert_finetune_kit.modeling.architecture import takes_token_types


class TorchSession:
    """The stock model, padded."""

    inputs = ("input_ids", "attention_mask", "token_type_ids")

    def __init__(self, model):
        self.model = stock_model(model)

    @torch.inference_mode()
    def run(self, feeds):
        """Return the outputs for a batch, by name."""
        outputs = self.model(**{name: torch.from_numpy(values) for name, values in feeds.items()})
        return {name: values.numpy() for name, values in outputs.items()}


def exported_by_torch(recipe, folder: Path):
    """Return the trained model of a recipe as `load_exported` would, with the files of an export in a folder."""
    trained = recipe.trained()
    single, pair = sequence_formats(trained.tokenizer, takes_token_types(trained.model.config))
    settings = ExportedSettings(
        recipe.name, "onnx", "fp32", "model.onnx", single, pair, trained.tokenizer.pad_token_id,
        kind_of(recipe).use_of(recipe, trained),
    )  # fmt: skip
    folder.mkdir(exist_ok=True)
    settings.save(folder)
    save_tokenizer(trained.tokenizer, folder)
    loaded = load_settings(folder)
    assert json.loads(json.dumps(dataclasses.asdict(settings))) == json.loads(json.dumps(dataclasses.asdict(loaded)))
    return assemble(folder, loaded, TorchSession(trained.model))
