"""Packages that `pip install --target FOLDER` has put into a folder of another name than site-packages.

dill, by which `datasets` names its data sets, pickles such packages by value, and fails at pyarrow. Imported before any
of them, this module lets them be found through a link that is called site-packages.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path


def link_target_folder(package: str = "pyarrow") -> None:
    """Replace the folder of a package in `sys.path` by a link called site-packages, where it is called otherwise."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None or "site-packages" in spec.origin:
        return
    folder = Path(spec.origin).parents[1]
    link = Path(tempfile.mkdtemp()) / "site-packages"
    link.symlink_to(folder, target_is_directory=True)
    sys.path[:] = [str(link) if Path(path or ".").resolve() == folder.resolve() else path for path in sys.path]
    importlib.invalidate_caches()


link_target_folder()
