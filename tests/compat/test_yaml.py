"""The loader of compat/yaml.py, beside PyYAML's own."""

import yaml

from bert_finetune_kit.compat.yaml import read_yaml

TEXT = "- [no, yes, On, off, y]\n- [true, False, TRUE]\n- [1, 2e-5, 0.5, null, ~, 2001-01-01]\n- {a: &x [1], b: *x}\n"


def test_only_true_and_false_are_booleans(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text(TEXT, "utf-8")
    words, booleans, *others = read_yaml(file)
    assert words == ["no", "yes", "On", "off", "y"]
    assert booleans == [True, False, True]
    assert others == yaml.safe_load(TEXT)[2:]
    assert yaml.safe_load("no") is False  # the class that the loader extends is unchanged
