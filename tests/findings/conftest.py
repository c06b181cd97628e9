import pytest
from toys import documents, pretraining
from transformers import BertConfig


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tokenizer):
    """Folder of a model of two narrow layers that was pretrained for some steps on the toy documents."""
    folder = tmp_path_factory.mktemp("pretrained") / "run"
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
    )  # fmt: skip
    train, validation = documents(tokenizer, 48, 1), documents(tokenizer, 24, 2)
    pretraining(folder, tokenizer, config, train, validation, max_steps=9).train()
    return str(folder)
