"""Files of the repository that the pages link to go along into the site."""

import re
from pathlib import Path

from mkdocs.structure.files import File

_LINK = re.compile(r"\]\(\.\./([^)#\s]+)")
_ROOT = Path(__file__).parent.parent


def on_files(files, config):
    """Add what any page links to outside of docs/."""
    linked = {path for page in Path(__file__).parent.glob("*.md") for path in _LINK.findall(page.read_text("utf-8"))}
    for path in sorted(linked):
        files.append(File.generated(config, path, abs_src_path=str(_ROOT / path)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Let the links point there."""
    return _LINK.sub(r"](\1", markdown)
