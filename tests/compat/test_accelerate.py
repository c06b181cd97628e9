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
