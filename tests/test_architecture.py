"""The architecture of docs/design.md: layers, imports that only go down, slices of the same shape, sizes."""

import ast
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bert_finetune_kit"
SLICES = {"pretraining", "classification", "question_answering"}
# From the bottom up: a module imports from its own package and from lower layers.
LAYERS: list[set[str]] = [
    {"errors", "json_objects", "output", "settings", "text_files"},
    {"argument_parser", "compat", "keywords", "tasks"},
    {"command_line", "data", "modeling"},
    {"reporting"},
    {"calibration"},
    {"contract", "exported", "inference", "runs"},
    {"training", *SLICES},
    {"export"},
    {"recipes"},
    {f"{name}/recipe" for name in SLICES},
    {"service"},
    {"commands"},
    {"__init__", "__main__"},
]
IN_EVERY_SLICE = {
    "__init__", "card", "collator", "config", "data", "evaluation", "examples", "metrics", "model", "recipe", "report",
}  # fmt: skip
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))
LONGEST = 300  # lines


def layer(module: str) -> int:
    """Return the layer of a module, from 0 at the bottom."""
    names = {module, module.split("/")[0]}
    return max(number for number, layer_names in enumerate(LAYERS) if names & layer_names)


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))


def imports(module: str) -> list[tuple[str, bool]]:
    """Return what a module imports: (path below the package or name outside it, whether inside)."""
    names: list[tuple[str, bool]] = []
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom):
            name = node.module or ""
            if node.level:
                above = module.split("/")[: -node.level]
                names.append(("/".join([*above, *name.split(".")]), True))
            elif name.startswith("bert_finetune_kit"):
                names.append(("/".join(name.split(".")[1:]), True))
            else:
                names.append((name, False))
        elif isinstance(node, ast.Import):
            names += [(alias.name, False) for alias in node.names]
    return names


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__"])
def test_imports_go_down(module):
    for other, inside in imports(module):
        if not inside:
            continue
        same_package = other.split("/")[0] == module.split("/")[0]
        assert same_package or layer(other) < layer(module), f"{module} imports {other}"


@pytest.mark.parametrize("module", [module for module in MODULES if layer(module) == 0 or module.startswith("tasks")])
def test_the_lowest_layers_import_the_standard_library_alone(module):
    for other, inside in imports(module):
        assert inside or other.split(".")[0] in sys.stdlib_module_names, f"{module} imports {other}"


WITHOUT_TORCH = ["exported/loading", *(f"{name}/exported" for name in SLICES)]
RUNTIMES = {"numpy", "tokenizers", "onnxruntime", "openvino"}


def test_what_an_exported_model_needs_imports_its_runtime_alone():
    found, remaining = set(), [*WITHOUT_TORCH]
    while remaining:
        module = remaining.pop()
        if module in found or module not in MODULES:
            continue
        found.add(module)
        packages = [f"{'/'.join(module.split('/')[:depth])}/__init__" for depth in range(1, module.count("/") + 1)]
        remaining += [package for package in packages if package in MODULES]
        for other, inside in imports(module):
            if inside:
                remaining.append(other)
            else:
                assert other.split(".")[0] in {*sys.stdlib_module_names, *RUNTIMES, PACKAGE.name}, f"{module}: {other}"
    assert {"classification/prediction", "question_answering/windows", "calibration/probabilities"} <= found


def test_only_training_imports_the_trainer():
    for module in MODULES:
        names = {
            alias.name for node in ast.walk(tree(module)) if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        assert "Trainer" not in names or module.startswith(("training/", "compat/")), module


@pytest.mark.parametrize("name", sorted(SLICES))
def test_slices_have_the_same_files(name):
    files = {module.split("/")[1] for module in MODULES if module.startswith(f"{name}/")}
    assert files >= IN_EVERY_SLICE


@pytest.mark.parametrize("module", MODULES)
def test_no_file_is_long(module):
    assert len((PACKAGE / f"{module}.py").read_text("utf-8").splitlines()) <= LONGEST


LIBRARIES = {"accelerate", "datasets", "evaluate", "huggingface_hub", "peft", "tokenizers", "torch", "transformers"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


@cache
def own_private_names() -> set[str]:
    """Return the private names that the package itself defines."""
    names = set()
    for module in MODULES:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
    return names


@pytest.mark.parametrize("module", [module for module in MODULES if not module.startswith("compat/")])
def test_private_names_of_libraries_are_used_in_compat_alone(module):
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in LIBRARIES:
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            assert not any(map(is_private, names)), f"{module} imports {names}"
        if isinstance(node, ast.Attribute) and is_private(node.attr):
            owner = ast.unparse(node.value)
            assert owner in ("self", "cls", "super()"), f"{module} reads {owner}.{node.attr}"
            assert node.attr in own_private_names(), f"{module} reads the inherited {node.attr}"
