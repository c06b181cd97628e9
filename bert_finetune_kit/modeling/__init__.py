"""BERT itself: sizes, loading, parameters."""
