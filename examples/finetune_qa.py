"""Fine-tune BERT to extract the answer to a question from a text, or to abstain.

The same as `bert-finetune-kit answer`, for a launcher. Without arguments: a tiny BERT on the bundled sample, a minute
on two CPU cores. SQuAD v2 with BERT-base on a GPU:

    accelerate launch --config_file accelerate_configs/single_gpu.yaml examples/finetune_qa.py --train squad_v2 \
        --model google-bert/bert-base-uncased --learning_rate 3e-5 --num_train_epochs 2 --output_dir runs/squad_v2

`--help` lists the settings, `--help-all` all of the Trainer, too. --resume continues a run that was stopped.
"""

from bert_finetune_kit import QARecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    QARecipe.main()


if __name__ == "__main__":
    main()
