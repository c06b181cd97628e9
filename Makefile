PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help install demo test test-all test-oldest test-newest gpu check format docs clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $(STAMP)

install: $(STAMP) ## make .venv and install the kit with its test requirements

demo: $(STAMP) ## pretrain a tiny BERT on the bundled sample, fine-tune it twice, and write one summary page
	@rm -rf runs/demo
	$(BIN)/bert-finetune-kit pipeline --output_dir runs/demo

# Two processes, as tests use one thread each; the tests of a file stay together, since they share what was trained. In
# the order of the files the quick doctests come last; else it would be files of one long test, for which one waits.
PYTEST := -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(STAMP) ## run the tests
	$(BIN)/python $(PYTEST) -m 'not slow and not gpu'

test-all: $(STAMP) ## run the tests and the slow ones, with the packages of all extras
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[test,serve,onnx,openvino]'
	$(BIN)/python $(PYTEST)

HUGGING_FACE := accelerate datasets evaluate huggingface_hub peft tokenizers transformers

# $(call test_with,NAME,OPTIONS) runs the tests in .venv-NAME; pip's OPTIONS choose its Hugging Face packages.
define test_with
	@test -x .venv-$(1)/bin/python || $(PYTHON) -m venv .venv-$(1)
	@grep -vE '^($(subst $() ,|,$(HUGGING_FACE)))==' constraints.txt > .venv-$(1)/constraints.txt
	.venv-$(1)/bin/python -m pip install --quiet --constraint .venv-$(1)/constraints.txt $(2) --editable '.[test]'
	.venv-$(1)/bin/python -m pip list | grep -E '^(torch|$(subst $() ,|,$(HUGGING_FACE))) '
	.venv-$(1)/bin/python $(PYTEST) -m 'not slow and not gpu'
endef

test-oldest: ## run the tests with the oldest Hugging Face packages allowed, in .venv-oldest
	$(call test_with,oldest,--constraint constraints-oldest.txt)

test-newest: ## run the tests with the newest Hugging Face packages there are, in .venv-newest
	$(call test_with,newest,--upgrade $(HUGGING_FACE))

gpu: $(STAMP) ## run the tests that need a GPU, and check parity, recipes, resume and speed on it
	$(BIN)/python -m pytest -m gpu tests/gpu
	$(BIN)/python benchmarks/gpu.py

check: $(STAMP) ## lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

format: $(STAMP) ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(STAMP) ## build the documentation as pages in build/site
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean: ## remove everything that was made, .venv included
	rm -rf $(VENV) .venv-oldest .venv-newest runs build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
