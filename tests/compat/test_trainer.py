"""Private attributes of the Trainer that `compat/trainer.py` reads and writes."""

import inspect

from transformers import Trainer


def test_the_trainer_keeps_the_loss_since_the_last_log_under_these_names():
    source = inspect.getsource(Trainer)
    for name in ("_tr_loss", "_globalstep_last_logged"):
        assert f"self.{name}" in source, name


def test_the_trainer_asks_a_private_method_which_evaluation_is_the_best():
    assert "self._determine_best_metric(metrics=metrics, trial=trial)" in inspect.getsource(Trainer)
