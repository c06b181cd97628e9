"""Exported models at work: numpy, tokenizers and the runtime of the model, and no torch."""
