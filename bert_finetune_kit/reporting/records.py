"""The records inside a report, as typed dictionaries: which keys there are, who fills them in, and what they mean.

Keys that a run has no value for are absent.
"""

from typing import TypedDict

from ..data.checks import LabelRuns as LabelRuns
from ..data.checks import SharedTexts as SharedTexts
from .intervals import Interval

# Settings


class DataOrigin(TypedDict, total=False):
    """Where data come from (`origin.data_origin`); part of `settings["source"]`."""

    name: str
    """Name for a reader: a Hub id with its configuration, paths, or the name of a bundled sample."""
    hub_id: str | None
    """Id on the Hub; None for local data."""
    hub_config: str | None
    """Configuration of that data set."""
    own_splits: list[str]
    """Published splits that were evaluated completely; none where examples were held out, limited or replaced."""


class ModelSettings(TypedDict, total=False):
    """`settings["model"]`: what a training started from. The recipe fills in what it was given, the run the rest."""

    model_name_or_path: str
    model_type: str | None
    """As transformers names architectures: bert, roberta."""
    tokenizer: str | None
    lora: str | None
    """Settings of LoRA in words."""
    from_scratch: bool
    """Whether all weights were initialized at random."""
    hub_id: str | None
    """Id of the initial model on the Hub."""
    sha256: str | None
    """Digest of the weights of a local initial model."""
    num_hidden_layers: int
    hidden_size: int
    num_attention_heads: int
    intermediate_size: int
    vocab_size: int
    max_position_embeddings: int
    hidden_dropout_prob: float
    attention_probs_dropout_prob: float


# Training


class LogRow(TypedDict, total=False):
    """One training log (`KitTrainer`)."""

    epoch: float
    step: int
    phase: int
    """Number of the phase, from 1; only in runs of several phases."""
    loss: float
    """Mean loss of the steps since the last log."""
    learning_rate: float
    grad_norm: float
    """Norm of the gradient before clipping."""
    tokens_per_second: float
    """Real tokens, without padding."""


class ParameterTree(TypedDict, total=False):
    """Parameters of a module and of the modules in it (`parameter_report(model).to_dict()`)."""

    name: str
    total: int
    trainable: int
    tied: int
    """Parameters counted at another module, which they are shared with."""
    children: "list[ParameterTree]"


class ModuleChange(TypedDict, total=False):
    """One module before and after training."""

    name: str
    layer: int | None
    """Number of the layer, from 0; None outside of the layers."""
    before: int
    """Number of parameters."""
    after: int
    added: int
    removed: int
    relative_change: float | None
    """‖after - before‖ / ‖before‖ of its weights."""
    trainable: bool


class WeightChange(TypedDict, total=False):
    """Initial weights against saved weights (`compare_parameters(before, after).to_dict()`)."""

    before: int
    """Number of parameters."""
    after: int
    added: dict[str, int]
    """Parameters by name that only the saved model has."""
    removed: dict[str, int]
    resized: dict[str, tuple[int, int]]
    modules: list[ModuleChange]
    """From the input to the output."""
    unused_heads: dict[str, int]
    """Parameters of heads in the checkpoint that the model has no place for."""
    trained: int
    adapters: int
    """Parameters of LoRA."""
    from_scratch: bool
    heads: list[str]
    """Modules that are in a head."""
    masked_head: list[str]
    """Modules of a head for masked tokens."""
    tied_decoder: bool
    """Whether the decoder of that head is the matrix of the word embeddings."""
    explanation: list[str]
    """The change in sentences."""


# Data


class CorpusStatistics(TypedDict, total=False):
    """A split of a pretraining."""

    documents: int
    sentences: int
    tokens: int
    unknown_tokens: float
    """Share of [UNK]."""
    examples_per_epoch: int
    mean_length: float
    """Tokens of an example."""
    truncated_tokens: float
    """Share of the tokens that was cut off."""
    random_next: float
    """Share of pairs whose second segment is random."""
    padding_to_longest: float
    """Share of padding in random batches padded to their longest example."""
    padding_to_max_length: float


class TextStatistics(TypedDict, total=False):
    """A split of a classification."""

    examples: int
    tokens: int
    unknown_tokens: float
    mean_length: float
    longest: int
    truncated_examples: int
    examples_in_windows: int
    padding_to_longest: float
    padding_to_max_length: float
    label_shares: dict[str, float]
    """Share of the examples by label."""
    mean_target: float
    std_target: float


class QuestionStatistics(TypedDict, total=False):
    """A split of question answering."""

    questions: int
    articles: int
    contexts: int
    windows: int
    without_answer: float
    """Share of questions without an answer."""
    unknown_tokens: float
    mean_window: float
    longest_context: int
    longest_question: int
    questions_cut: int
    empty_contexts: int
    answers_repaired: int
    """Answers whose `answer_start` was off and could be corrected."""
    answers_not_in_context: int
    questions_without_valid_answer: int
    """Questions none of whose answers is in the context."""
    windows_that_cut_an_answer: int
    answers_in_no_window: int
    padding_to_longest: float
    padding_to_max_length: float


# Evidence for the diagnosis


class Evidence(TypedDict, total=False):
    """What only the rules of the diagnosis need."""

    rules: int
    """Number of rules applied (every run)."""
    from_checkpoint: bool
    """Whether the run started from trained weights (every run)."""
    encoder_layers: int
    """Every run."""
    randomly_initialized_layers: int
    """Encoder layers whose initial weights look untrained (every run)."""
    newly_initialized: list[str]
    """Modules that the checkpoint had no weights for (every run)."""
    leak: dict[str, SharedTexts]
    """By validation split (every run)."""
    label_runs: LabelRuns
    """Classification with one label an example."""
    calibration_by_chance: dict[str, float]
    """By split: 95th percentile of the calibration error of a calibrated model (classification)."""
    length_ratio: float
    """Predicted words divided by the words of the closest answers (question answering, as the next four)."""
    answers_compared: int
    """Questions with both an answer and a prediction; the next three are over these."""
    predicted_words: float
    """Mean words of a prediction."""
    predicted_words_error: float
    """Standard error of that mean."""
    answer_words: float
    """Mean words of a true answer."""
    answers_f1: float
    """F1 in percent of the best spans of the answerable questions, before any threshold (question answering, as the
    next three)."""
    answers_f1_interval: Interval
    answers_scored: int
    """Answerable questions."""
    random_span_f1: float
    """F1 in percent of spans at random places of their contexts, as long as true answers."""
    examples: float
    """`diagnose_scores` alone, as the rest: number of scored examples."""
    vocab_size: float
    unigram_perplexity: float
    pairs: float
    majority: float
    expected_parameters: float
    modules: dict[str, float]
