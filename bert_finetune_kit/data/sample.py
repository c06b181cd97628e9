"""The bundled sample: stories, reviews and questions about an invented coast, made from a seed.

Our own text, put together by the functions below from the packaged tables of `sample_world`: nothing to download, and
a seed gives the same text on every machine. Train and validation never share a document, a review or a passage,
whatever their seeds and sizes: the checksum of a text decides to which split it belongs.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, TypeVar
from zlib import crc32

from .sample_world import WORLD, Aspect, Setting

T = TypeVar("T")
Slots = dict[str, str]

DOCUMENTS = {"train": 600, "validation": 60}
REVIEWS = {"train": 1500, "validation": 300}
QUESTIONS = {"train": 1500, "validation": 300}

SENTENCES = (8, 20)  # of a document, the fewest and the most
FACTS_PER_PASSAGE = (5, 8)
QUESTIONS_PER_PASSAGE = 3  # the passage answers all but one
VALIDATION_SHARE = 5  # one text in five belongs to the validation split
DENIED = 0.3  # share of the judgements that deny the contrary
MIXED = 0.4  # share of the reviews that see both sides
SENTENCE_START = re.compile(r'(^"?|[.?] "?|: ")([a-z])')


def sample_documents(split: str, seed: int = 0, count: int | None = None) -> list[list[str]]:
    """Return stories of a day at some place, each a list of sentences (600 of "train" or 60 of "validation").

    >>> sample_documents("train")[0][:2]  # doctest: +NORMALIZE_WHITESPACE
    ['Early on Sunday Lotte was at work at the orchard of Stonewell.', 'On Saturday nobody works at the
    orchard.']
    """
    count = _size(DOCUMENTS, split, count)
    rng = Random(f"documents {split} {seed}")
    seen: set[str] = set()
    return [_new(partial(_document, rng), " ".join, split, seen) for _ in range(count)]


def sample_reviews(split: str, seed: int = 0, count: int | None = None) -> list[dict[str, str]]:
    """Return reviews, half "positive" and half "negative" (1,500 of "train" or 300 of "validation").

    >>> sample_reviews("train")[0]  # doctest: +NORMALIZE_WHITESPACE
    {'text': 'On Thursday my sister took me to the smithy of Oakhaven. The gate was crooked. It is true that the
    hinges were not rusty. Still, I would hesitate to come again.', 'label': 'negative'}
    """
    count = _size(REVIEWS, split, count)
    rng = Random(f"reviews {split} {seed}")
    seen: set[str] = set()
    reviews: list[dict[str, str]] = []
    while len(reviews) < count:
        for label in rng.sample(list(WORLD.reviews.verdicts), 2):
            text = _new(partial(_review, rng, label), str, split, seen)
            reviews.append({"text": text, "label": label})
    return reviews[:count]


def sample_questions(split: str, seed: int = 0, count: int | None = None) -> list[dict[str, Any]]:
    """Return questions on passages, one third without an answer (1,500 of "train" or 300 of "validation").

    The columns are those of squad_v2; a question without an answer has empty lists.

    >>> sample_questions("train")[0]["question"], sample_questions("train")[0]["answers"]
    ('Who founded the pottery?', {'text': ['Emil'], 'answer_start': [61]})
    """
    count = _size(QUESTIONS, split, count)
    rng = Random(f"questions {split} {seed}")
    seen: set[str] = set()
    questions: list[dict[str, Any]] = []
    while len(questions) < count:
        context, spans, slots = _new(partial(_passage, rng), lambda passage: passage[0], split, seen)
        for question, answers in _questions(rng, spans, slots):
            questions.append(
                {
                    "id": f"{split}-{seed}-{len(questions)}",
                    "title": "The {place} of {town}".format(**slots),
                    "context": context,
                    "question": question,
                    "answers": answers,
                }
            )
    return questions[:count]


def _size(defaults: dict[str, int], split: str, count: int | None) -> int:
    if split not in defaults:
        raise ValueError(f"unknown split {split!r}; the sample has {' and '.join(defaults)}")
    return defaults[split] if count is None else count


def _new(make: Callable[[], T], text_of: Callable[[T], str], split: str, seen: set[str]) -> T:
    """Make examples until one belongs to the split and is new."""
    while True:
        example = make()
        text = text_of(example)
        held_out = crc32(text.encode()) % VALIDATION_SHARE == 0
        if held_out == (split == "validation") and text not in seen:
            seen.add(text)
            return example


def _fill(pattern: str, slots: Slots, **more: str) -> str:
    text = pattern.format(**slots, **more)
    return SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)


def _scene(rng: Random, setting: Setting, town: str, people: Sequence[str]) -> Slots:
    """Choose a day at the place; the slots include an answer for each of the facts."""
    name, helper = rng.sample(people, 2)
    founder = rng.choice([person for person in WORLD.people if person not in (name, helper)])
    region = WORLD.regions[setting.region]
    today = rng.randrange(len(WORLD.words.week))
    day, next_day = WORLD.words.week[today], WORLD.words.week[(today + 1) % len(WORLD.words.week)]
    trouble, earlier_trouble = rng.sample(setting.troubles, 2)
    speciality, item, other_item = rng.sample(setting.goods, 3)
    founded, medal = sorted(rng.sample(WORLD.words.years, 2))
    return {
        "place": setting.place,
        "keeper": setting.keeper,
        "smell": setting.smell,
        "town": town,
        "name": name,
        "she": WORLD.people[name],
        "helper": helper,
        "day": day,
        "next_day": next_day,
        "trouble": trouble.trouble,
        "cause": trouble.cause,
        "remedy": trouble.remedy,
        "meal": rng.choice(region.meals),
        "item": item,
        "other_item": other_item,
        "founded": founded,
        "founder": founder,
        "street": rng.choice(region.streets),
        "colour": rng.choice(WORLD.words.colours),
        "opens": f"{rng.choice(WORLD.words.morning)} o'clock",
        "closes": f"{rng.choice(WORLD.words.evening)} o'clock",
        "rest": rng.choice([rest for rest in WORLD.words.week if rest not in (day, next_day)]),
        "known": speciality,
        "price": rng.choice(WORLD.words.prices),
        "medal": medal,
        "chairs": rng.choice(WORLD.words.chairs),
        "cat": rng.choice(WORLD.words.cats),
        "dog": rng.choice(WORLD.words.dogs),
        "shut": earlier_trouble.cause,
    }


def _anywhere(rng: Random, setting: Setting) -> Slots:
    """Choose a scene in any town with any people, so that the stories do not give them away."""
    return _scene(rng, setting, rng.choice(WORLD.towns), list(WORLD.people))


def _document(rng: Random) -> list[str]:
    """Describe a day from the morning to the evening, cut to a random length."""
    setting = rng.choice(WORLD.settings)
    slots = _scene(rng, setting, setting.town, setting.people)
    fill = partial(_fill, slots=slots)
    tasks = setting.tasks
    region = WORLD.regions[setting.region]
    weather = rng.choice(region.weather)
    early, late = rng.choice(region.early_visitors), rng.choice(region.late_visitors)
    facts = rng.sample([fact for fact in WORLD.facts if fact != "name"], 3)

    opening = [fill(rng.choice(WORLD.stories.openings))]
    work = [fill(rng.choice(WORLD.stories.first_work), task=tasks[0], other=tasks[1])]
    evening = [fill(rng.choice(WORLD.stories.evenings), evening=setting.evening)]
    day = [
        opening,
        [fill(weather[0])],
        [fill(WORLD.stories.smell)],
        [_statement(rng, facts[0], slots)[0]],
        [_statement(rng, facts[1], slots)[0]],
        work,
        [fill(WORLD.stories.pride, goods=slots["item"], other_goods=slots["other_item"])],
        _call(rng, setting, slots, WORLD.stories.early_call, early),
        [fill(WORLD.stories.later_work[0], task=tasks[2])],
        [fill(pattern) for pattern in WORLD.stories.trouble],
        [fill(WORLD.stories.meal)],
        _call(rng, setting, slots, WORLD.stories.late_call, late),
        [fill(WORLD.stories.later_work[1], task=tasks[3])],
        [_asked(rng, facts[2], slots)],
        [_guest_book(rng, setting, slots)],
        evening,
        [fill(weather[1])],
        [fill(WORLD.stories.tomorrow)],
    ]
    surplus = sum(map(len, day)) - rng.randint(*SENTENCES)
    optional = [part for part in day if part not in (opening, work, evening)]
    for part in rng.sample(optional, len(optional)):
        kept = max(len(part) - surplus, 0)
        surplus -= len(part) - kept
        del part[kept:]
    return [sentence for part in day for sentence in part]


def _call(rng: Random, setting: Setting, slots: Slots, patterns: tuple[str, str], who: tuple[str, str]) -> list[str]:
    """Let somebody come in, say something, and be happy or angry."""
    visitor, look = who
    end, label = rng.choice([(WORLD.stories.paid, "positive"), (WORLD.stories.unpaid, "negative")])
    goods, number, hour = rng.choice(setting.goods), rng.choice(WORLD.words.few), rng.choice(WORLD.words.morning)
    judged = _judged(rng, rng.choice(setting.aspects), label, slots)
    more = {"look": look, "goods": goods, "number": number, "hour": hour, "judged": judged}
    return [_fill(pattern, slots, visitor=visitor, **more) for pattern in (*patterns, end)]


def _asked(rng: Random, fact: str, slots: Slots) -> str:
    statement, _, _ = _statement(rng, fact, slots)
    question = _fill(rng.choice(WORLD.facts[fact].questions), slots)
    return _fill(WORLD.stories.asked, slots, question=question, statement=statement)


def _guest_book(rng: Random, setting: Setting, slots: Slots) -> str:
    label = rng.choice(list(WORLD.reviews.verdicts))
    judged = _judged(rng, rng.choice(setting.aspects + WORLD.aspects), label, slots)
    return _fill(WORLD.stories.guest_book, slots, judged=judged, verdict=rng.choice(WORLD.reviews.verdicts[label]))


def _judged(rng: Random, aspect: Aspect, label: str, slots: Slots) -> str:
    """Judge an aspect as the label asks, such as "the bread was fresh" or "the bread was not stale"."""
    word, contrary = (aspect.good, aspect.bad) if label == "positive" else (aspect.bad, aspect.good)
    pattern = "{subject} {word}"
    if rng.random() < DENIED:
        pattern, word = rng.choice(WORLD.reviews.denials), contrary
    return pattern.format(subject=aspect.subject.format(**slots), word=word)


def _review(rng: Random, label: str) -> str:
    setting = rng.choice(WORLD.settings)
    slots = _anywhere(rng, setting)
    aspects = rng.sample(setting.aspects + WORLD.aspects, 3)
    verdict = rng.choice(WORLD.reviews.verdicts[label])
    visit = rng.choice(WORLD.reviews.visits)
    if rng.random() < MIXED:
        (against,) = set(WORLD.reviews.verdicts) - {label}
        opinion = _fill(
            rng.choice(WORLD.reviews.mixed),
            slots,
            for_it=_judged(rng, aspects[0], label, slots),
            against=_judged(rng, aspects[1], against, slots),
            verdict=verdict,
        )
    else:
        first, second, third = [_judged(rng, aspect, label, slots) for aspect in aspects]
        pattern = rng.choice(WORLD.reviews.plain)
        opinion = _fill(pattern, slots, first=first, second=second, third=third, verdict=verdict)
    return f"{_fill(visit, slots)} {opinion}"


def _statement(rng: Random, fact: str, slots: Slots) -> tuple[str, str, int]:
    """Return a sentence that states the fact, the answer in it, and the first character of the answer."""
    before, after = rng.choice(WORLD.facts[fact].statements).split("{answer}")
    start = before.format(**slots)
    answer = slots[fact]
    return start + answer + after.format(**slots), answer, len(start)


def _passage(rng: Random) -> tuple[str, dict[str, tuple[str, int]], Slots]:
    """Return a text about a place, the answers in it with their starts, and the slots of the place."""
    slots = _anywhere(rng, rng.choice(WORLD.settings))
    stated = rng.sample(list(WORLD.facts), rng.randint(*FACTS_PER_PASSAGE))
    context = ""
    spans = {}
    for fact in WORLD.facts:
        if fact in stated:
            sentence, answer, start = _statement(rng, fact, slots)
            context += " " if context else ""
            spans[fact] = (answer, len(context) + start)
            context += sentence
    return context, spans, slots


def _questions(rng: Random, spans: dict[str, tuple[str, int]], slots: Slots) -> list[tuple[str, dict[str, list[Any]]]]:
    """Ask what the passage answers and one thing that it does not, in random order."""
    questions: list[tuple[str, dict[str, list[Any]]]] = []
    for fact in rng.sample(list(spans), QUESTIONS_PER_PASSAGE - 1):
        text, start = spans[fact]
        question = _fill(rng.choice(WORLD.facts[fact].questions), slots)
        questions.append((question, {"text": [text], "answer_start": [start]}))
    unstated = [fact for fact in WORLD.facts if fact not in spans]
    if "price" in spans and rng.random() < 0.5:
        # The passage states a price, but of another item.
        fact, slots = "price", slots | {"item": slots["other_item"]}
    else:
        fact = rng.choice(unstated)
    questions.append((_fill(rng.choice(WORLD.facts[fact].questions), slots), {"text": [], "answer_start": []}))
    return rng.sample(questions, len(questions))
