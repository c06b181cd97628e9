"""What `compat/accelerate.py` says of accelerate's shared state."""

import pytest
from accelerate import Accelerator
from transformers import TrainingArguments

from bert_finetune_kit.compat.accelerate import OwnState


def test_the_state_outlives_other_arguments(tmp_path):
    accelerator = Accelerator(cpu=True)
    state, kind = OwnState(accelerator), accelerator.distributed_type
    assert TrainingArguments(str(tmp_path), use_cpu=True).device.type == "cpu"
    with pytest.raises(AttributeError, match="distributed_type"):
        _ = accelerator.distributed_type
    state.restore()
    assert accelerator.distributed_type == kind


def test_each_has_its_own_state(tmp_path):
    first = Accelerator(cpu=True)
    of_first = OwnState(first)
    assert TrainingArguments(str(tmp_path), use_cpu=True).device.type == "cpu"
    second = Accelerator(cpu=True, mixed_precision="bf16")
    of_second = OwnState(second)
    of_first.restore()
    first.state.later = 1
    of_first.restore()
    assert (first.mixed_precision, first.state.later) == ("no", 1)
    of_second.restore()
    assert second.mixed_precision == "bf16"
