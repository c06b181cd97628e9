PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all check format docs clean

help: ## show what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $(STAMP)

install: $(STAMP) ## make .venv and install the kit with what its tests need

LAUNCH := $(BIN)/accelerate launch --config_file accelerate_configs/cpu.yaml

demo: $(STAMP) ## pretrain a tiny BERT on the bundled sample, fine-tune it twice, and show one report for the whole
	@rm -rf runs/demo
	$(LAUNCH) examples/full_pipeline.py --output_dir runs/demo

test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -m 'not slow'

test-all: $(STAMP) ## run the tests and the slow ones
	$(BIN)/python -m pytest

check: $(STAMP) ## lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

format: $(STAMP) ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## build the documentation as pages in build/site
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## remove what was made, the virtual environment too
	rm -rf $(VENV) runs build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
