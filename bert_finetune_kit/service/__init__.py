"""A small local HTTP service of one trained model, with a page to try it in a browser."""
