"""`PretrainRecipe`: BERT pretrained on text, from scratch or from a checkpoint."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from transformers import BertConfig, TrainerCallback, TrainingArguments

from ..data.readers import KNOWN_NAMES
from ..data.sources import Corpus, TextSource, load_corpus
from ..data.vocabulary import check_vocabulary, continuation_mask
from ..errors import ConfigError, DataError, raise_faults
from ..modeling.loading import bert_config, checkpoint_config
from ..reporting.card_facts import CardFacts
from ..reporting.origin import data_origin, hub_id
from ..reporting.report import RunReport, Score, describe_object, describe_settings
from ..training.arguments import RunArguments, parse_arguments
from ..training.checkpoints import newest_whole
from ..training.preflight import optimizer_steps
from ..training.recipe import Prepared, Recipe
from ..training.trainer import Loss
from .card import card_facts
from .collator import DataCollatorForPreTraining
from .config import PretrainConfig
from .corpus import TokenizedCorpus, tokenize_corpus
from .evidence import masks_repeating, shared_documents
from .features import PretrainingExamples, split_held_out, usable_documents
from .metrics import GLOSSARY, baseline_scores, compute_metrics, loss_counts, loss_sums, score_intervals
from .model import build_model
from .phases import first_phase_args, second_phase
from .statistics import corpus_statistics
from .summary import result_table, summarize

# Learning rates: BERT's own (paper, appendix A.2), and a higher one for fresh models that are narrower than base.
_RATE, _SMALL_RATE, _BASE_WIDTH = 1e-4, 1e-3, 768
# What lets a tiny BERT learn the bundled sample in a minute or two.
_SAMPLE_ARGS = {"learning_rate": 2e-3, "num_train_epochs": 17}
_SAMPLE_CONFIG = PretrainConfig(max_length=64)


class PretrainRecipe(Recipe):
    """Masked language modelling with next sentence prediction (Devlin et al. 2019).

    Args:
        source: a Hub id (`"wikitext-2-raw-v1"` is known by its bare name), a file, folder or list of files, a
            `Dataset`, or a `TextSource` for all there is to say; none means the bundled sample.
        model: a Hub id or folder to continue from, a `BertConfig`, or a size by name (tiny, mini, small, medium, base,
            large) for fresh weights.
        args: the Trainer's own arguments; none means `PretrainRecipe.default_args()`.
        config: what to learn and how; none means the defaults of the BERT paper.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for fresh weights
            one trained on the text.
        callbacks: further callbacks for the Trainer.

    >>> from bert_finetune_kit import PretrainRecipe
    >>> report = PretrainRecipe().train()  # doctest: +SKIP
    """

    name: ClassVar[str] = "pretraining"
    loss: ClassVar[Loss] = Loss(sums=loss_sums, counts=loss_counts)
    glossary: Sequence[Score] = GLOSSARY

    def __init__(
        self,
        source: Any = None,
        *,
        model: str | Path | BertConfig = "tiny",
        args: TrainingArguments | None = None,
        config: PretrainConfig | None = None,
        tokenizer: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.source = source if isinstance(source, TextSource) else TextSource(train=source)
        self.config = config or (_SAMPLE_CONFIG if self.source.is_sample else PretrainConfig())
        if args is None:
            args = self.default_args(model=model, sample=self.source.is_sample)
        super().__init__(model, tokenizer, args, callbacks)

    @classmethod
    def default_args(
        cls, output_dir: str | None = None, *, model: Any = None, sample: bool = False, **settings: Any
    ) -> TrainingArguments:
        """As `Recipe.default_args`, with a learning rate that suits `model`, and more epochs for the bundled sample."""
        return super().default_args(output_dir, **(_suited(model, sample) | settings))

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["PretrainRecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (RunArguments, TextSource, PretrainConfig, TrainingArguments)
        defaults = {"output_dir": f"runs/{cls.name}", "model": "tiny", **cls.machine_defaults()}
        run, source, _, _ = parse_arguments(types, defaults, argv, show_help=False)
        defaults |= _suited(run.model, source.is_sample)
        if source.is_sample:
            defaults["max_length"] = _SAMPLE_CONFIG.max_length
        run, source, config, args = parse_arguments(types, defaults, argv)
        return cls(source, model=run.model, tokenizer=run.tokenizer, config=config, args=args), run

    # Hooks

    def check(self) -> None:
        """Check the settings against each other and against the model."""
        config = bert_config(self.given_model, vocab_size=1) or checkpoint_config(str(self.given_model))
        longest = max(self.config.max_length, self.config.second_phase_length or 0)
        faults = []
        if longest > config.max_position_embeddings:
            faults.append(
                f"{longest} tokens are asked for, and the model has {config.max_position_embeddings} positions: lower "
                "max_length, or give a BertConfig with more max_position_embeddings"
            )
        if self.config.objective != "none" and config.type_vocab_size < 2:
            faults.append(f"objective {self.config.objective!r} needs two token types, and the model has one")
        raise_faults(faults, "PretrainRecipe")

    def load_examples(self) -> Corpus:
        """Source → documents."""
        return load_corpus(self.source)

    def prepare(self) -> Prepared:
        """Text → documents → token ids → examples; the model beside them."""
        self._outputs: dict[int, Any] = {}  # what each validation example contributed, by step
        with self.timed("data"), self.args.main_process_first():
            corpus = self.load_examples()
            tokenizer = self.load_tokenizer(corpus.train["text"], corpus.train._fingerprint)
            config = bert_config(self.given_model, len(tokenizer)) or checkpoint_config(str(self.given_model))
            check_vocabulary(tokenizer, config.vocab_size)
            self._corpora = self._tokenize(corpus, tokenizer)
        self.corpus_name = corpus.name
        self._own_split = corpus.validation_split if self.source.max_documents is None else None
        self.notes += corpus.notes
        with self.timed("model"):
            model, new = build_model(self.given_model, self.config.objective, len(tokenizer), tokenizer.pad_token_id)
        self.evidence["new_parts"] = new
        if new:
            self.notes.append(f"new weights, not from a checkpoint: {', '.join(new)}")
        return self._build(model, tokenizer, self.config)

    def compute_metrics(self, prediction: Any) -> dict[str, float]:
        """Scores of masked words and pairs."""
        assert self.trainer is not None
        self._outputs[self.trainer.state.global_step] = prediction.predictions
        return compute_metrics(prediction)

    def fit(self, prepared: Prepared, checkpoint: str | None) -> list[dict[str, Any]]:
        """Train in one phase, or in two."""
        if self.config.second_phase_length is None:
            return super().fit(prepared, checkpoint)
        steps = optimizer_steps(len(prepared.train), self.args)
        first = self.run_trainer(prepared, first_phase_args(self.args, steps, self.config), checkpoint)
        args, config = second_phase(self.args, steps, self.config)
        folder = Path(str(args.output_dir))
        resumed = newest_whole(folder)[0] if checkpoint else None
        second = self.run_trainer(
            self._build(prepared.model, prepared.tokenizer, config), args, None if resumed is None else str(resumed)
        )
        return [log | {"phase": number} for number, phase in enumerate((first, second), start=1) for log in phase]

    def first_args(self) -> TrainingArguments:
        """Arguments of the first phase, whose checkpoints lie in the folder of the run."""
        if self.config.second_phase_length is None:
            return self.args
        return first_phase_args(self.args, optimizer_steps(len(self.prepared().train), self.args), self.config)

    def describe(self, result: dict[str, Any]) -> dict[str, Any]:
        """Summary, baselines, data and settings of the report."""
        prepared, objective = self.prepared(), self.config.objective
        splits = {"train": prepared.train, "validation": prepared.validation}
        data = {
            name: corpus_statistics(examples, prepared.tokenizer, self.args.per_device_train_batch_size)
            for name, examples in splits.items()
        }
        train_counts, eval_counts = (corpus.token_counts(len(prepared.tokenizer)) for corpus in self._corpora)
        for counts in (train_counts, eval_counts):
            counts[prepared.tokenizer.all_special_ids] = 0  # never masked, so no score is about them
        outputs = self._outputs.get(result.get("step", -1))  # not there where that was before the run was stopped
        intervals = score_intervals(outputs) if outputs is not None else {}
        baselines = baseline_scores(train_counts, eval_counts, pairs=objective != "none")
        self.evidence["leak"] = {"validation": shared_documents(*self._corpora)}
        self.evidence["masks_repeating"] = masks_repeating(prepared.train, prepared.collator)
        return {
            "summary": summarize(
                prepared.model, self.corpus_name, self.steps, self.config.objective, result, baselines
            ),
            "baselines": baselines,
            "data": data,
            "intervals": intervals,
            "tables": [result_table(self.glossary, result, intervals, baselines)] if result else [],
            "settings": {
                "source": describe_settings(self.source) | self._origin(),
                "recipe": asdict(self.config),
                "model": {
                    "given": describe_object(self.given_model),
                    "tokenizer": describe_object(self.given_tokenizer),
                }
                | _architecture(prepared.model),
            },
        }

    @classmethod
    def card_facts(cls, report: RunReport) -> CardFacts:
        """Purpose, scores of masked words and pairs, use and limits."""
        return card_facts(report)

    # Steps

    def _origin(self) -> dict[str, Any]:
        given, splits = self.source.train, [self._own_split] if self._own_split else []
        known = {name: data for name, (data, _) in KNOWN_NAMES.items()}
        config = given if isinstance(given, str) and given in KNOWN_NAMES else self.source.hub_config
        return data_origin(self.corpus_name, hub_id(given, known), config, splits)

    def _tokenize(self, corpus: Corpus, tokenizer: Any) -> tuple[TokenizedCorpus, TokenizedCorpus]:
        train = self._usable(tokenize_corpus(corpus.train, tokenizer), "train")
        least = 2 if self.config.objective == "nsp" else 1
        if corpus.validation is not None:
            validation = self._usable(tokenize_corpus(corpus.validation, tokenizer), "validation")
        else:
            self._check_count(train, 2 * least, "train")  # both halves of it must do
            kept, held_out = split_held_out(len(train), self.source.validation_share, least)
            self.notes.append(
                f"there is no validation split: {len(held_out):,} of {len(train):,} documents are held out for it, "
                "whatever the seed the same"
            )
            train, validation = train.subset(kept), train.subset(held_out)
        self._check_count(train, least, "train")
        self._check_count(validation, least, "validation")
        return train, validation

    def _check_count(self, corpus: TokenizedCorpus, least: int, split: str) -> None:
        if len(corpus) >= least:
            return
        needs = f"at least {least} are needed"
        if self.config.objective == "nsp":
            needs += ", since next sentence prediction takes random segments from another one"
        raise DataError(
            f"The {split} split has {len(corpus)} usable document{'s' * (len(corpus) != 1)}, and {needs}. Tell how "
            "documents are set apart (documents='blank_lines', 'headings' or 'records'), add text, or choose objective "
            "'sop' or 'none'."
        )

    def _usable(self, corpus: TokenizedCorpus, split: str) -> TokenizedCorpus:
        usable = usable_documents(corpus, self.config)
        if len(usable) == 0:
            raise DataError(f"No document of the {split} split is long enough for an example.")
        if len(usable) == len(corpus):
            return corpus
        self.notes.append(f"{len(corpus) - len(usable):,} documents of the {split} split are too short for an example")
        return corpus.subset(usable)

    def _build(self, model: Any, tokenizer: Any, config: PretrainConfig) -> Prepared:
        continuation = np.array(continuation_mask(tokenizer))
        if config.whole_word_masking and not continuation.any():
            raise ConfigError(
                "whole_word_masking is set, and no piece of the vocabulary begins with '##': words cannot be told. "
                "Leave it off, or give a WordPiece tokenizer."
            )
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        train, validation = (
            PretrainingExamples(corpus, config, tokenizer.cls_token_id, tokenizer.sep_token_id, continuation, seed)
            for corpus in self._corpora
        )
        lengths = self.batch_lengths(config.max_length)
        model.predictions_bound = None if lengths is None else config.predictions_bound
        collator = DataCollatorForPreTraining(
            tokenizer,
            mlm_probability=config.mlm_probability,
            whole_word_masking=config.whole_word_masking,
            max_predictions=config.max_predictions,
            lengths=lengths,
        )
        return Prepared(model, tokenizer, train, validation, collator)


def _architecture(model: Any) -> dict[str, Any]:
    names = (
        "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size", "max_position_embeddings",
        "vocab_size", "hidden_dropout_prob", "attention_probs_dropout_prob",
    )  # fmt: skip
    return {name: getattr(model.config, name) for name in names}


def _suited(model: Any, sample: bool) -> dict[str, Any]:
    """Return the Trainer's defaults that depend on what is trained."""
    fresh = bert_config(model, vocab_size=1)
    if sample and (model is None or fresh is not None):  # none: the model that goes with the sample
        return _SAMPLE_ARGS
    return {"learning_rate": _SMALL_RATE if fresh is not None and fresh.hidden_size < _BASE_WIDTH else _RATE}
