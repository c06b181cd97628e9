"""Formats of sequences as a BERT tokenizer has them."""

from bert_finetune_kit.data.sequences import SequenceFormat, sequence_formats


def bert_format(cls=2, sep=3, pair=True):
    """Return `[CLS] A [SEP] B [SEP]` or `[CLS] A [SEP]` with the types of BERT."""
    return SequenceFormat((cls,), (sep,) if pair else (), (sep,), (0, 0, 1 if pair else 0))


def format_of(tokenizer, pair):
    """Return the format of a tokenizer whose model takes token types."""
    return sequence_formats(tokenizer, takes_types=True)[pair]
