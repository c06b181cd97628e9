"""The end of this process."""

import os
import sys


def end_at_once() -> None:
    """End this process with exit code 0 without waiting for its threads, which Python cannot stop."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
