"""Messages of other libraries that would mislead a reader."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_MISLEADING: dict[str, tuple[str, ...]] = {
    # A checkpoint holds tied weights once. No other key can be missing: manifest and fingerprint are checked before.
    "transformers.trainer": ("There were missing keys in the checkpoint model loaded",),
    # Checkpoints of short epochs have nearly the same time. The kit orders them by step, and deletes old ones itself.
    "transformers.trainer_utils": ("mtime may not be reliable",),
}


@contextmanager
def trainer_noise_dropped() -> Iterator[None]:
    """Drop warnings of the Trainer that say nothing of a run of the kit."""
    loggers = [logging.getLogger(name) for name in _MISLEADING]
    for logger in loggers:
        logger.addFilter(_is_other)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_MISLEADING.get(record.name, ()))
