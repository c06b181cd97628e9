"""The change of parameters as rows and as one line."""

from bert_finetune_kit.reporting.parameters import change_line, change_rows


def module(name, before, after, moved, trainable=True, layer=None):
    return {
        "name": name,
        "before": before,
        "after": after,
        "relative_change": moved,
        "trainable": trainable,
        "layer": layer,
    }


CHANGE = {
    "before": 1_100,
    "after": 1_005,
    "modules": [
        module("embeddings.word_embeddings", 500, 500, 0.0, trainable=False),
        module("encoder.layer.0", 100, 100, 0.0, trainable=False, layer=0),
        module("encoder.layer.1", 100, 100, 0.0000042, layer=1),
        module("encoder.layer.2", 100, 100, 0.0317, layer=2),
        module("pooler", 300, 0, None, trainable=False),
        module("classifier", 0, 205, None),
    ],
}


def test_rows():
    rows = change_rows(CHANGE)
    assert rows[1] == ("encoder.layer.0", "100", "100", "0%", "frozen")
    assert [row[3] for row in rows] == ["0%", "0%", "4.2e-04%", "3.17%", "", "", ""]
    assert [row[4] for row in rows[-3:]] == ["removed", "yes", ""]
    assert rows[-1][:3] == ("all", "1,100", "1,005")


def test_line():
    line = change_line(CHANGE)
    assert line.startswith("Parameters: 1,100 → 1,005 (-95)")
    assert "largest weight change: layer 2, 3.17% of its norm; smallest: layer 1, 4.2e-04%" in line
    assert "layer" not in change_line(CHANGE | {"modules": []})
