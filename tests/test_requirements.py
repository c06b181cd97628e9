"""The releases that are allowed are those that the tests run with."""

import re
from configparser import ConfigParser
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parent.parent


def pins(file):
    text = (ROOT / file).read_text("utf-8").lower()
    return dict(re.findall(r"^(\w+)==([\d.]+)$", text, re.MULTILINE))


def floors():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return dict(re.findall(r"^(\w+)>=([\d.]+)$", setup["options"]["install_requires"], re.MULTILINE))


def test_the_oldest_hugging_face_releases_allowed_are_those_of_make_test_oldest():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    names = re.search(r"^HUGGING_FACE := (.*)$", makefile, re.MULTILINE)[1].split()
    assert names == list(pins("constraints-oldest.txt"))
    for name, version in pins("constraints-oldest.txt").items():
        assert Version(version) == Version(floors()[name]), name


def test_every_requirement_is_pinned_at_an_allowed_release():
    for name, floor in floors().items():
        assert Version(pins("constraints.txt")[name]) >= Version(floor), name
