"""Pretrain, then fine-tune the result twice, as a classifier and to answer questions, with one report for the whole.

    accelerate launch examples/full_pipeline.py

Without arguments a tiny BERT on the bundled sample, in a few minutes on two CPU cores. `--output_dir FOLDER` says where
the runs and `overview.md`, one report for the whole, go.
"""

import argparse

from bert_finetune_kit import ClassificationRecipe, Overview, PretrainRecipe, QARecipe


def main() -> None:
    """Run the three stages one after the other, each from the weights of the first."""
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
    for stage in stages:
        stage.train()
    if stages[0].args.process_index == 0:
        Overview.load(folder, tuple(stage.name for stage in stages)).save(folder)


if __name__ == "__main__":
    main()
