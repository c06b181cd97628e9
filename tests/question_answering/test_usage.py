"""The settings that are saved beside a model for question answering."""

import json

import pytest

from bert_finetune_kit import ModelError, QAConfig
from bert_finetune_kit.question_answering.usage import SETTINGS_FILE, load_usage, save_usage

CONFIG = QAConfig(max_length=96, doc_stride=16, max_question_length=24)


def test_settings_are_read_back(tmp_path):
    save_usage(CONFIG, 0.25, tmp_path)
    assert load_usage(str(tmp_path), None) == (CONFIG, 0.25)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"threshold": None}, "threshold is None"),
        ({"threshold": "0.5"}, "threshold is '0.5'"),
        ({"threshold": -7.5}, "threshold is -7.5"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"threshold": True}, "threshold is True"),
        ({"config": None}, "QAConfig is null"),
        ({"config": {"n_best": True}}, "n_best is true"),
        ({"config": {"max_length": [96]}}, "max_length is"),
        ({"config": {"colour": 1}}, "there is no field 'colour'"),
    ],
)
def test_a_damaged_file_beside_a_model(tmp_path, change, fault):
    save_usage(CONFIG, 0.25, tmp_path)
    file = tmp_path / SETTINGS_FILE
    content = json.loads(file.read_text())
    file.write_text(json.dumps(content | change))
    with pytest.raises(ModelError, match=f"is damaged: .*{fault}"):
        load_usage(str(tmp_path), None)
