"""The section of a model card on exported forms."""

from bert_finetune_kit.reporting.exported_forms import save_form, saved_forms, with_forms

FORM = {
    "score": "accuracy", "before": 0.9, "after": 0.895, "low": -0.01, "high": 0.002, "equal": 0.98,
    "proven_on": "validation split", "examples": 200, "size": 25_000_000, "size_before": 100_000_000,
}  # fmt: skip
CARD = "---\nx: 1\n---\n\n# Title\n\n## Scores\n\nmany\n\n## Data\n\nsome\n"


def test_the_section_is_written_once_and_rewritten():
    first = with_forms(CARD, {"onnx int8": FORM})
    assert (
        "| onnx int8 | accuracy | 0.9 | 0.895 | -0.01 to +0.002 | 98.0% | 25.0 MB (25%) | validation split | 200 |"
        in first
    )
    assert first.index("## Scores") < first.index("## Exported forms") < first.index("## Data")
    both = with_forms(first, {"onnx int8": FORM, "openvino fp32": FORM | {"low": None, "high": None}})
    assert both.count("## Exported forms") == 1
    assert both.count("| openvino fp32 | accuracy | 0.9 | 0.895 |  | 98.0% |") == 1
    assert with_forms(both, {}) == CARD
    assert with_forms("a card of another form\n", {"onnx int8": FORM}).startswith(
        "a card of another form\n\n## Exported"
    )


def test_forms_are_kept_beside_the_model_and_forgotten_with_its_weights(tmp_path):
    (tmp_path / "README.md").write_text(CARD, "utf-8")
    save_form(tmp_path, "yesterday", "onnx fp32", FORM)
    save_form(tmp_path, "yesterday", "onnx int8", FORM)
    assert list(saved_forms(tmp_path, "yesterday")) == ["onnx fp32", "onnx int8"]
    assert "| onnx int8 |" in (tmp_path / "README.md").read_text("utf-8")
    assert saved_forms(tmp_path, "today") == {}
    save_form(tmp_path, "today", "openvino int8", FORM)
    assert list(saved_forms(tmp_path, "today")) == ["openvino int8"]
    assert "| onnx int8 |" not in (tmp_path / "README.md").read_text("utf-8")


def test_few_examples_and_zeros():
    few = FORM | {"examples": 99, "proven_on": "test.csv", "low": -0.0, "high": 0.0}
    text = with_forms(CARD, {"onnx int8": FORM, "onnx int8 (test.csv)": few})
    assert "Scores of fewer than 100 examples show nothing." in text
    assert "| onnx int8 (test.csv) | accuracy | 0.9 | 0.895 | 0 to 0 | 98.0% | 25.0 MB (25%) | test.csv | 99 |" in text
    assert "show nothing" not in with_forms(CARD, {"onnx int8": FORM})
    same = FORM | {"after": 0.9, "equal": 1.0}
    assert "| accuracy | 0.9 | 0.9 | equal | 100.0% |" in with_forms(CARD, {"onnx fp32": same})
