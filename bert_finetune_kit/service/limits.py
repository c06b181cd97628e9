"""What the service takes at most, so that no request can use up the machine."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from ..errors import raise_faults
from ..settings import setting


@dataclass(frozen=True)
class Limits:
    """Greatest sizes and times."""

    max_batch_size: int = setting(32, "Texts or questions that the model reads at once.")
    batch_wait: float = setting(0.002, "Seconds that a request waits for others to share its batch.")
    max_body_size: int = setting(1_000_000, "Bytes of a request.")
    max_texts: int = setting(128, "Texts or questions of a request.")
    max_characters: int = setting(50_000, "Characters of a text.")
    max_total_characters: int = setting(
        200_000, "Characters of all texts of a request; a context counts once for each of its questions."
    )
    max_explained_characters: int = setting(2_000, "Characters of a text to explain, which takes many predictions.")
    max_waiting: int = setting(256, "Requests that wait; further ones are refused (503).")
    timeout: float = setting(30.0, "Seconds from a request to its answer; later it is refused (504).")

    def __post_init__(self) -> None:
        raise_faults(self._faults(), type(self).__name__)

    def _faults(self) -> Iterator[str]:
        for name in (item.name for item in fields(self)):
            value = getattr(self, name)
            least = 0 if name == "batch_wait" else 1 if isinstance(type(self).__dict__[name], int) else 0.001
            if not least <= value < float("inf"):
                yield f"{name} is {value}: it must be a number from {least} on"
