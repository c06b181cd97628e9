"""Private parts of transformers."""

from typing import Any

from transformers import PretrainedConfig, PreTrainedModel
from transformers.utils.output_capturing import _CAN_RECORD_REGISTRY


def get_attn_implementation(config: PretrainedConfig) -> str | None:
    """Return the name of a model's attention function.

    `PreTrainedModel.set_attn_implementation` writes it; only `PretrainedConfig._attn_implementation` reads it.
    """
    return config._attn_implementation


def register_recorded_outputs(model_class: type[PreTrainedModel]) -> None:
    """Let a class record the outputs, such as hidden states, that the class it derives from records.

    transformers looks up what a model can record (`_can_record_outputs`) under the name of its class in
    `_CAN_RECORD_REGISTRY`, which only the constructor fills. Models whose `__class__` is replaced skip the constructor.
    """
    # Newer versions override item assignment, which then takes a model instead of the name of its class.
    dict.__setitem__(_CAN_RECORD_REGISTRY, str(model_class), model_class._can_record_outputs)


def untie_weight(model: PreTrainedModel, name: str) -> None:
    """Remove a parameter from the names that `tie_weights(recompute_mapping=False)` ties.

    A model keeps them in `all_tied_weights_keys`, which is not documented; there is no public way to change them.
    """
    model.all_tied_weights_keys.pop(name, None)


def save_under_own_names(model: PreTrainedModel) -> None:
    """Let a model be saved under the names of its parameters, whatever they were called in the checkpoint it is from.

    `from_pretrained` keeps its renamings in `_weight_conversions`, and `save_pretrained` reverts them: a model loaded
    from bert-base-uncased is saved with `LayerNorm.gamma` and `LayerNorm.beta`. What reads such a file by the names of
    the parameters, as the Trainer does to resume and to restore the best weights, silently skips these weights.
    """
    loaded: Any = model
    loaded._weight_conversions = None
