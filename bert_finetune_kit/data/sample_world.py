"""The words and sentence patterns of the bundled sample, read from `sample_world.json`; `sample` puts them together.

Twelve places of an invented coast, each with its own words. A pattern is a `str.format` template.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple


class Aspect(NamedTuple):
    """What a visitor judges, with one word for each verdict."""

    subject: str
    good: str
    bad: str


class Trouble(NamedTuple):
    """What went wrong, why, and what the keeper did about it."""

    trouble: str
    cause: str
    remedy: str


@dataclass(frozen=True)
class Setting:
    """One kind of place, with the words that only this kind of place needs."""

    place: str
    region: str
    keeper: str
    town: str
    """The town where the stories locate it."""
    people: tuple[str, str]
    """Those who work there in the stories."""
    smell: str
    goods: tuple[str, str, str]
    tasks: tuple[str, str, str, str]
    """The work of a day, in order."""
    evening: str
    """The last work of a day."""
    troubles: tuple[Trouble, ...]
    aspects: tuple[Aspect, ...]


@dataclass(frozen=True)
class Region:
    """What the places of a region have in common."""

    weather: tuple[tuple[str, str], ...]
    """Sentences for the morning and the evening of the same day."""
    early_visitors: tuple[tuple[str, str], ...]
    """Visitors and their looks."""
    late_visitors: tuple[tuple[str, str], ...]
    meals: tuple[str, ...]
    streets: tuple[str, ...]


@dataclass(frozen=True)
class Words:
    """Words that any place uses."""

    cats: tuple[str, ...]
    dogs: tuple[str, ...]
    colours: tuple[str, ...]
    years: tuple[str, ...]
    morning: tuple[str, ...]
    evening: tuple[str, ...]
    few: tuple[str, ...]
    chairs: tuple[str, ...]
    prices: tuple[str, ...]
    week: tuple[str, ...]


@dataclass(frozen=True)
class Stories:
    """The parts of a story.

    Slots: {name} is the keeper, {she} the keeper's pronoun, {helper} the second person; {task} and {other} are two
    tasks, {judged} is an aspect with a judgement.
    """

    openings: tuple[str, ...]
    smell: str
    first_work: tuple[str, ...]
    later_work: tuple[str, str]
    pride: str
    early_call: tuple[str, str]
    late_call: tuple[str, str]
    paid: str
    unpaid: str
    asked: str
    trouble: tuple[str, ...]
    meal: str
    guest_book: str
    evenings: tuple[str, ...]
    tomorrow: str


@dataclass(frozen=True)
class Fact:
    """Something that a passage may state about a place, and the questions that ask for it."""

    statements: tuple[str, ...]
    """{answer} is the span that answers; {item} is something for sale."""
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Reviews:
    """The parts of a review."""

    visits: tuple[str, ...]
    denials: tuple[str, ...]
    """Each is the contrary of "{subject} {word}": the bread was not stale."""
    verdicts: Mapping[str, tuple[str, ...]]
    """Verdicts by label."""
    plain: tuple[str, ...]
    """{first}, {second} and {third} support the verdict."""
    mixed: tuple[str, ...]
    """{for_it} supports the verdict, {against} contradicts it."""


@dataclass(frozen=True)
class World:
    """All words and patterns of the sample."""

    settings: tuple[Setting, ...]
    aspects: tuple[Aspect, ...]
    """Aspects that any place has."""
    regions: Mapping[str, Region]
    people: Mapping[str, str]
    """Pronouns by name."""
    words: Words
    stories: Stories
    facts: Mapping[str, Fact]
    """Facts by name, in the order in which a passage states them."""
    reviews: Reviews

    @property
    def towns(self) -> tuple[str, ...]:
        """The towns of all places."""
        return tuple(setting.town for setting in self.settings)


def load_world() -> World:
    """Read the packaged tables."""
    tables = _to_tuples(json.loads(files(__package__).joinpath("sample_world.json").read_text("utf-8")))
    return World(
        settings=tuple(_setting(table) for table in tables["settings"]),
        aspects=tuple(Aspect(*row) for row in tables["aspects"]),
        regions={name: Region(**table) for name, table in tables["regions"].items()},
        people=tables["people"],
        words=Words(**tables["words"]),
        stories=Stories(**tables["stories"]),
        facts={name: Fact(**table) for name, table in tables["facts"].items()},
        reviews=Reviews(**tables["reviews"]),
    )


def _setting(table: dict[str, Any]) -> Setting:
    troubles = tuple(Trouble(*row) for row in table.pop("troubles"))
    aspects = tuple(Aspect(*row) for row in table.pop("aspects"))
    return Setting(**table, troubles=troubles, aspects=aspects)


def _to_tuples(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_to_tuples, value))
    return {key: _to_tuples(item) for key, item in value.items()} if isinstance(value, dict) else value


WORLD = load_world()
