"""Settings of pretraining, and the hyperparameters that go with them."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

from transformers import PretrainedConfig

from ..errors import raise_faults
from ..modeling.architecture import max_positions, pair_faults
from ..modeling.loading import config_from_scratch
from ..settings import setting
from .collator import predictions_bound

Objective = Literal["nsp", "sop", "none"]
Pairs = Literal["segments", "sentences"]

# [CLS] A [SEP] B [SEP], with one token at least in each segment.
_MIN_LENGTH = 5
# Learning rates: BERT's own (paper, appendix A.2), and a higher one for new models that are narrower than BERT-base.
_RATE, _SMALL_RATE, _BASE_WIDTH = 1e-4, 1e-3, 768
# With these a tiny BERT is trained on the bundled sample in a minute or two.
_SAMPLE_ARGS = {"learning_rate": 2e-3, "num_train_epochs": 17}


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of the pretraining data. Defaults are those of the BERT paper (Devlin et al. 2019, appendix A)."""

    heading: ClassVar[str] = "Pretraining"

    max_length: int = setting(128, "Maximum sequence length in tokens, special tokens included.")
    objective: Objective = setting(
        "nsp",
        "Objective besides masked words: nsp (is B the next segment?), sop (are A and B in order? ALBERT) or none.",
    )
    pairs: Pairs = setting(
        "segments",
        "segments: A and B are runs of sentences that fill the length; sentences: each is a single sentence.",
    )
    short_sequence_probability: float = setting(
        0.1, "Fraction of the examples that are filled only to a random shorter length."
    )
    mlm_probability: float = setting(
        0.15,
        "Fraction of the tokens to predict; of these, 80% become [MASK], 10% a random token and 10% stay unchanged.",
    )
    whole_word_masking: bool = setting(False, "Mask whole words instead of single word pieces.")
    max_predictions: int | None = setting(
        None,
        "Maximum number of tokens to predict per sequence (google-research/bert: 20 at 128 tokens, 76 at 512). "
        "Default: no limit.",
    )
    second_phase_length: int | None = setting(
        None,
        "Sequence length of a second phase after the first at max_length (BERT paper: 512 after 128). Default: one "
        "phase.",
    )
    second_phase_share: float = setting(0.1, "Fraction of all optimizer steps that belong to the second phase.")
    unpad: bool = setting(True, "Compute real tokens only, and skip the padding of a batch.")

    def __post_init__(self) -> None:
        raise_faults(self._faults(), "PretrainConfig")

    def _faults(self) -> list[str]:
        faults = []
        if self.max_length < _MIN_LENGTH:
            faults.append(f"max_length is {self.max_length}: at least {_MIN_LENGTH} tokens are needed")
        for name, choices in (("objective", get_args(Objective)), ("pairs", get_args(Pairs))):
            if getattr(self, name) not in choices:
                faults.append(f"{name} is {getattr(self, name)!r}: it can be {', '.join(choices)}")
        for name in ("short_sequence_probability", "mlm_probability", "second_phase_share"):
            if not 0 <= getattr(self, name) <= 1:
                faults.append(f"{name} is {getattr(self, name)}: a probability lies between 0 and 1")
        if self.mlm_probability == 0:
            faults.append("mlm_probability is 0: nothing would be masked, so there is nothing to learn")
        if self.max_predictions is not None and self.max_predictions < 1:
            faults.append(f"max_predictions is {self.max_predictions}: at least one token must be predicted")
        if self.second_phase_length is not None:
            if self.second_phase_length <= self.max_length:
                faults.append(
                    f"second_phase_length is {self.second_phase_length}: it must exceed max_length ({self.max_length})"
                )
            if self.second_phase_share in (0, 1):
                faults.append(f"second_phase_share is {self.second_phase_share}: one of the phases would be empty")
        if self.pairs == "sentences" and self.objective == "none":
            faults.append("pairs is 'sentences' with objective 'none': without a pair objective there are no pairs")
        return faults

    def model_faults(self, model_config: PretrainedConfig) -> list[str]:
        """Return what a model with this config cannot do."""
        longest = max(self.max_length, self.second_phase_length or 0)
        faults, positions = [], max_positions(model_config)
        if positions is not None and longest > positions:
            faults.append(
                f"sequences of {longest} tokens need more than the model's {positions} positions: lower max_length, or "
                "pass a config with more max_position_embeddings"
            )
        if self.objective != "none":
            faults += pair_faults(model_config, self.objective)
        return faults

    def predictions_bound(self, length: int) -> int:
        """Return the largest number of tokens to predict in a sequence of up to `length` tokens."""
        return predictions_bound(length, self.mlm_probability, self.max_predictions)


def default_hyperparameters(model: Any, sample: bool) -> dict[str, Any]:
    """Return the Trainer arguments that depend on what is trained.

    Args:
        model: as the recipe takes it.
        sample: whether the bundled sample is trained on.
    """
    new = config_from_scratch(model, vocab_size=1)
    if sample and (model is None or new is not None):  # none: the model that goes with the sample
        return dict(_SAMPLE_ARGS)
    return {"learning_rate": _SMALL_RATE if new is not None and new.hidden_size < _BASE_WIDTH else _RATE}
