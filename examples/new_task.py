"""Your own task, in two ways: `python examples/new_task.py`.

The data are made here, so that the example needs nothing; a file, folder or Hub id goes in their place.
"""

from datasets import Dataset

from bert_finetune_kit import ClassificationConfig, ClassificationRecipe, ClassificationTask, register_task

WORDS = {"weather": ("rain", "wind", "snow", "fog"), "food": ("bread", "soup", "cheese", "pears")}
ROWS = [
    {"note": f"today there is {first} and {second}", "topic": topic}
    for topic, words in WORDS.items() for first in words for second in words
]  # fmt: skip

# 1. Declare it: `ClassificationRecipe("topics")` finds it, and `finetune_classification.py --task new_task.py:topics`.
register_task(
    ClassificationTask("topics", Dataset.from_list(ROWS * 4), text="note", label="topic", metrics=("accuracy",))
)


# 2. Or change one step of the recipe: here every text is shortened before it is tokenized.
class FirstWords(ClassificationRecipe):
    """Reads the first four words of each text."""

    def map_rows(self, rows: Dataset) -> Dataset:
        """Change texts before they are tokenized, for training, evaluation and prediction alike."""
        column = self.task.text
        return rows.map(lambda row: {column: " ".join(row[column].split()[:4])})


def main() -> None:
    """Train both."""
    for recipe in (ClassificationRecipe, FirstWords):
        args = recipe.default_args(f"runs/new_task/{recipe.__name__}", learning_rate=2e-3, num_train_epochs=4)
        config = ClassificationConfig(max_length=16)
        recipe("topics", model="tiny", args=args, config=config).train()


if __name__ == "__main__":
    main()
