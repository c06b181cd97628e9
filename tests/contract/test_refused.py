"""What cannot work is refused in words, before any training."""

import pytest
import transformers
from encoders import sample_sentences, tiny_config
from transformers import CONFIG_MAPPING

from bert_finetune_kit import ModelError
from bert_finetune_kit.data.sequences import sequence_formats
from bert_finetune_kit.data.vocabulary import SPECIAL_TOKENS, load_tokenizer, train_wordpiece
from bert_finetune_kit.modeling.architecture import check_encoder, head_class
from bert_finetune_kit.modeling.padding import skip_padding

pytestmark = pytest.mark.filterwarnings("ignore")
SMALL = {"vocab_size": 60, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.mark.parametrize(
    ("model_type", "reason"),
    [
        ("t5", "an encoder and a decoder"),
        ("bart", "an encoder and a decoder"),
        ("gpt2", "no head for masked words"),
        ("llama", "no head for masked words"),
        ("xlnet", "no head for masked words"),
        ("fnet", "no attention mask"),
        ("perceiver", "instead of tokens"),
        ("canine", "no head for masked words in transformers"),
        ("tapas", "tables"),
        ("modernvbert", "images beside texts"),
        ("ultravbert", "images beside texts"),
    ],
)
def test_what_is_no_encoder_of_texts(model_type, reason):
    if model_type not in CONFIG_MAPPING:
        pytest.skip("this version of transformers does not have it")
    with pytest.raises(ModelError, match=rf"x is a {model_type} model, which .*{reason}"):
        check_encoder(CONFIG_MAPPING[model_type](), "x")


def test_a_config_of_a_class_of_its_own():
    class Own(transformers.RobertaConfig):
        pass

    with pytest.raises(ModelError, match=r"class that transformers does not know \(Own\): pass a RobertaConfig with"):
        check_encoder(Own(), "x")


def test_adapters_without_a_language():
    config = transformers.XmodConfig(languages=["de_DE", "en_XX"])
    with pytest.raises(ModelError, match=r"x has adapters for 2 languages .*set_default_language\('de_DE'\)"):
        check_encoder(config, "x")
    config.default_language = "en_XX"
    check_encoder(config, "x")


def test_an_encoder_that_computes_no_attention():
    """Without its kernels transformers gives MRA no attention, and says nothing."""
    model = transformers.AutoModelForMaskedLM.from_config(transformers.MraConfig(**SMALL))
    with pytest.raises(ModelError, match="MraModel computes no attention on this machine"):
        skip_padding(model, True, on_xla=False)


@pytest.mark.parametrize(("model_type", "pooling"), [("xlm", "last"), ("flaubert", "mean")])
def test_a_head_that_reads_padding(model_type, pooling):
    config = tiny_config(model_type)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    skip_padding(model, True, on_xla=False)
    config.summary_type = pooling
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with pytest.raises(ModelError, match=rf"head of \w+ reads the padding of a batch \(summary_type is '{pooling}'\)"):
        skip_padding(model, True, on_xla=False)


def test_a_decoder():
    with pytest.raises(ModelError, match="left to right"):
        check_encoder(transformers.BertConfig(is_decoder=True), "x")


@pytest.mark.parametrize("model_type", ["esm", "nomic_bert"])
def test_an_architecture_without_the_head(model_type):
    head_class(CONFIG_MAPPING[model_type](), "SequenceClassification")
    with pytest.raises(ModelError, match=f"no QuestionAnswering head for {model_type}"):
        head_class(CONFIG_MAPPING[model_type](), "QuestionAnswering")


@pytest.mark.parametrize(
    ("model_type", "settings"),
    [
        ("nystromformer", {"num_landmarks": 4, "segment_means_seq_len": 64}),
        ("reformer", {"axial_pos_shape": [8, 16], "axial_pos_embds_dim": [16, 16], "attn_layers": ["local"]}),
    ],
)
@pytest.mark.parametrize("unpad", [True, False])
def test_an_encoder_of_sequences_of_one_length(model_type, settings, unpad):
    config = CONFIG_MAPPING[model_type](**SMALL | settings)
    model = transformers.AutoModelForMaskedLM.from_config(config)
    with pytest.raises(ModelError, match="cannot compute a sequence of 12 tokens"):
        skip_padding(model, unpad, on_xla=False)


def test_a_tokenizer_without_special_tokens_around_a_text():
    tokenizer = train_wordpiece(sample_sentences()[:50], 200)
    tokenizer.backend_tokenizer.post_processor = None
    with pytest.raises(ModelError, match="does not put special tokens around a text"):
        sequence_formats(tokenizer, takes_types=True)


def test_a_tokenizer_without_a_backend(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIAL_TOKENS, "a"]), "utf-8")
    for name in ("shapes.json", "sounds.json"):
        (tmp_path / name).write_text('{"a": 1}', "utf-8")
    files = [str(tmp_path / name) for name in ("vocab.txt", "shapes.json", "sounds.json")]
    with pytest.raises(ModelError, match="no fast backend"):
        load_tokenizer(transformers.RoCBertTokenizer(*files))
