"""A task of one's own, in two ways: `python examples/new_task.py`.

The data are made here, so that the example needs nothing; a file, folder or Hub id goes in their place.
"""

from typing import Any

from datasets import Dataset

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe, ClassificationTask, register_task

WORDS = {"weather": ("rain", "wind", "snow", "fog"), "food": ("bread", "soup", "cheese", "pears")}
ROWS = [
    {"note": f"today there is {one} and {other}", "topic": topic}
    for topic, words in WORDS.items() for one in words for other in words
]  # fmt: skip

# 1. Declare it: now `ClassificationRecipe("topics")` and `examples/finetune_classification.py --task topics` know it.
register_task(
    ClassificationTask("topics", Dataset.from_list(ROWS * 4), text="note", label="topic", metrics=("accuracy",))
)


# 2. Or change one step of the recipe: here every text is shortened before it is tokenized.
class FirstWords(ClassificationRecipe):
    """Reads the first four words of each text."""

    def load_examples(self) -> Any:
        """Source → rows with the columns of the task."""
        data = super().load_examples()
        return data.map_text(self.task.text, lambda text: " ".join(text.split()[:4]))


def main() -> None:
    """Train both."""
    for recipe in (ClassificationRecipe, FirstWords):
        args = recipe.default_args(f"runs/new_task/{recipe.__name__}", learning_rate=2e-3, num_train_epochs=4)
        config = ClassificationConfig(max_length=16)
        recipe("topics", model="tiny", args=args, config=config).train()


if __name__ == "__main__":
    main()
