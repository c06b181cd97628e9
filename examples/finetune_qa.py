"""Fine-tune BERT to extract the answer to a question from a text, or to abstain.

Without arguments: a tiny BERT on the bundled sample, a minute on two CPU cores. SQuAD v2 with BERT-base on a GPU:

    accelerate launch examples/finetune_qa.py --model google-bert/bert-base-uncased --train squad_v2 \
        --learning_rate 3e-5 --num_train_epochs 2 --bf16 true --output_dir runs/squad_v2

`--help` lists every flag. --resume continues a run that was stopped.
"""

from bert_finetune_kit import QARecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    QARecipe.main()


if __name__ == "__main__":
    main()
