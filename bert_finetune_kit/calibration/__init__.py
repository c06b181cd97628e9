"""Probabilities that are right as often as they say: temperatures, reliability, refused predictions, sets of labels."""
