"""Whether padding is skipped, and the note that says why not."""

import pytest
import torch
import transformers
from small_encoders import small_encoder
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification

from bert_finetune_kit.compat.transformers import get_attn_implementation
from bert_finetune_kit.modeling.fixed_shapes import FIXED_ATTENTION
from bert_finetune_kit.modeling.lora import add_lora, lora_config
from bert_finetune_kit.modeling.padding import missing_operation, skip_padding

SETTINGS = {
    "vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
}  # fmt: skip


@pytest.mark.parametrize("family", ["MPNet", "DebertaV2", "MegatronBert", "FNet"])
def test_architectures_that_compute_padding(family):
    settings = {name: value for name, value in SETTINGS.items() if (family, name) != ("FNet", "num_attention_heads")}
    model = getattr(transformers, f"{family}ForMaskedLM")(getattr(transformers, f"{family}Config")(**settings))
    reason = f"Padding is computed: {family}Model does not use transformers' attention interface"
    skipped, notes = skip_padding(model, wanted=True, on_xla=False)
    assert (skipped, notes[0]) == (False, reason)
    assert bool(notes[1:]) == (family == "FNet")  # its Fourier transform mixes padding into all tokens
    assert skip_padding(model, wanted=False, on_xla=False) == (False, notes[1:])


def test_a_head_that_asserts_what_it_is_given_is_not_tried():
    """Longformer's for questions asks for three separators."""
    settings = transformers.LongformerConfig(**SETTINGS, attention_window=4, sep_token_id=49)
    model = transformers.LongformerForQuestionAnswering(settings)
    with pytest.raises(AssertionError, match="three separator tokens"):
        model(torch.ones(1, 8, dtype=torch.long))
    skipped, notes = skip_padding(model, wanted=True, on_xla=False)
    assert not skipped
    assert len(notes) == 1


def test_embeddings_that_read_neighbouring_tokens():
    model = transformers.MobileBertModel(transformers.MobileBertConfig(**SETTINGS, embedding_size=8))
    reason = "Padding is computed: MobileBertModel is not among the encoders that can skip it"
    assert skip_padding(model, wanted=True, on_xla=False) == (False, (reason,))


def test_another_attention_and_decoders(config):
    eager = BertForMaskedLM(BertConfig(**SETTINGS, attn_implementation="eager"))
    reason = "Padding is computed: skipping it needs the attention sdpa, and this model has eager"
    assert skip_padding(eager, wanted=True, on_xla=False) == (False, (reason,))
    config.is_decoder = True
    reason = "Padding is computed: BertModel is a decoder"
    assert skip_padding(transformers.BertModel(config), wanted=True, on_xla=False) == (False, (reason,))


def test_wrapped_models_and_fixed_shapes(config):
    wrapped = add_lora(BertForSequenceClassification(config), lora_config({"r": 2}), ["classifier"])
    assert skip_padding(wrapped, wanted=True, on_xla=False) == (True, ())
    encoder = small_encoder("ModernBertModel")
    assert skip_padding(encoder, wanted=True, on_xla=True) == (False, ())
    assert get_attn_implementation(encoder.config) == FIXED_ATTENTION


def test_a_device_that_lacks_an_operation_computes_padding(config, monkeypatch):
    """The device meta stands for one that has them all."""
    device = torch.device("meta")
    assert missing_operation(device) is None
    assert skip_padding(transformers.BertModel(config), True, on_xla=False, device=device) == (True, ())

    def index_copy_(*_):
        raise NotImplementedError("'aten::index_copy.out' is not currently implemented for the MPS device.\nSet …")

    monkeypatch.setattr(torch.Tensor, "index_copy_", index_copy_)
    skipped, (note,) = skip_padding(transformers.BertModel(config), True, on_xla=False, device=device)
    assert not skipped
    assert note.endswith("lacks an operation ('aten::index_copy.out' is not currently implemented for the MPS device.)")
