"""Messages of other libraries that would mislead a reader."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_MISLEADING = ("There were missing keys in the checkpoint model loaded", "The best checkpoint ")


@contextmanager
def misleading_warnings_dropped() -> Iterator[None]:
    """Drop the Trainer's warnings of missing keys, and of a best checkpoint that is not where it was.

    A checkpoint holds tied weights once. Checkpoints are checked against their manifest and fingerprint before, so no
    other key can be missing. The best one is looked for in the folder of the run, which may have been moved.
    """
    logger = logging.getLogger("transformers.trainer")
    logger.addFilter(_is_other)
    try:
        yield
    finally:
        logger.removeFilter(_is_other)


def _is_other(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_MISLEADING)
