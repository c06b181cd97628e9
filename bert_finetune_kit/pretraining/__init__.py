"""Pretraining BERT: masked language modelling with next sentence prediction, sentence order, or alone."""

import bert_finetune_kit.modeling  # noqa: F401 before transformers' Trainer, see there
