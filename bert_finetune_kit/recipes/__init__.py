"""What all recipes share: the base class, several seeds, pipelines."""
