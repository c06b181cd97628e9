"""Pretrain, then fine-tune the result twice, as a classifier and to answer questions, with one report for the whole.

    accelerate launch examples/full_pipeline.py

Without arguments a tiny BERT on the bundled sample, in a few minutes on two CPU cores. `--output_dir FOLDER` says where
the runs and `overview.md`, one report for the whole, go. What was stopped goes on when it is started again.
"""

import argparse
import sys
from pathlib import Path

from bert_finetune_kit import ClassificationRecipe, KitError, Overview, PretrainRecipe, QARecipe


def main() -> None:
    """Run the stages that have not finished, each from the weights of the first, and put their reports together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output_dir", default="runs/pipeline")
    folder = parser.parse_args().output_dir
    pretrained = f"{folder}/pretraining"
    stages = (
        PretrainRecipe(args=PretrainRecipe.default_args(pretrained, sample=True)),
        ClassificationRecipe(
            model=pretrained, args=ClassificationRecipe.default_args(f"{folder}/classification", sample=True)
        ),
        QARecipe(model=pretrained, args=QARecipe.default_args(f"{folder}/question_answering", sample=True)),
    )
    try:
        for stage in stages:
            if not Path(stage.output_dir, "report.json").exists():
                stage.train(resume=True)
        if stages[0].args.process_index == 0:
            Overview.load(folder, tuple(stage.name for stage in stages)).save(folder)
    except KitError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
