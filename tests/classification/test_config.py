import numpy as np
import pytest

from bert_finetune_kit import ClassificationConfig, ConfigError


def test_all_faults_of_a_config_at_once():
    with pytest.raises(ConfigError, match="4 faults"):
        ClassificationConfig(max_length=1, layer_decay=0, threshold=2, class_weights="equal")


def test_class_weights_are_plain_numbers():
    assert ClassificationConfig(class_weights=np.array([1, 2.5])).class_weights == [1.0, 2.5]
    assert ClassificationConfig(class_weights=("1", "2.5")).class_weights == [1.0, 2.5]
    assert ClassificationConfig(class_weights=["balanced"]).class_weights == "balanced"
    for invalid in ([1.0, 0.0], [1.0, float("nan")], ["1", "two"]):
        with pytest.raises(ConfigError, match="a number above 0"):
            ClassificationConfig(class_weights=invalid)
