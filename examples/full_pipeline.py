"""Pretrain, fine-tune the result twice, and put all reports on one page: the command `bert-finetune-kit pipeline`.

    accelerate launch --config_file accelerate_configs/single_gpu.yaml examples/full_pipeline.py
    accelerate launch --config_file accelerate_configs/single_gpu.yaml examples/full_pipeline.py --preset assignment

`--help` says what can be set. A stopped pipeline resumes when it is started again, and skips the stages that have
finished.
"""

import sys

from bert_finetune_kit.commands.main import main as run_command


def main() -> None:
    """Run the pipeline; on TPUs each process calls this function."""
    run_command(["pipeline", *sys.argv[1:]])


if __name__ == "__main__":
    main()
