"""Training tokens a second: the kit against the stock Trainer, same model, same examples, same batches.

    python benchmarks/pretraining.py --train my_text.txt --tokenizer vocab.txt

The stock side is `Trainer` with `transformers.BertForPreTraining` and `DataCollatorForLanguageModeling`. Each side runs
`--steps` steps after three that are not counted, in turn, `--repeats` times.
"""

import argparse
import tempfile
import time

import torch
import transformers
from sides import compare
from transformers import BertConfig, DataCollatorForLanguageModeling, Trainer, TrainerCallback

from bert_finetune_kit import PretrainConfig, PretrainRecipe, TextSource

WARM_UP = 3


class Stopwatch(TrainerCallback):
    """Times the steps after the warm-up."""

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == WARM_UP:
            synchronize()
            self.started = time.perf_counter()

    def on_step_end(self, args, state, control, **_):
        if state.global_step == state.max_steps:
            synchronize()
            self.seconds = time.perf_counter() - self.started


def synchronize() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", help="text to train on; none means the bundled sample")
    parser.add_argument("--tokenizer", help="vocab.txt or folder; none means one trained on the text")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--hidden", type=int, default=384)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()

    folder = tempfile.mkdtemp()
    args = PretrainRecipe.default_args(
        folder,
        max_steps=WARM_UP + options.steps,
        per_device_train_batch_size=options.batch,
        eval_strategy="no",
        save_strategy="no",
        logging_steps=10_000,
        logging_first_step=False,
        disable_tqdm=True,
        bf16=options.bf16,
    )
    model = BertConfig(
        vocab_size=30_522,
        hidden_size=options.hidden,
        num_hidden_layers=options.layers,
        num_attention_heads=options.hidden // 32,
        intermediate_size=4 * options.hidden,
    )
    recipe = PretrainRecipe(
        TextSource(options.train),
        model=model,
        tokenizer=options.tokenizer,
        config=PretrainConfig(max_length=options.length),
        args=args,
    )
    prepared = recipe.prepared()
    keys = list(recipe.build_trainer(prepared, args)._get_train_sampler())
    needed = (WARM_UP + options.steps) * options.batch
    chosen = (keys * (needed // len(keys) + 1))[:needed]
    tokens = sum(len(prepared.train[key]["input_ids"]) for key in chosen[WARM_UP * options.batch :])
    stock_names = ("input_ids", "token_type_ids", "next_sentence_label")
    stock_examples = [{name: prepared.train[key][name] for name in stock_names} for key in chosen]

    def stock() -> float:
        watch = Stopwatch()
        Trainer(
            model=transformers.BertForPreTraining(model),
            args=args,
            data_collator=DataCollatorForLanguageModeling(prepared.tokenizer),
            train_dataset=stock_examples,
            callbacks=[watch],
        ).train()
        return tokens / watch.seconds

    def kit() -> float:
        watch = Stopwatch()
        recipe.callbacks = [watch]
        recipe.build_trainer(prepared, args).train()
        return tokens / watch.seconds

    precision = "bf16" if options.bf16 else "fp32"
    shape = (
        f"{options.layers} layers, {options.hidden} wide, {options.length} tokens, batch {options.batch}, {precision}"
    )
    compare({"stock Trainer": stock, "the kit": kit}, options.repeats, "tokens/s", f"pretraining: {shape}")


if __name__ == "__main__":
    main()
