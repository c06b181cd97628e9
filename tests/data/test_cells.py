import pytest

from bert_finetune_kit.data.cells import to_boolean, to_list


@pytest.mark.parametrize(
    ("values", "meaning"),
    [
        ((True, 1, 1.0, "true", "True", " TRUE ", "1", "1.0"), True),
        ((False, 0, 0.0, "false", "False", "0", "0.0"), False),
        ((None, "", float("nan")), None),
    ],
)
def test_booleans(values, meaning):
    assert all(to_boolean(value) is meaning for value in values)


@pytest.mark.parametrize("value", ["yes", 2, "tru", [1]])
def test_what_is_no_boolean(value):
    with pytest.raises(ValueError, match="neither true nor false"):
        to_boolean(value)


def test_lists():
    assert to_list("[0, 1, 0]") == [0, 1, 0]
    assert to_list("[true, false]") == [True, False]
    assert to_list("['a', \"b's\"]") == ["a", "b's"]
    for cell in ("[0 1 0]", "[a, b]", "['a'", "{}", "1", "[__import__('os')]"):
        with pytest.raises(ValueError):
            to_list(cell)
