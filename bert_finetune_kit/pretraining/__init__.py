"""Pretraining BERT: masked language modelling with next sentence prediction, sentence order, or alone."""
