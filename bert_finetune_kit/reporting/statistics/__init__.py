"""Statistics of scores: what is independent, intervals, paired tests, seeds. Of numbers alone, without a report."""
