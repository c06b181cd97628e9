"""A trained model at work: batches of inputs, and the settings saved beside it."""
