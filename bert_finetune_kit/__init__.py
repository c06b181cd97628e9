"""Pretrain and fine-tune BERT with the Hugging Face Trainer: right by default, fast, explained.

The public names are those of `__init__.pyi`. Each is imported when it is first used, so that importing the kit is fast.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
