"""Encoders: loaded, unpadded, adapted, counted and compared."""

import os

# On Linux torch allocates with large pages if this variable is set before its first allocation. The gradient of an
# embedding matrix is new memory in each step, and page faults there cost four times as much with small pages.
# The import of transformers' Trainer allocates, hence the packages of the recipes import this one first.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
