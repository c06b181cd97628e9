"""Pretrain BERT: `accelerate launch examples/pretrain.py`, with no argument on the bundled sample.

On your own text, continuing from a checkpoint:

    accelerate launch examples/pretrain.py --train my_text.txt --model google-bert/bert-base-uncased

`--help` lists every setting of the source, the recipe and the Trainer; `--config settings.yaml` reads them from a file.
"""

from bert_finetune_kit import PretrainRecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    PretrainRecipe.main()


if __name__ == "__main__":
    main()
