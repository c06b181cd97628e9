"""The floors of the house: imports only go down (docs/design.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "bert_finetune_kit"
SLICES = {"pretraining", "classification", "question_answering"}
ROOMS = {"errors": 0, "tasks": 1, "data": 2, "modeling": 2, "reporting": 2, "training": 4}
MODULES = sorted(path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py"))


def floor(module: str) -> int:
    room, _, name = module.partition("/")
    if room in SLICES:
        return 5 if name == "recipe" else 3
    return 6 if room == "__init__" else ROOMS[room]


def imports(module: str) -> list[tuple[str, bool]]:
    """Modules that `module` imports at run time: (path below the package or name outside it, whether inside)."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            name = node.module or ""
            if node.level:
                above = module.split("/")[: -node.level]
                found.append(("/".join([*above, *name.split(".")]), True))
            elif name.startswith("bert_finetune_kit"):
                found.append(("/".join(name.split(".")[1:]), True))
            else:
                found.append((name, False))
        elif isinstance(node, ast.Import):
            found += [(alias.name, False) for alias in node.names]
    return found


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__"])
def test_imports_go_down(module):
    for other, inside in imports(module):
        if not inside:
            continue
        room = other.split("/")[0]
        same_room = room == module.split("/")[0]
        assert same_room or floor(other) < floor(module), f"{module} imports {other}"
        if room in SLICES:
            assert same_room, f"{module} imports another slice: {other}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith(("errors", "tasks"))])
def test_the_ground_floor_needs_the_standard_library_alone(module):
    import sys

    for other, inside in imports(module):
        assert inside or other.split(".")[0] in sys.stdlib_module_names, f"{module} imports {other}"


def test_only_training_imports_the_trainer():
    for module in MODULES:
        if module.startswith("training/") or module == "__init__":
            continue
        tree = ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))
        names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
        assert "Trainer" not in names, module


def test_every_module_is_on_a_floor():
    assert {floor(module) for module in MODULES} <= {0, 1, 2, 3, 4, 5, 6}
    assert len(MODULES) > 15
