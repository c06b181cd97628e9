"""How a recipe trains: the Trainer, its sampler, its progress view and the base of all recipes."""
