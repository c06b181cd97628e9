"""`pretrain`, `classify` and `answer`: the flags of a recipe, with files to train on in the first place."""

from collections.abc import Sequence

from ..errors import ConfigError
from ..output import show

_EXAMPLES = {
    "pretrain": """
  bert-finetune-kit pretrain                                    # a tiny BERT on the bundled sample
  bert-finetune-kit pretrain my_text.txt --model google-bert/bert-base-uncased --output_dir runs/mine""",
    "classify": """
  bert-finetune-kit classify reviews.csv --text review --label stars --model google-bert/bert-base-uncased
  bert-finetune-kit classify --task sst2 --model google-bert/bert-base-uncased --bf16""",
    "answer": """
  bert-finetune-kit answer questions.json --model google-bert/bert-base-uncased
  bert-finetune-kit answer squad_v2 --model google-bert/bert-base-uncased --learning_rate 3e-5""",
}


def pretrain(words: Sequence[str]) -> None:
    """Pretrain on text."""
    from ..pretraining.recipe import PretrainRecipe

    PretrainRecipe.main(_training_flags("pretrain", words))


def classify(words: Sequence[str]) -> None:
    """Fine-tune a classifier."""
    from ..classification.recipe import ClassificationRecipe

    ClassificationRecipe.main(_training_flags("classify", words))


def answer(words: Sequence[str]) -> None:
    """Fine-tune for question answering."""
    from ..question_answering.recipe import QARecipe

    QARecipe.main(_training_flags("answer", words))


def _training_flags(name: str, words: Sequence[str]) -> list[str]:
    if {"-h", "--help", "--help-all"} & set(words):
        show(f"examples:{_EXAMPLES[name]}\n\nThe first words are the data, as after --train.\n")
    return name_data(words)


def name_data(words: Sequence[str]) -> list[str]:
    """Return flags in which the words before the first flag are those of `--train`.

    >>> name_data(["a.csv", "b.csv", "--text", "review"])
    ['--train', 'a.csv', 'b.csv', '--text', 'review']

    Raises:
        ConfigError: there is `--train`, too.
    """
    first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
    files, flags = list(words[:first]), list(words[first:])
    if not files:
        return flags
    if any(word.partition("=")[0] == "--train" for word in flags):
        raise ConfigError(f"Command line: {' '.join(files)} and --train are both data to train on: give one of them.")
    return ["--train", *files, *flags]
