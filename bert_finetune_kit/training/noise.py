"""Messages of other libraries that would mislead a reader."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_MISLEADING: dict[str, tuple[str, ...]] = {
    # A checkpoint holds tied weights once; no other key can be missing, as manifest and fingerprint are checked before.
    # The best checkpoint is looked for in the folder of the run, which may have been moved.
    "transformers.trainer": ("There were missing keys in the checkpoint model loaded", "The best checkpoint "),
    # A share of the steps, as of logging_steps, is a number of them in the state; settings are compared before.
    # Checkpoints of short epochs have nearly the same time. The kit orders them by step, and deletes old ones itself.
    "transformers.trainer_utils": ("mtime may not be reliable", "Warning: The following arguments do not match"),
}


@contextmanager
def misleading_warnings_dropped() -> Iterator[None]:
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
