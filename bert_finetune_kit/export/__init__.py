"""Trained models as models of other runtimes, proven on their way out."""
