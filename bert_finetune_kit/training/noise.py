"""Messages of other libraries that would mislead a reader."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tied_weights_unmentioned() -> Iterator[None]:
    """Drop the Trainer's warning of missing keys: a checkpoint holds tied weights once.

    Checkpoints are checked against their manifest and fingerprint before, so no other key can be missing.
    """
    logger = logging.getLogger("transformers.trainer")
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("There were missing keys in the checkpoint model loaded")
