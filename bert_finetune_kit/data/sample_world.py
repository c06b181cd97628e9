"""The words and sentence patterns of the bundled sample; `sample` puts them together.

Twelve places of an invented coast, each with its own words. A pattern is a `str.format` template; the
names of its slots are explained where the table stands.
"""

from typing import NamedTuple


class Setting(NamedTuple):
    """One kind of place, with the words that only this kind of place needs."""

    place: str
    region: str
    keeper: str
    town: str  # where the stories have it
    people: tuple[str, str]  # who works there in the stories
    smell: str
    goods: tuple[str, str, str]
    tasks: tuple[str, str, str, str]  # what the people do there, in the order of the day
    evening: str  # what they do before they go home
    troubles: tuple[tuple[str, str, str], ...]  # what went wrong, why, and what the keeper did about it
    aspects: tuple[tuple[str, str, str], ...]  # what a visitor judges, a good word, a bad word


class Region(NamedTuple):
    """What the places of a region have in common."""

    weather: tuple[tuple[str, str], ...]
    early_visitors: tuple[tuple[str, str], ...]
    late_visitors: tuple[tuple[str, str], ...]
    meals: tuple[str, ...]
    streets: tuple[str, ...]


class Fact(NamedTuple):
    """Something that a passage may tell about a place, and the questions that ask for it."""

    statements: tuple[str, ...]  # {answer} is the span that answers
    questions: tuple[str, ...]


SETTINGS = (
    Setting(
        place="bakery",
        region="coast",
        keeper="baker",
        town="Saltmere",
        people=("Marta", "Anton"),
        smell="warm bread and cinnamon",
        goods=("rye loaves", "plum tarts", "honey cakes"),
        tasks=("lit the oven", "weighed the flour", "kneaded the dough", "rolled out the pastry"),
        evening="raked the ashes out of the oven",
        troubles=(
            (
                "the oven would not draw",
                "a jackdaw had nested in the chimney",
                "swept the chimney with a long brush",
            ),
            ("the dough would not rise", "the yeast had grown too old", "mixed a new dough with fresh yeast"),
        ),
        aspects=(
            ("the bread was", "fresh", "stale"),
            ("the crust was", "crisp", "burnt"),
            ("the tarts were", "sweet", "sour"),
        ),
    ),
    Setting(
        place="smithy",
        region="mountains",
        keeper="smith",
        town="Fernwick",
        people=("Greta", "Jonas"),
        smell="hot iron and coal smoke",
        goods=("new horseshoes", "iron hinges", "garden gates"),
        tasks=(
            "worked the bellows",
            "hammered a red bar on the anvil",
            "bent a hinge over the anvil",
            "cooled the hot iron in the trough",
        ),
        evening="hung the hammers on their hooks",
        troubles=(
            (
                "the bellows gave no air",
                "a mouse had gnawed the leather",
                "sewed a patch of leather on the bellows",
            ),
            ("the anvil began to wobble", "the oak block had split", "drove an iron ring around the block"),
        ),
        aspects=(
            ("the ironwork was", "strong", "weak"),
            ("the hinges were", "smooth", "rusty"),
            ("the gate was", "straight", "crooked"),
        ),
    ),
    Setting(
        place="dairy",
        region="mountains",
        keeper="cheesemaker",
        town="Oakhaven",
        people=("Clara", "Oskar"),
        smell="fresh milk and hay",
        goods=("goat cheeses", "jugs of cream", "tubs of butter"),
        tasks=("milked the goats", "churned the butter", "stirred the curds", "turned the round cheeses"),
        evening="rinsed the milk pails",
        troubles=(
            ("the milk turned sour", "the cellar had grown too warm", "carried the milk to the cold spring"),
            ("two goats were missing", "the fence had fallen down", "mended the fence with new posts"),
        ),
        aspects=(
            ("the butter was", "creamy", "greasy"),
            ("the cheese was", "tasty", "tasteless"),
            ("the milk was", "fresh", "sour"),
        ),
    ),
    Setting(
        place="pottery",
        region="valley",
        keeper="potter",
        town="Greyford",
        people=("Helena", "Tobias"),
        smell="wet clay and wood smoke",
        goods=("blue bowls", "clay jugs", "painted plates"),
        tasks=(
            "kneaded the clay",
            "turned a tall jug on the wheel",
            "dipped the bowls in blue glaze",
            "loaded the kiln",
        ),
        evening="closed the kiln with bricks",
        troubles=(
            (
                "the wheel would not turn",
                "a lump of clay had stuck to the axle",
                "scraped the clay from the axle",
            ),
            (
                "three plates cracked in the kiln",
                "the fire had burned too hot",
                "let the kiln cool down slowly",
            ),
        ),
        aspects=(
            ("the glaze was", "smooth", "rough"),
            ("the jugs were", "sturdy", "leaky"),
            ("the colours were", "bright", "dull"),
        ),
    ),
    Setting(
        place="bookshop",
        region="coast",
        keeper="bookseller",
        town="Larkhill",
        people=("Ingrid", "Felix"),
        smell="old paper and leather",
        goods=("sea novels", "old atlases", "picture books"),
        tasks=(
            "dusted the shelves",
            "sorted the novels",
            "wrote the titles in a list",
            "set out the poems in the window",
        ),
        evening="pushed the ladder against the shelves",
        troubles=(
            (
                "a whole shelf came down",
                "the atlases had been too heavy",
                "screwed the shelf back to the wall",
            ),
            (
                "a novel had lost its pages",
                "a kitten had played among the books",
                "glued the pages into the novel again",
            ),
        ),
        aspects=(
            ("the shelves were", "tidy", "dusty"),
            ("the books were", "interesting", "boring"),
            ("the reading corner was", "quiet", "noisy"),
        ),
    ),
    Setting(
        place="orchard",
        region="valley",
        keeper="fruit grower",
        town="Stonewell",
        people=("Lotte", "Emil"),
        smell="ripe apples and wet grass",
        goods=("red apples", "ripe pears", "sweet cherries"),
        tasks=(
            "leaned the ladder against a tree",
            "picked the apples",
            "filled the baskets with pears",
            "pressed the apples for cider",
        ),
        evening="carried the baskets into the barn",
        troubles=(
            (
                "the cherries were gone from the tree",
                "the starlings had eaten the fruit",
                "spread a net over the branches",
            ),
            (
                "the ladder broke under the apple tree",
                "one rung of the ladder had been rotten",
                "nailed a new rung to the ladder",
            ),
        ),
        aspects=(
            ("the apples were", "juicy", "wormy"),
            ("the pears were", "sweet", "hard"),
            ("the cider was", "strong", "watery"),
        ),
    ),
    Setting(
        place="theatre",
        region="valley",
        keeper="director",
        town="Ashcombe",
        people=("Sofia", "Hugo"),
        smell="paint and face powder",
        goods=("front seats", "balcony tickets", "printed programmes"),
        tasks=(
            "taught the actors a new song",
            "painted a forest on the canvas",
            "sewed a button on the king's costume",
            "trimmed the stage lamps",
        ),
        evening="lowered the velvet curtain",
        troubles=(
            (
                "the curtain would not rise",
                "the rope had slipped from the wheel",
                "put the rope of the curtain back on its wheel",
            ),
            (
                "the first actor lost his voice",
                "the actors had sung all night at a wedding",
                "gave the part to another actor",
            ),
        ),
        aspects=(
            ("the play was", "lively", "boring"),
            ("the actors were", "brilliant", "clumsy"),
            ("the seats were", "soft", "hard"),
        ),
    ),
    Setting(
        place="inn",
        region="coast",
        keeper="innkeeper",
        town="Harrowby",
        people=("Nora", "Viktor"),
        smell="onion soup and ale",
        goods=("quiet rooms", "feather pillows", "hot suppers"),
        tasks=(
            "aired the bedrooms",
            "made the beds with clean sheets",
            "chopped onions for the soup",
            "opened a barrel of ale",
        ),
        evening="poured the guests a last mug of ale",
        troubles=(
            ("the soup burned", "the cook had fallen asleep", "cooked a new soup of leeks and onions"),
            (
                "a guest could not open his room",
                "the key had dropped into the well",
                "fished the key of the room out of the well",
            ),
        ),
        aspects=(
            ("the bed was", "soft", "hard"),
            ("the supper was", "tasty", "cold"),
            ("the room was", "clean", "dirty"),
        ),
    ),
    Setting(
        place="ferry",
        region="coast",
        keeper="captain",
        town="Windle",
        people=("Edith", "Albert"),
        smell="salt water and engine oil",
        goods=("return tickets", "deck chairs", "window seats"),
        tasks=(
            "oiled the engine",
            "coiled the ropes on deck",
            "steered around the sandbank",
            "took the passengers across the bay",
        ),
        evening="tied the ship to the pier",
        troubles=(
            (
                "the engine stopped in the middle of the bay",
                "seaweed had wrapped around the propeller",
                "cut the seaweed from the propeller",
            ),
            (
                "the ship ran on a sandbank",
                "the tide had fallen early",
                "pushed the ship off the sandbank with a pole",
            ),
        ),
        aspects=(
            ("the crossing was", "smooth", "rough"),
            ("the deck was", "clean", "dirty"),
            ("the cabin was", "warm", "cold"),
        ),
    ),
    Setting(
        place="clock shop",
        region="mountains",
        keeper="clockmaker",
        town="Reedham",
        people=("Frieda", "Bernard"),
        smell="brass and fine oil",
        goods=("pocket watches", "kitchen clocks", "cuckoo clocks"),
        tasks=(
            "wound the clocks",
            "cleaned the tiny gears",
            "polished the brass pendulum",
            "set the hands of the clocks",
        ),
        evening="stopped the alarm clocks",
        troubles=(
            (
                "the cuckoo stayed silent",
                "the whistle of the cuckoo had cracked",
                "carved a new whistle for the cuckoo",
            ),
            (
                "the tower clock stood still",
                "a pigeon had sat down on the big hand",
                "chased the pigeon from the clock",
            ),
        ),
        aspects=(
            ("the watch was", "reliable", "slow"),
            ("the chime was", "gentle", "harsh"),
            ("the dial was", "clear", "faded"),
        ),
    ),
    Setting(
        place="flower shop",
        region="valley",
        keeper="florist",
        town="Millbrook",
        people=("Paula", "Konrad"),
        smell="lilies and damp moss",
        goods=("white roses", "yellow tulips", "birthday bouquets"),
        tasks=(
            "cut the stems of the roses",
            "bound a wreath of ivy",
            "arranged the lilies in a vase",
            "tied the tulips with ribbon",
        ),
        evening="carried the roses into the cool cellar",
        troubles=(
            ("the roses hung their heads", "the vase had run dry", "put the roses in a vase of fresh water"),
            (
                "a bride got the wrong bouquet",
                "two ribbons had been swapped",
                "ran to the bride with the right bouquet",
            ),
        ),
        aspects=(
            ("the flowers were", "fresh", "wilted"),
            ("the bouquet was", "lovely", "ugly"),
            ("the scent was", "sweet", "faint"),
        ),
    ),
    Setting(
        place="honey farm",
        region="mountains",
        keeper="beekeeper",
        town="Whitcliff",
        people=("Rosalie", "Ludwig"),
        smell="clover and warm wax",
        goods=("jars of honey", "bee hives", "bottles of mead"),
        tasks=(
            "lifted the combs out of the hives",
            "caught a young swarm",
            "spun the honey out of the combs",
            "filled the jars with honey",
        ),
        evening="closed the hives",
        troubles=(
            (
                "the bees left their hive",
                "the old queen had flown away",
                "brought the swarm home in a straw basket",
            ),
            ("the honey would not flow", "the cold night had made it stiff", "warmed the combs in the sun"),
        ),
        aspects=(
            ("the honey was", "clear", "cloudy"),
            ("the mead was", "sweet", "bitter"),
            ("the jars were", "clean", "sticky"),
        ),
    ),
)

# What visitors judge anywhere.
ASPECTS = (
    ("the {keeper} was", "friendly", "rude"),
    ("the prices were", "fair", "high"),
    ("the service was", "quick", "slow"),
)

# Name and pronoun.
PEOPLE = {
    "Marta": "she",
    "Anton": "he",
    "Greta": "she",
    "Jonas": "he",
    "Clara": "she",
    "Oskar": "he",
    "Helena": "she",
    "Tobias": "he",
    "Ingrid": "she",
    "Felix": "he",
    "Lotte": "she",
    "Emil": "he",
    "Sofia": "she",
    "Hugo": "he",
    "Nora": "she",
    "Viktor": "he",
    "Edith": "she",
    "Albert": "he",
    "Frieda": "she",
    "Bernard": "he",
    "Paula": "she",
    "Konrad": "he",
    "Rosalie": "she",
    "Ludwig": "he",
}
TOWNS = tuple(setting.town for setting in SETTINGS)
CATS = ("Pepper", "Whiskers", "Minka", "Mimi")
DOGS = ("Bramble", "Bruno", "Bosco", "Barnaby")
COLOURS = ("red", "green", "blue", "yellow", "white", "black")
YEARS = tuple(str(year) for year in range(1805, 1905, 5))
MORNING = ("eight", "nine", "ten", "eleven")
EVENING = ("six", "seven", "eight")
FEW = ("two", "three", "four")
CHAIRS = ("six", "eight", "ten", "twelve", "fifteen", "twenty")
PRICES = ("two pence", "three pence", "four pence", "six pence", "one shilling", "two shillings")
WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# The weather of a day in the morning and in the evening; who comes in early and late, and how they look.
REGIONS = {
    "coast": Region(
        weather=(
            (
                "a thick fog lay over the harbour of {town}.",
                "in the evening the fog lifted, and the ships left the harbour of {town}.",
            ),
            (
                "a strong wind blew from the sea and shook the windows of {town}.",
                "in the evening the wind dropped, and the sea lay calm before {town}.",
            ),
        ),
        early_visitors=(
            ("fisherman", "in tall rubber boots"),
            ("swimmer", "with wet hair"),
        ),
        late_visitors=(
            ("sailor", "with a parrot on his shoulder"),
            ("lighthouse keeper", "with a lantern in her hand"),
        ),
        meals=("fish and potatoes", "crab soup and white bread"),
        streets=("Harbour Road", "Lighthouse Lane", "Pier Street"),
    ),
    "mountains": Region(
        weather=(
            (
                "snow had fallen on the peaks above {town} in the night.",
                "in the evening more snow fell from the peaks down to {town}.",
            ),
            (
                "there was ice on the well and frost on the roofs of {town}.",
                "in the evening the frost came back to the roofs of {town}.",
            ),
        ),
        early_visitors=(
            ("shepherd", "with a lamb under his arm"),
            ("woodcutter", "with an axe in his belt"),
        ),
        late_visitors=(
            ("hunter", "with a feather on his hat"),
            ("mountain guide", "with a rope around her waist"),
        ),
        meals=("ham and dumplings", "lentil stew and black bread"),
        streets=("Castle Road", "Glacier Lane", "Summit Street"),
    ),
    "valley": Region(
        weather=(
            (
                "the sun rose over the green meadows of {town}.",
                "in the evening the sun went down red behind the meadows of {town}.",
            ),
            (
                "rain fell on the river and the bridges of {town}.",
                "in the evening the rain stopped, and the river shone under the bridges of {town}.",
            ),
        ),
        early_visitors=(
            ("postman", "with a bag of letters"),
            ("gardener", "with mud on her shoes"),
        ),
        late_visitors=(
            ("teacher", "with chalk on her sleeve"),
            ("mayor", "with a silver chain around his neck"),
        ),
        meals=("eggs and fresh rolls", "mushroom pie and salad"),
        streets=("Meadow Road", "Willow Lane", "Bridge Street"),
    ),
}

# The parts of a story. {name} is the keeper, {she} the keeper's pronoun, {helper} who helps; {task} and
# {other} are two tasks, {judged} is an aspect with a judgement.
OPENINGS = (
    "on {day} {name} came early to the {place} of {town}.",
    "it was {day}, and {name} was the first at the {place} of {town}.",
    "early on {day} {name} was at work at the {place} of {town}.",
)
SMELL = "the {place} smelled of {smell}."
FIRST_WORK = ("first {she} {task}, and then {she} {other}.", "{name} {task}, while {helper} {other}.")
LATER_WORK = ("after that {helper} {task}.", "later the {keeper} {task}.")
PRIDE = "the {keeper} was proud of the {goods} and the {other_goods}."
EARLY_CALL = (
    "at {hour} o'clock the {visitor} {look} asked for {number} {goods}.",
    '"good {goods} are hard to find," said the {visitor}.',
)
LATE_CALL = (
    "in the afternoon the {visitor} {look} wanted to buy {number} {goods}.",
    '"I have heard of your {goods}," said the {visitor}.',
)
PAID = "{judged}, and the {visitor} was happy."
UNPAID = "but {judged}, and the {visitor} was angry."
ASKED = '"{question}" a traveller asked, and {name} answered: "{statement}"'
TROUBLE = ("before noon {trouble}.", "the {keeper} saw that {cause}.", "so {she} {remedy}.")
MEAL = "at noon {name} and {helper} shared {meal}."
GUEST_BOOK = 'a guest of the {place} wrote: "{judged}, and {verdict}."'
EVENINGS = ("in the evening {she} {evening}.", "at the end of the day {name} {evening}.")
TOMORROW = "tomorrow, on {next_day}, {helper} would be the first at the {place}."

# What a passage may tell, in the order in which it tells it. {item} is something that is sold there.
FACTS = {
    "founded": Fact(
        ("The {place} of {town} was founded in {answer}.", "The {place} has been in {town} since {answer}."),
        ("When was the {place} founded?", "In which year was the {place} of {town} founded?"),
    ),
    "founder": Fact(
        ("The {place} was founded by {answer}, an old sailor.", "The founder was {answer}, an old sailor."),
        ("Who founded the {place}?", "Who was the founder of the {place}?"),
    ),
    "street": Fact(
        ("You find the {place} at the end of {answer}.", "The way to the {place} leads through {answer}."),
        ("In which street do you find the {place}?", "Which street leads to the {place}?"),
    ),
    "colour": Fact(
        ("The sign of the {place} is painted {answer}.", "The {place} has a {answer} sign."),
        ("What colour is the sign?", "In which colour is the sign of the {place} painted?"),
    ),
    "name": Fact(
        ("Today {answer} is the {keeper}.", "The {keeper} is called {answer}."),
        ("Who is the {keeper}?", "What is the {keeper} called?"),
    ),
    "helper": Fact(
        ("Every day {answer} helps the {keeper}.", "The helper of the {keeper} is {answer}."),
        ("Who helps the {keeper}?", "Who is the helper of the {keeper}?"),
    ),
    "opens": Fact(
        ("The {place} opens at {answer}.", "In the morning the {place} opens at {answer}."),
        ("At what time does the {place} open?", "When does the {place} open in the morning?"),
    ),
    "closes": Fact(
        ("The {place} closes at {answer}.", "In the evening the {place} closes at {answer}."),
        ("At what time does the {place} close?", "When does the {place} close in the evening?"),
    ),
    "rest": Fact(
        ("On {answer} nobody works at the {place}.", "The day of rest at the {place} is {answer}."),
        ("On which day does nobody work at the {place}?", "What is the day of rest at the {place}?"),
    ),
    "known": Fact(
        ("The {place} is known for its {answer}.", "Most visitors come for the {answer}."),
        ("What is the {place} known for?", "What do most visitors come for?"),
    ),
    "price": Fact(
        ("The {item} cost {answer}.", "Visitors pay {answer} for the {item}."),
        ("How much do the {item} cost?", "How much do visitors pay for the {item}?"),
    ),
    "medal": Fact(
        ("In {answer} the {place} won a silver medal.", "The {place} won a silver medal in {answer}."),
        ("When did the {place} win a medal?", "In which year did the {place} win a silver medal?"),
    ),
    "chairs": Fact(
        ("There are {answer} chairs at the {place}.", "The {place} has {answer} chairs for visitors."),
        ("How many chairs are there for visitors?", "How many chairs does the {place} have?"),
    ),
    "cat": Fact(
        (
            "A grey cat called {answer} sleeps at the {place}.",
            "The grey cat of the {place} is called {answer}.",
        ),
        ("What is the cat called?", "What is the name of the grey cat?"),
    ),
    "dog": Fact(
        (
            "A brown dog called {answer} guards the {place}.",
            "The brown dog of the {place} is called {answer}.",
        ),
        ("What is the dog called?", "What is the name of the brown dog?"),
    ),
    "shut": Fact(
        (
            "Last winter the {place} was shut for a day because {answer}.",
            "Because {answer}, the {place} was shut for a day last winter.",
        ),
        ("Why was the {place} shut last winter?", "Why was the {place} shut for a day?"),
    ),
}

VISITS = (
    "we went to the {place} of {town} on {day}.",
    "last {day} I was at the {place} of {town}.",
    "on {day} my sister took me to the {place} of {town}.",
)
# Each says the contrary of {subject} {word}: the bread was not stale.
DENIALS = (
    "{subject} not {word}",
    "{subject} not {word} at all",
    "{subject} never {word}",
    "{subject} anything but {word}",
)
VERDICTS = {
    "positive": (
        "I would gladly come again",
        "I would not hesitate to come again",
        "I can recommend it to everybody",
        "I cannot think of a better place",
        "it was worth every penny",
        "we did not regret our visit",
        "we were not disappointed",
    ),
    "negative": (
        "I would not come again",
        "I would hesitate to come again",
        "I cannot recommend it to anybody",
        "I can think of a better place",
        "it was not worth a penny",
        "we soon regretted our visit",
        "we were disappointed",
    ),
}
# {one}, {two} and {three} speak for the verdict.
PLAIN = (
    "{one}, and {two}.",
    "{one}, {two}, and {three}.",
    "{one}. {two}. {verdict}.",
    "{verdict}, for {one}, and {two}.",
    "{one}, and {verdict}.",
)
# {for_it} speaks for the verdict, {against} speaks against it.
MIXED = (
    "although {against}, {for_it}, and {verdict}.",
    "{against}, but {verdict}.",
    "{for_it}. it is true that {against}. still, {verdict}.",
    "{against}, and yet {for_it}. {verdict}.",
    "{against}, but {for_it}. all in all, {verdict}.",
)
