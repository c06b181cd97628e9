"""Classification and regression of texts and pairs of texts."""

import bert_finetune_kit.modeling  # noqa: F401 before transformers' Trainer, see there
