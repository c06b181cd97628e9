"""What the recipes promise, and for which architectures: the table of docs/models.md.

`python tests/contract/promises.py` writes the table; the tests of this folder check each cell of it.
"""

from pathlib import Path

import pytest
import transformers
from encoders import ARCHITECTURES, tiny_config

from bert_finetune_kit.modeling.architecture import architecture_name

ALL_RECIPES = 14  # architectures that are trained with all recipes
DOCS = Path(__file__).parents[2] / "docs" / "models.md"
START, END = "<!-- table of promises -->", "<!-- end of the table -->"
PROMISES = {
    "padding ignored": "an example has the same logits in any batch as alone, as `tokenizer(text, pair)` frames it",
    "padding skipped": "the padding of a batch is not computed",
    "chosen positions": "the head for masked words computes the masked positions alone",
    "pairs": "PretrainRecipe has an objective for pairs of segments beside masked words",
    "accumulation": "4 batches of 4 have the gradient of one of 16, and 2 processes that of one",
    "resume": "a run that was stopped and resumed has the weights of one that was not, to the last bit",
    "stock checkpoint": "`AutoModel…from_pretrained` loads it with no missing or unexpected weights, and equal logits",
    "LoRA": "adapters find the projections of queries and values, and are merged into a stock checkpoint",
    "layers": "`freeze_layers` and `layer_decay` have layers with weights of their own",
}
_READ_PADDING = ("convbert", "funnel", "mobilebert", "yoso")  # convolutions, pooling and masks that look at it
_OWN_ATTENTION = (
    "big_bird", "convbert", "deberta", "deberta-v2", "flaubert", "funnel", "ibert", "longformer", "luke",
    "megatron-bert", "mobilebert", "mpnet", "rembert", "roformer", "squeezebert", "xlm", "yoso",
)  # fmt: skip
HAVE_PAIRS = ("albert", "bert", "big_bird", "ernie", "megatron-bert", "mobilebert")
LEFT_OUT = {
    "padding ignored": _READ_PADDING,
    "padding skipped": _OWN_ATTENTION,
    "chosen positions": (),
    "accumulation": _READ_PADDING,
    "LoRA": ("ibert", "squeezebert"),
    "layers": ("albert", "funnel"),
}

# Each architecture as a parameter of a test; those that are not trained with all recipes are slow.
EACH = [
    pytest.param(model_type, marks=[pytest.mark.slow] if number >= ALL_RECIPES else [])
    for number, model_type in enumerate(ARCHITECTURES)
]
# What trains: the first architectures with every recipe, the others with one.
CASES = [
    (model_type, recipe)
    for number, model_type in enumerate(ARCHITECTURES)
    for recipe in ("pretraining", "classification", "question_answering")
    if number < ALL_RECIPES or recipe == "classification"
]


def holds(model_type, promise):
    """Return whether a promise is kept for an architecture."""
    if promise == "pairs":
        return model_type in HAVE_PAIRS
    return model_type not in LEFT_OUT.get(promise, ())


def table():
    """Return the table of architectures and promises as Markdown, with what each promise is below it."""
    names = {model_type: architecture_name(tiny_config(model_type)) for model_type in ARCHITECTURES}
    rows = [f"| architecture | {' | '.join(PROMISES)} |", f"| --- |{' :-: |' * len(PROMISES)}"]
    for model_type, name in names.items():
        cells = ["✓" if holds(model_type, promise) else "–" for promise in PROMISES]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*rows, "", *(f"- *{name}*: {text}." for name, text in PROMISES.items())])


def with_table(page):
    """Return a page with the table between its marks."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{table()}\n\n{END}{after}"


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    DOCS.write_text(with_table(DOCS.read_text("utf-8")), "utf-8")
