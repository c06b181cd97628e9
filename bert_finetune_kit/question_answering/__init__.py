"""Extractive question answering."""

import bert_finetune_kit.modeling  # noqa: F401 before transformers' Trainer, see there
