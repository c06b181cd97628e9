"""Pretrain BERT: `python examples/pretrain.py`, with no argument on the bundled sample.

The same as `bert-finetune-kit pretrain`, for a launcher. On several GPUs, on your own text, from a checkpoint:

    accelerate launch --config_file accelerate_configs/multi_gpu.yaml examples/pretrain.py --train my_text.txt \
        --model google-bert/bert-base-uncased

`--help` lists the settings, `--help-all` all of the Trainer, too; `--config settings.yaml` reads them from a file.
"""

from bert_finetune_kit import PretrainRecipe


def main() -> None:
    """Train; on TPUs each process calls this function."""
    PretrainRecipe.main()


if __name__ == "__main__":
    main()
