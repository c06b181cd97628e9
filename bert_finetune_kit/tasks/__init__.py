"""What is learnt: declarations of tasks, plain data."""
