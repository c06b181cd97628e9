"""What is wrong with a run, and why: pure rules over its report."""
