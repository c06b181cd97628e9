"""What BERT pretraining means in one run."""

from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import raise_faults

Objective = Literal["nsp", "sop", "none"]
Pairs = Literal["segments", "sentences"]

# [CLS] A [SEP] B [SEP], with one token at least in each segment.
_LEAST_LENGTH = 5


@dataclass(frozen=True)
class PretrainConfig:
    """Settings of the pretraining data. Defaults are those of the BERT paper (Devlin et al. 2019, appendix A)."""

    max_length: int = 128
    """Longest sequence in tokens, special tokens included."""
    objective: Objective = "nsp"
    """Task beside masked words: nsp (is B the next segment?), sop (are A and B in order?; ALBERT), or none."""
    pairs: Pairs = "segments"
    """Whether A and B are runs of sentences filled to the length, or two single sentences."""
    short_sequence_probability: float = 0.1
    """Share of examples filled only to a random shorter length."""
    mlm_probability: float = 0.15
    """Share of the tokens to predict; of these 80% become [MASK], 10% a random token, 10% stay."""
    whole_word_masking: bool = False
    """Choose whole words instead of single word pieces."""
    max_predictions: int | None = None
    """Most tokens to predict in a sequence (google-research/bert: 20 at 128 tokens, 76 at 512); none means any."""
    second_phase_length: int | None = None
    """Continue at this length after a first phase at max_length (BERT paper: 512 after 128); none means one phase."""
    second_phase_share: float = 0.1
    """Share of all optimizer steps spent in the second phase."""
    unpad: bool = True
    """Compute real tokens alone, never the padding of a batch."""

    def __post_init__(self) -> None:
        raise_faults(self._faults(), "PretrainConfig")

    def _faults(self) -> list[str]:
        faults = []
        if self.max_length < _LEAST_LENGTH:
            faults.append(f"max_length is {self.max_length}: at least {_LEAST_LENGTH} tokens are needed")
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

    def predictions_bound(self, length: int) -> int:
        """Return the largest number of tokens that a sequence of up to `length` tokens can ask to predict."""
        masked = max(1, round(length * self.mlm_probability))
        return masked if self.max_predictions is None else min(masked, self.max_predictions)
