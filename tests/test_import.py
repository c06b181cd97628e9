import re
import subprocess
import sys
from pathlib import Path

import pytest

import bert_finetune_kit


def test_importing_the_kit_imports_nothing_heavy():
    code = "import sys, bert_finetune_kit; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"torch", "transformers", "datasets", "numpy", "accelerate", "rich", "peft", "evaluate"}
    assert heavy.isdisjoint(modules)
    assert "bert_finetune_kit" in modules


@pytest.mark.parametrize("name", bert_finetune_kit.__all__)
def test_every_public_name_is_there_and_documented(name):
    assert name in dir(bert_finetune_kit)
    value = getattr(bert_finetune_kit, name)
    assert isinstance(value, dict) or value.__doc__


def test_the_api_page_shows_every_public_name():
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
    shown = re.findall(r"^::: bert_finetune_kit\.(\S+)\.(\w+)$", page, re.MULTILINE)
    assert sorted((name, module) for module, name in shown) == sorted(bert_finetune_kit._HOME.items())


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="no attribute 'PretrainReceipt'"):
        bert_finetune_kit.PretrainReceipt  # noqa: B018
