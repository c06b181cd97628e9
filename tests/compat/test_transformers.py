"""Private parts of transformers that the package uses are there, and do what is expected of them.

The module under test is imported last: where a private part is gone, it cannot be imported at all.
"""

import transformers
from transformers import BertConfig
from transformers.utils import output_capturing


def tiny_config(**settings):
    return BertConfig(
        vocab_size=9, hidden_size=4, num_hidden_layers=2, num_attention_heads=1, intermediate_size=4, **settings
    )


def test_can_record_registry():
    assert hasattr(output_capturing, "_CAN_RECORD_REGISTRY"), "output_capturing._CAN_RECORD_REGISTRY is gone"
    assert hasattr(transformers.BertModel, "_can_record_outputs"), "PreTrainedModel._can_record_outputs is gone"


def test_a_registered_class_records_hidden_states():
    from bert_finetune_kit.compat.transformers import register_recorded_outputs

    model = transformers.BertModel(tiny_config())
    derived = type("BertModel", (transformers.BertModel,), {"__module__": __name__})
    register_recorded_outputs(derived)
    model.__class__ = derived
    assert len(model(**model.dummy_inputs, output_hidden_states=True).hidden_states) == 3


def test_attn_implementation():
    from bert_finetune_kit.compat.transformers import get_attn_implementation

    model = transformers.BertModel(tiny_config(attn_implementation="eager"))
    assert hasattr(model.config, "_attn_implementation"), "PretrainedConfig._attn_implementation is gone"
    assert get_attn_implementation(model.config) == "eager"
    model.set_attn_implementation("sdpa")
    assert get_attn_implementation(model.config) == "sdpa"


def test_tied_weights():
    from bert_finetune_kit.compat.transformers import untie_weight

    model = transformers.BertForMaskedLM(tiny_config())
    assert hasattr(model, "all_tied_weights_keys"), "PreTrainedModel.all_tied_weights_keys is gone"
    head = model.cls.predictions
    head.decoder.bias = None
    untie_weight(model, "cls.predictions.decoder.bias")
    model.tie_weights(recompute_mapping=False)
    assert head.decoder.bias is None
    assert head.decoder.weight is model.bert.embeddings.word_embeddings.weight
