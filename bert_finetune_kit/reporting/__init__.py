"""What came out of a run: one report as plain data, and its renderings."""
