"""`PretrainRecipe`: BERT pretrained on text, from scratch or from a checkpoint."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from transformers import PretrainedConfig, PreTrainedModel, TrainerCallback, TrainingArguments

from ..command_line import RunArguments
from ..compat.datasets import fingerprint_of
from ..contract import BuiltModel, Description, Evaluation, Outputs
from ..data.corpus import Corpus, load_corpus
from ..data.sources import TextSource, as_source
from ..data.vocabulary import vocabulary_notes, vocabulary_size
from ..errors import ModelError, raise_faults
from ..modeling.loading import checkpoint_config, initial_config
from ..recipes.given import as_args, as_config, recipe_settings
from ..recipes.launch import parse_flags
from ..recipes.recipe import Recipe
from ..recipes.state import LoadedModel, Prepared
from ..recipes.tokenizer import check_tokenizer, choose_tokenizer, trained_tokenizer
from ..reporting.card_context import CardContext
from ..reporting.schema import RunReport, Score
from ..training.arguments import RecipeArguments
from ..training.loss import Loss
from ..training.preflight import optimizer_steps
from ..training.session import Phase
from .card import card_context
from .config import PretrainConfig, default_hyperparameters
from .data import PretrainData, build_data, split_corpora
from .evaluation import evaluate
from .evaluation_data import evaluation_data
from .metrics import GLOSSARY, loss_sums, num_items, pretraining_scores
from .model import build_model, with_forward
from .phases import first_phase_args, second_phase
from .report import describe, source_settings
from .usage import load_usage, save_usage

_SAMPLE_CONFIG = PretrainConfig(max_length=64)


@recipe_settings(PretrainConfig)
class PretrainRecipe(Recipe[PretrainData, Evaluation]):
    """Masked language modelling with next sentence prediction (Devlin et al. 2019).

    Args:
        source: a file; a folder, of which each .txt file is a document unless it has headings; a list of files, a Hub
            id (`"wikitext-2-raw-v1"` is known by its bare name), a DataFrame, a list of dicts, a `Dataset`, a
            `DatasetDict`, or a `TextSource` for all settings of a source; none means the bundled sample.
        validation: text to evaluate on; none means the source's own validation split, or a share of it.
        model: a Hub id or folder to continue from, a config or model object of transformers, or
            a size of BERT by name (tiny, mini, small, medium, base, large) for new weights.
        args: the Trainer's arguments, or a mapping of those that are to differ from `PretrainRecipe.default_args()`.
        config: objective, lengths and masking, or a mapping of the fields that differ from the defaults, which are
            those of the BERT paper.
        tokenizer: a Hub id, folder, `vocab.txt` or tokenizer; none means that of the checkpoint, and for new weights
            one trained on the text.
        callbacks: further callbacks for the Trainer.

    >>> from bert_finetune_kit import PretrainRecipe
    >>> report = PretrainRecipe().train()  # doctest: +SKIP
    """

    name: ClassVar[str] = "pretraining"
    loss: ClassVar[Loss] = Loss(sum_fn=loss_sums, num_items_fn=num_items)
    glossary: ClassVar[tuple[Score, ...]] = GLOSSARY

    def __init__(
        self,
        source: Any = None,
        *,
        validation: Any = None,
        model: str | Path | PretrainedConfig | PreTrainedModel = "tiny",
        args: TrainingArguments | Mapping[str, Any] | None = None,
        config: PretrainConfig | Mapping[str, Any] | None = None,
        tokenizer: Any = None,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.source = as_source(TextSource, source, validation)
        sample = self.source.is_sample
        self.config = as_config(config, _SAMPLE_CONFIG if sample else PretrainConfig())
        args = as_args(args, partial(self.default_args, model=model, sample=sample))
        super().__init__(model, tokenizer, args, callbacks)

    @classmethod
    def default_hyperparameters(cls, model: Any, sample: bool = False, lora: bool = False) -> dict[str, Any]:
        """A learning rate for `model`; more epochs for the bundled sample."""
        return default_hyperparameters(model, sample)

    @classmethod
    def from_command_line(cls, argv: Sequence[str] | None = None) -> tuple["PretrainRecipe", RunArguments]:
        """Return the recipe that flags ask for, and how to run it."""
        types = (RunArguments, TextSource, PretrainConfig, RecipeArguments)

        def further_defaults(run: Any, source: Any, *_: Any) -> dict[str, Any]:
            length = {"max_length": _SAMPLE_CONFIG.max_length} if source.is_sample else {}
            return cls.default_hyperparameters(run.model, source.is_sample) | length

        defaults = {"output_dir": f"runs/{cls.name}", "model": "tiny", **cls.machine_defaults()}
        run, source, config, args = parse_flags(types, defaults, argv, further_defaults)
        return cls(source, model=run.model, tokenizer=run.tokenizer, config=config, args=args), run

    @classmethod
    def from_pretrained(
        cls,
        folder: str | Path,
        *,
        source: Any = None,
        config: PretrainConfig | Mapping[str, Any] | None = None,
        args: TrainingArguments | Mapping[str, Any] | None = None,
    ) -> "PretrainRecipe":
        """Return a recipe around a pretrained model, ready to `evaluate`.

        Args:
            folder: a run's folder, or any stock encoder with a head for masked words (folder or Hub id).
            source: text to train on, and how text is read, as the recipe takes it.
            config: objective and lengths, where they are to differ from those of the run.
            args: for `per_device_eval_batch_size` and the device.

        Raises:
            ModelError: there is no model, or it has no head for masked words.
        """
        config = as_config(config, load_usage(str(folder), checkpoint_config(folder)))
        recipe = cls(source, model=str(folder), args=as_args(args, cls.default_args), config=config)
        recipe.check()
        model, new = build_model(str(folder), config.objective, 0)
        if new:
            raise ModelError(f"{folder} is not a pretrained model: it has no weights of {', '.join(new)}.")
        tokenizer = trained_tokenizer(folder, model.config.vocab_size)
        built = with_forward(model, new, config.predictions_bound if recipe.on_xla else None)
        recipe.load(LoadedModel(model, tokenizer, None, built.forward, str(folder)))
        return recipe

    # Hooks

    def check(self) -> None:
        """Check the settings against the model."""
        raise_faults(self.config.model_faults(initial_config(self.model_name_or_path)), "PretrainRecipe")
        check_tokenizer(self.model_name_or_path, self.tokenizer_name_or_path, ("pad_token", "mask_token"))

    def load_examples(self) -> Corpus:
        """Source → documents."""
        return load_corpus(self.source)

    def prepare_data(self) -> PretrainData:
        """Documents → token ids → examples."""
        corpus = self.load_examples()
        choice = choose_tokenizer(
            self.model_name_or_path, self.tokenizer_name_or_path, corpus.train["text"], fingerprint_of(corpus.train),
            self.output_dir,
        )  # fmt: skip
        model_config = initial_config(choice.model, vocabulary_size(choice.tokenizer))
        notes = vocabulary_notes(choice.tokenizer, model_config.vocab_size)
        return build_data(
            split_corpora(corpus, choice.tokenizer, self.source.validation_share, self.config),
            self.config,
            choice.tokenizer,
            choice.takes_types,
            self._seed,
            self.batch_lengths(self.config.max_length),
            name=corpus.name,
            initial_model=choice.model,
            notes=(*choice.notes, *notes, *corpus.notes),
            validation_split=None if self.source.max_documents is not None else corpus.validation_split,
        )

    def build_model(self, data: PretrainData) -> BuiltModel:
        """Heads on masked positions over a new or pretrained encoder."""
        tokenizer = data.tokenizer
        model, new = build_model(
            data.initial_model, self.config.objective, vocabulary_size(tokenizer), tokenizer.pad_token_id
        )
        return with_forward(model, new, self.config.predictions_bound if self.on_xla else None)

    def phases(self, prepared: Prepared[PretrainData]) -> list[Phase[PretrainData]]:
        """One phase, or a second one on longer sequences."""
        if self.config.second_phase_length is None:
            return super().phases(prepared)
        steps = optimizer_steps(len(prepared.data.train), prepared.args)
        args, config = second_phase(prepared.args, steps, self.config)
        longer = prepared.data.with_config(config, self.batch_lengths(config.max_length))
        return [
            Phase(prepared.data, first_phase_args(prepared.args, steps, self.config)),
            Phase(longer, args),
        ]

    def compute_metrics(self, data: PretrainData, outputs: Outputs) -> dict[str, float]:
        """Scores of masked words and pairs."""
        return pretraining_scores(outputs)

    def evaluation(self, data: PretrainData, outputs: Mapping[str, Outputs]) -> Evaluation:
        """Scores with intervals and the unigram and uniform baselines."""
        return evaluate(data, outputs)

    def evaluation_data(self, given: Any, trained: LoadedModel, data: PretrainData | None) -> PretrainData:
        """Text → token ids → examples of the trained model."""
        config = data.train.config if data is not None else self.config
        lengths = self.batch_lengths(config.max_length)
        return evaluation_data(given, self.source, config, trained, self._seed, lengths, data)

    def save_usage(self, data: PretrainData, evaluation: Evaluation, folder: str) -> None:
        """Save objective, lengths and masking beside the model."""
        save_usage(self.config, folder)

    def describe(self, data: PretrainData, model: Any, evaluation: Evaluation, steps: int | None) -> Description:
        """Summary, table of scores, statistics of the corpus."""
        settings = source_settings(data, self.source, self.model_settings())
        return describe(data, model, evaluation, steps, self.args.per_device_train_batch_size, settings)

    @classmethod
    def card_context(cls, report: RunReport) -> CardContext:
        """Purpose, scores of masked words and pairs, use and limits."""
        return card_context(report)

    @property
    def _seed(self) -> int:
        """Of all draws of the data."""
        return self.args.seed if self.args.data_seed is None else self.args.data_seed
