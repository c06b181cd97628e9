"""What the tests of several commands need."""

import json

import pytest


@pytest.fixture
def finished(uninterrupted, tmp_path):
    """Return a folder with the report of a run, which says that it is of this recipe."""

    def write(recipe, name="run"):
        report = json.loads((uninterrupted("classification") / "report.json").read_text("utf-8"))
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(report | {"recipe": recipe}), "utf-8")
        return str(tmp_path / name)

    return write
