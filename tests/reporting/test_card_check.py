import copy
import math

import pytest
import yaml
from huggingface_hub import ModelCard

from bert_finetune_kit import HubError
from bert_finetune_kit.reporting.card_check import check_card_file, metadata_faults

GOOD = """---
license: apache-2.0
language: en
tags: [bert]
base_model: google-bert/bert-base-uncased
base_model_relation: finetune
datasets: [nyu-mll/glue]
model-index:
- name: mine
  results:
  - task: {type: text-classification}
    dataset: {name: GLUE, type: nyu-mll/glue, config: sst2, split: validation}
    metrics:
    - {type: accuracy, value: 0.9}
---
# Mine
"""
METADATA = yaml.safe_load(GOOD.split("---")[1])


def test_what_is_right_passes(tmp_path):
    assert metadata_faults(METADATA) == []
    assert metadata_faults(ModelCard(GOOD).data.to_dict()) == []
    check_card_file(tmp_path)  # no card
    for text in (GOOD, "# A card without metadata\n", "\ufeff" + GOOD):
        (tmp_path / "README.md").write_text(text, "utf-8")
        check_card_file(tmp_path)


RESULT = ("model-index", 0, "results", 0)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("license",), "Apache 2.0", "license is 'Apache 2.0'"),
        (("license",), "other", "without a license_name"),
        (("license_name",), "My License", "license_name is 'My License'"),
        (("language",), "english", "language is 'english'"),
        (("language",), False, "YAML reads no as false"),
        (("tags",), [3], "tags is 3"),
        (("metrics",), [""], "metrics is ''"),
        (("pipeline_tag",), 5, "pipeline_tag is 5"),
        (("base_model",), "/home/ada/model", "base_model is '/home/ada/model'"),
        (("base_model",), ["a/b", "a/b/c"], "base_model is 'a/b/c'"),
        (("base_model_relation",), "child", "base_model_relation is 'child'"),
        (("datasets",), ["my reviews.csv"], "datasets is 'my reviews.csv'"),
        (("datasets",), [None], "datasets[0] is empty"),
        (("model-index",), [], "model-index is not a list"),
        (("model-index", 0, "name"), 3, "model-index[0].name is missing"),
        (("model-index", 0, "results"), [], "model-index[0].results is not a list"),
        ((*RESULT, "task"), {}, "model-index[0].results[0].task.type is missing"),
        ((*RESULT, "task"), "text", "model-index[0].results[0].task.type is missing"),
        ((*RESULT, "dataset", "type"), None, "model-index[0].results[0].dataset.type is missing"),
        ((*RESULT, "dataset", "config"), None, "model-index[0].results[0].dataset.config is empty"),
        ((*RESULT, "dataset", "split"), 1, "model-index[0].results[0].dataset.split is 1"),
        ((*RESULT, "metrics"), [], "model-index[0].results[0].metrics is not a list"),
        ((*RESULT, "metrics", 0, "value"), math.nan, "model-index[0].results[0].metrics[0].value is nan"),
        ((*RESULT, "metrics", 0, "value"), None, "model-index[0].results[0].metrics[0].value is missing"),
        ((*RESULT, "metrics", 0, "type"), None, "model-index[0].results[0].metrics[0].type is missing"),
    ],
)
def test_each_fault_names_its_field(place, value, message):
    data = copy.deepcopy(METADATA)
    holder = data
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    faults = metadata_faults(data)
    assert any(message in fault for fault in faults), faults


def test_a_card_that_is_no_card(tmp_path):
    for text, message in (
        ("---\n- a\n---\n", "the metadata are not a mapping"),
        ("---\na: [\n---\n", "cannot be read"),
        ("---\nlicense: MIT\nlanguage: no\n---\n", "license is 'MIT'"),
    ):
        (tmp_path / "README.md").write_text(text, "utf-8")
        with pytest.raises(HubError, match="the Hub refuses") as caught:
            check_card_file(tmp_path)
        assert message in str(caught.value)
        assert caught.value.final
