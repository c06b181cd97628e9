import numpy as np
import pytest

from bert_finetune_kit import ConfigError
from bert_finetune_kit.question_answering.answers import AnswerCheck, locate, to_tokens
from bert_finetune_kit.question_answering.config import QAConfig

CONTEXT = "At  six\tsharp the mill , the old mill , opens ."


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("six", 4, (4, 7, "exact")),
        (" six ", 4, (4, 7, "exact")),
        ("six sharp", 4, (4, 13, "repaired")),
        ("six sharp", 3, (4, 13, "repaired")),
        ("mill", 17, (18, 22, "repaired")),
        ("mill", 4, (4, 4, "missing")),
        ("seven", 4, (4, 4, "missing")),
        ("", 4, (4, 4, "missing")),
        ("six.*", 4, (4, 4, "missing")),
        ("six", 400, (400, 400, "missing")),
        ("mill", -1, (-1, -1, "missing")),
        ("opens", -1, (-1, -1, "missing")),
    ],
)
def test_an_answer_is_located_and_repaired_by_white_space(text, start, expected):
    assert locate(CONTEXT, text, start) == expected


def test_the_first_answer_that_is_in_its_context_is_used():
    check = AnswerCheck()
    assert check.first_span("a", CONTEXT, ["seven", "six sharp"], [4, 4]) == (4, 13)
    assert check.first_span("b", CONTEXT, ["six"], [4]) == (4, 7)
    assert check.first_span("c", CONTEXT, ["noon"], [0]) is None
    assert check.first_span("d", CONTEXT, ["six", "seven"], [4, 4]) == (4, 7)
    assert (check.exact, check.repaired, check.elsewhere, check.missing) == (2, 1, 3, ["c"])


def test_tokens_that_overlap_an_answer():
    starts, ends = np.array([0, 3, 7, 9]), np.array([2, 7, 8, 12])
    assert to_tokens(starts, ends, 3, 7) == (1, 1)
    assert to_tokens(starts, ends, 4, 10) == (1, 3)  # within words: whole words
    assert to_tokens(starts, ends, 2, 3) is None  # between them
    assert to_tokens(starts, ends, 12, 15) is None


def test_all_faults_of_a_config_are_reported_at_once():
    with pytest.raises(ConfigError, match="3 faults"):
        QAConfig(max_length=50, n_best=0, max_answer_length=0)
    with pytest.raises(ConfigError, match="can overlap by 0 to 316"):
        QAConfig(doc_stride=317)
