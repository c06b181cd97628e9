import numpy as np
import pytest

from bert_finetune_kit import ConfigError, DataCollatorForPreTraining, PretrainConfig


def test_defaults_are_those_of_the_paper():
    config = PretrainConfig()
    assert (config.objective, config.mlm_probability, config.short_sequence_probability) == ("nsp", 0.15, 0.1)


def test_all_faults_are_reported_at_once():
    with pytest.raises(ConfigError) as error:
        PretrainConfig(
            max_length=3,
            objective="mlm",
            pairs="words",
            mlm_probability=1.5,
            short_sequence_probability=-0.1,
            max_predictions=0,
            second_phase_length=3,
        )
    text = str(error.value)
    for part in ("7 faults", "max_length is 3", "'mlm': it can be nsp, sop, none", "'words'", "1.5", "-0.1", "exceed"):
        assert part in text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mlm_probability": 0}, "nothing would be masked"),
        ({"second_phase_length": 512, "second_phase_share": 1}, "one of the phases would be empty"),
        ({"pairs": "sentences", "objective": "none"}, "there are no pairs"),
    ],
)
def test_settings_that_exclude_each_other_are_rejected(settings, message):
    with pytest.raises(ConfigError, match=message):
        PretrainConfig(**settings)


@pytest.mark.parametrize(("bound", "expected"), [(None, 19), (10, 10), (40, 19)])
def test_predictions_bound(bound, expected):
    assert PretrainConfig(max_predictions=bound).predictions_bound(128) == expected


def test_predictions_bound_is_the_most_that_a_collator_masks(tokenizer):
    """For each length of a batch: no sequence that fits has more predictions, and at least one has as many."""
    rng, regular = np.random.default_rng(0), np.setdiff1d(np.arange(len(tokenizer)), tokenizer.all_special_ids)
    config = PretrainConfig(mlm_probability=0.17)
    collator = DataCollatorForPreTraining(tokenizer, mlm_probability=0.17)
    masked = [len(collator.choose(rng.choice(regular, length), rng)) for length in range(1, 129)]
    for length in (32, 64, 128):
        assert max(masked[:length]) == config.predictions_bound(length)
