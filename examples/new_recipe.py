"""A recipe for something new: named entities by token classification, on sentences that it makes itself.

Written from the table of hooks in docs/design.md: `python examples/new_recipe.py --model tiny`.
"""

from dataclasses import dataclass

import numpy as np
import torch
import transformers
from torch.nn.functional import cross_entropy
from transformers.utils import ModelOutput

from bert_finetune_kit import BuiltModel, CardContext, Evaluation, Loss, PreparedData, Recipe, Score, train_wordpiece
from bert_finetune_kit.data.examples import split_key
from bert_finetune_kit.data.padding import pad_rows, span_mask
from bert_finetune_kit.modeling.finetuning_config import FineTuningConfig
from bert_finetune_kit.modeling.loading import config_from_scratch
from bert_finetune_kit.reporting.card_context import CardScore

LABELS = ("O", "PERSON", "PLACE")
WORDS = {"PERSON": ("ada", "omar", "ines", "mei", "rosa", "juno"), "PLACE": ("rome", "lima", "juno", "oslo", "rosa")}
PATTERNS = ("PERSON wrote to PERSON from PLACE", "in PLACE it rained when PERSON left for PLACE", "PERSON likes PLACE")
F1 = Score("f1", "entity F1", ".1%", "F1 of the words that are names")


def make_sentences(count, seed):
    """Return sentences as lists of (word, label); some names are those of persons and of places."""
    rng = np.random.default_rng(seed)
    patterns = [PATTERNS[number].split() for number in rng.integers(len(PATTERNS), size=count)]
    return [[(str(rng.choice(WORDS[w])), w) if w in WORDS else (w, "O") for w in pattern] for pattern in patterns]


class Sentences:
    """Examples of a split: token ids, and of the first token of each word the id of its label, of the others -100."""

    def __init__(self, sentences, tokenizer):
        words = [[word for word, _ in sentence] for sentence in sentences]
        encoded = tokenizer(words, is_split_into_words=True)
        self.input_ids, self.labels = encoded["input_ids"], []
        for number, sentence in enumerate(sentences):
            ids = encoded.word_ids(number)
            first = [word is not None and word not in ids[:place] for place, word in enumerate(ids)]
            labels = [LABELS.index(sentence[w][1]) if new else -100 for w, new in zip(ids, first, strict=True)]
            self.labels.append(labels)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, key):
        _, index, in_loss = split_key(key)
        labels = self.labels[index] if in_loss else [-100] * len(self.labels[index])
        return {"input_ids": self.input_ids[index], "labels": labels}


def collate(examples):
    """Examples → batch of input_ids, attention_mask and labels, (batch, seq) each."""
    lengths = [len(example["input_ids"]) for example in examples]
    batch = {name: pad_rows([e[name] for e in examples], pad, max(lengths)) for name, pad in PADDING.items()}
    batch["attention_mask"] = span_mask(lengths, max(lengths))
    return {name: torch.from_numpy(values) for name, values in batch.items()}


PADDING = {"input_ids": 0, "labels": -100}


@dataclass
class TaggerOutput(ModelOutput):
    """Sums over the words of each example, (batch,) each."""

    loss_sums: torch.Tensor = None
    hits: torch.Tensor = None
    predicted: torch.Tensor = None
    names: torch.Tensor = None


class BertForTokenClassification(transformers.BertForTokenClassification):
    """The stock model, whose forward returns one row an example."""

    def forward(self, labels=None, **inputs):
        """Return losses and counts of each example, or without labels what the stock model does."""
        output = super().forward(**inputs)
        if labels is None:
            return output
        losses = cross_entropy(output.logits.transpose(1, 2), labels, reduction="none", ignore_index=-100)
        tags, known, names = output.logits.argmax(-1), labels >= 0, labels > 0
        counts = ((tags == labels) & names, (tags > 0) & known, names)
        return TaggerOutput(losses.sum(1), *(count.sum(1) for count in counts))


class EntityRecipe(Recipe):
    """Tags the names of persons and places."""

    name = "entities"
    loss = Loss(
        sum_fn=lambda output: {"words": output.loss_sums.sum()},
        num_items_fn=lambda batch: {"words": (batch["labels"] >= 0).sum()},
    )
    glossary = (F1,)
    config = FineTuningConfig(max_length=32)
    defaults = Recipe.defaults | {"learning_rate": 1e-3}

    def prepare_data(self):
        """Sentences → examples."""
        train, validation = make_sentences(2000, seed=0), make_sentences(200, seed=1)
        tokenizer = train_wordpiece((" ".join(word for word, _ in sentence) for sentence in train), 100)
        return PreparedData(
            name="made sentences", tokenizer=tokenizer, collator=collate, initial_model=self.model_name_or_path,
            train=Sentences(train, tokenizer), validation={"validation": Sentences(validation, tokenizer)},
            glossary=self.glossary, best_metric="f1",
        )  # fmt: skip

    def build_model(self, data):
        """A tagger with newly initialized weights."""
        config = config_from_scratch(data.initial_model, len(data.tokenizer), data.tokenizer.pad_token_id)
        config.id2label, config.label2id = dict(enumerate(LABELS)), {label: n for n, label in enumerate(LABELS)}
        return BuiltModel(BertForTokenClassification(config), ("all weights",))

    def compute_metrics(self, data, outputs):
        """F1 of the words that are names."""
        losses, hits, predicted, names = (field.sum() for field in outputs)
        return {"f1": 2 * hits / max(predicted + names, 1), "loss": losses / len(outputs[0])}

    def evaluation(self, data, outputs):
        """The scores of the saved weights."""
        return Evaluation(scores=self.compute_metrics(data, outputs["validation"]))

    @classmethod
    def card_context(cls, report):
        """What the model card says."""
        score = CardScore(F1.label, "f1", report.result["f1"], F1.format_spec)
        return CardContext(
            task="token-classification", purpose="It tags names of persons and places.", scores=[score],
            scored_on="On 200 sentences.", baseline="", examples=[], limits=["Its sentences follow three patterns."],
        )  # fmt: skip


def main():
    """Train; on TPUs each process calls this function."""
    EntityRecipe.main()


if __name__ == "__main__":
    main()
