"""The code, commands, settings and links of the documents work."""

import copy
import os
import re
import shlex
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from bert_finetune_kit import read_settings
from bert_finetune_kit.commands.main import COMMANDS
from bert_finetune_kit.commands.pipeline import build_parser as pipeline_parser
from bert_finetune_kit.commands.train import name_data
from bert_finetune_kit.reporting.diagnosis import registry as rule_registry
from bert_finetune_kit.tasks import registry as task_registry

# What pages add to, restored after each of them.
REGISTRIES = ((task_registry, "_TASKS"), (rule_registry, "_RULES"))
ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)  # indented in the tabs of a page


def blocks_of(page, language):
    matches = BLOCK.finditer(page.read_text("utf-8"))
    return [textwrap.dedent(match[3]) if match[1] else match[3] for match in matches if match[2] == language]


def blocks(language):
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks_of(page, language))
    ]


# README and quickstart are what a new user runs first; the others take longer, and distributed.md starts processes.
QUICK = ("README.md", "quickstart.md")
MARKS = {"README.md": [pytest.mark.page]} | {page.name: [pytest.mark.slow] for page in PAGES if page.name not in QUICK}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, id=page.name, marks=MARKS.get(page.name, ()))
        for page in PAGES
        if "```python" in page.read_text("utf-8")
    ],
)
def test_python_blocks_run_in_order(page, tmp_path, monkeypatch):
    """Run all blocks of a page in one namespace, as a reader would follow them."""
    monkeypatch.chdir(tmp_path)
    for module, registry in REGISTRIES:
        monkeypatch.setattr(module, registry, copy.copy(getattr(module, registry)))
    (tmp_path / "reports.jsonl").write_text('{"body": "Text ."}\n', "utf-8")
    reviews = [f"the soup was {word} {n},{stars}" for n in range(9) for word, stars in (("cold", 1), ("warm", 5))]
    (tmp_path / "reviews.csv").write_text("\n".join(["review,stars", *reviews]), "utf-8")
    code = "\n".join(blocks_of(page, "python"))
    if "notebook_launcher" in code:  # it needs a process in which nothing was trained
        subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True)
    else:
        exec(compile(code, page.name, "exec"), {"__name__": "__main__"})


@pytest.mark.parametrize("block", blocks("bash"))
def test_commands_name_existing_targets_and_files(block):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in block.splitlines():
        command = line.split("#")[0].split()
        if command[:1] == ["make"]:
            assert command[1] in targets
        for word in command:
            if word.startswith(("examples/", "benchmarks/", "accelerate_configs/")):
                assert (ROOT / word).exists(), word


def recipes():
    from bert_finetune_kit import ClassificationRecipe, PretrainRecipe, QARecipe

    return {
        "examples/pretrain.py": PretrainRecipe,
        "examples/finetune_classification.py": ClassificationRecipe,
        "examples/finetune_qa.py": QARecipe,
    }


@pytest.mark.parametrize("block", blocks("bash"))
def test_flags_of_the_examples_exist(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task.yaml").write_text("dataset: reviews.csv\n", "utf-8")
    (tmp_path / "lora.yaml").write_text("lora: '{\"r\": 16}'\n", "utf-8")
    joined = block.replace("\\\n", " ")
    for line in joined.splitlines():
        for example, recipe in recipes().items():
            if example in line:
                flags = shlex.split(line.split("#")[0].split(example)[1])
                recipe.from_command_line(flags)


def check_command(name, words):
    """Check that a command of the documents takes these words."""
    if name in ("pretrain", "classify", "answer"):
        examples = {"pretrain": "pretrain", "classify": "finetune_classification", "answer": "finetune_qa"}
        recipes()[f"examples/{examples[name]}.py"].from_command_line(name_data(words))
    elif name == "pipeline":
        flags = {recipe.name: [] for recipe in recipes().values()}
        for setting, values in read_settings(pipeline_parser().parse_known_args(words)[1]).items():
            stage, _, flag = setting.partition(".")
            flags[stage] += [f"--{flag}", *values]
        for recipe in recipes().values():
            recipe.from_command_line(flags[recipe.name])
    else:
        modules = {command.name: command.module for group in COMMANDS.values() for command in group}
        import_module(f"bert_finetune_kit.commands.{modules[name]}").build_parser().parse_args(words)


def test_the_words_of_commands_exist(monkeypatch, tmp_path):
    """In blocks, and in the text of tables and sentences."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_task.yaml").write_text("dataset: reviews.csv\n", "utf-8")
    (tmp_path / "lora.yaml").write_text("lora: '{\"r\": 16}'\n", "utf-8")
    checked = []
    for page in PAGES:
        text = page.read_text("utf-8").replace("\\\n", " ")
        for match in re.finditer(r"(?:bert-finetune-kit|-m bert_finetune_kit) ([a-z]+) ?([^`\n]*)", text):
            words = shlex.split(match[2].split("#")[0])
            if match[1] in {command.name for group in COMMANDS.values() for command in group} and words:
                check_command(match[1], words)
                checked.append(match[1])
    assert {*checked} == {command.name for group in COMMANDS.values() for command in group}


def test_the_flags_of_the_page_on_scripts_exist(capsys):
    """Those of the second column, by section: of all commands, or of the one that does what the script does."""
    page = (ROOT / "docs/from_scripts.md").read_text("utf-8")
    examples = {"run_glue": "finetune_classification", "run_qa": "finetune_qa", "run_mlm": "pretrain"}
    checked = 0
    for section in page.split("\n## ")[1:]:
        script = section.splitlines()[0].split(",")[0]
        names = [examples[script]] if script in examples else examples.values()
        rows = re.findall(r"^\| [^|]+ \| ([^|]+) \|", section, re.MULTILINE)
        for name in names:
            with pytest.raises(SystemExit):
                recipes()[f"examples/{name}.py"].from_command_line(["--help-all"])
            known = set(re.findall(r"^  (--\w+)", capsys.readouterr().out, re.MULTILINE))
            for flag in re.findall(r"--\w+", " ".join(rows)):
                assert flag in known, (section.splitlines()[0], flag)
                checked += 1
    assert checked > 25


@pytest.mark.parametrize("block", blocks("yaml"))
def test_settings_files_are_valid(block, tmp_path):
    file = tmp_path / "settings.yaml"
    file.write_text(block, "utf-8")
    if "compute_environment" in block:
        assert yaml.safe_load(block)
    elif "dataset:" in block:
        from bert_finetune_kit.classification.task_file import read_task

        assert read_task(file)
    else:
        recipe = recipes()["examples/finetune_classification.py" if "task:" in block else "examples/pretrain.py"]
        recipe.from_command_line(["--config", str(file)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_have_a_target(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_the_tests_in_the_tables_of_robustness_exist():
    page = (ROOT / "docs/robustness.md").read_text("utf-8")
    rows = re.findall(r"^\| .* \| ([\w/]+\.py)::(test_\w+) \|$", page, re.MULTILINE)
    headers = re.findall(r"^\| --- .*$", page, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\|", page, re.MULTILINE)) - 2 * len(headers)
    assert len(rows) >= 114
    for file, name in rows:
        assert re.search(rf"^def {name}\(", (ROOT / "tests" / file).read_text("utf-8"), re.MULTILINE), (file, name)
