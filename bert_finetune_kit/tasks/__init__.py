"""Declarations of tasks: plain data, standard library only."""
