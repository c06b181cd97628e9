import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import bert_finetune_kit


def run(code, **variables):
    """Run code in a process of its own, with these environment variables, of which None are unset."""
    environment = {name: value for name, value in (os.environ | variables).items() if value is not None}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)


def test_importing_the_kit_imports_nothing_heavy():
    modules = run("import sys, bert_finetune_kit; print(*sorted(sys.modules))").stdout.split()
    heavy = {"torch", "transformers", "datasets", "numpy", "accelerate", "rich", "peft", "evaluate"}
    assert heavy.isdisjoint(modules)
    assert "bert_finetune_kit" in modules


@pytest.mark.parametrize("name", bert_finetune_kit.__all__)
def test_every_public_name_exists_and_is_documented(name):
    assert name in dir(bert_finetune_kit)
    value = getattr(bert_finetune_kit, name)
    assert isinstance(value, dict) or value.__doc__


def test_the_api_page_shows_every_public_name_once():
    page = (Path(__file__).parents[1] / "docs" / "api.md").read_text("utf-8")
    shown = re.findall(r"^::: bert_finetune_kit\.(\S+)\.(\w+)$", page, re.MULTILINE)
    stub = Path(bert_finetune_kit.__file__).with_suffix(".pyi").read_text("utf-8")
    public = re.findall(r"^from \.(\S+) import (\w+) as \2$", stub, re.MULTILINE)
    assert sorted(name for _, name in public) == bert_finetune_kit.__all__
    assert sorted(set(shown)) == sorted(shown)
    assert set(public) <= set(shown)
    for module, name in set(shown) - set(public):  # types and functions for a new recipe, imported from their modules
        assert getattr(import_module(f"bert_finetune_kit.{module}"), name).__doc__, (module, name)


def test_a_name_that_does_not_exist():
    with pytest.raises(AttributeError, match="attribute PretrainReceipt"):
        bert_finetune_kit.PretrainReceipt  # noqa: B018
    with pytest.raises(ImportError, match="cannot import name 'PretrainReceipt'"):
        from bert_finetune_kit import PretrainReceipt  # noqa: F401
    done = run("import bert_finetune_kit; bert_finetune_kit.PretrainReceipt")
    assert "Did you mean: 'PretrainRecipe'?" in done.stderr


LARGE_PAGES = """
import os, sys

class Finder:
    def find_spec(name, *_):
        if name in ("torch", "transformers"):  # whose Trainer allocates when it is imported
            print("large pages:", os.environ.get("THP_MEM_ALLOC_ENABLE"), flush=True)
            os._exit(0)

sys.meta_path.insert(0, Finder)
import bert_finetune_kit
print("after import:", os.environ.get("THP_MEM_ALLOC_ENABLE"), flush=True)
bert_finetune_kit.RECIPE
"""


@pytest.mark.parametrize("recipe", ["PretrainRecipe", "ClassificationRecipe", "QARecipe"])
@pytest.mark.parametrize("value", [None, "0"])
def test_torch_is_asked_for_large_pages_before_it_allocates(recipe, value):
    done = run(LARGE_PAGES.replace("RECIPE", recipe), THP_MEM_ALLOC_ENABLE=value)
    assert done.stdout.splitlines() == [f"after import: {value}", f"large pages: {value or 1}"], done.stderr
