"""Seeded sentences to be spoken: commands, word lists, digits, and speech outside the vocabulary."""

import random
import re
from functools import cache

from vocabulary import DIGITS, LABEL_OF, TENS, WORDS, pronunciations

CHOICES = {
    "onoff": ["on", "off"],
    "light": ["light", "lights"],
    "room": ["kitchen", "bedroom"],
    "unit": ["minute", "minutes", "minutes", "second", "seconds", "seconds", "hour", "hours"],
    "units": ["minutes", "seconds", "hours"],
    "is": ["what is", "what's"],
    "updown": ["up", "down"],
    "tale": ["joke", "story"],
    "thing": ["timer", "music", "story", "joke"],
    "thanks": ["thank you", "thanks"],
    "bye": ["goodbye", "bye"],
    "hello": ["hello", "hi"],
    "ack": ["okay", "yes", "yeah", "uhhuh"],
}

TEMPLATES = """
{hello}
{hello} how are you
{hello} who are you
{hello} {is} your name
{hello} what time is it
{bye}
okay {bye}
{thanks} {bye}
{thanks}
{thanks} okay
okay {thanks}
no {thanks}
yes {thanks}
yes please
no
no no
no stop
stop
stop stop
stop please
please stop
okay stop
stop that
stop the {thing}
stop what is the time
stop {is} the time
stop what time is it
wait
wait wait
wait a minute
wait a second
no wait
wait stop
cancel
cancel that
cancel the timer
cancel the {thing}
please cancel
okay cancel
{ack}
{ack}
{ack}
{ack} {ack}
okay okay
yeah yeah
okay go
go
go on
okay go on
{is} the time
{is} the time please
what time is it
what time is it
what time is it please
okay what time is it
{is} the date
{is} the date today
what day is it
what day is it today
{is} the weather
{is} the weather today
how is the weather today
tell me the weather
tell me the time
tell me the date
can you tell me the time
can you tell me the date please
turn {onoff} the {room} {light}
turn {onoff} the {room} {light}
turn {onoff} the {room} {light} please
please turn {onoff} the {room} {light}
can you turn {onoff} the {light}
can you turn {onoff} the {room} {light} please
turn {onoff} the {light}
turn the {light} {onoff}
turn the {room} {light} {onoff}
switch {onoff} the {light}
switch {onoff} the {room} {light}
switch the {room} {light} {onoff} please
turn it {onoff}
switch it {onoff}
turn {onoff} the music
{light} {onoff}
{room} {light} {onoff}
is the {room} light {onoff}
set a timer for {number} {unit}
set a timer for {number} {unit}
set a timer for {number} {unit} please
please set a timer for {number} {unit}
can you set a timer for {number} {unit}
set the timer for {number} {unit}
set it for {number} {unit}
{number} {unit}
{number} minutes {number} seconds
{number} {unit} please
how long is left
how long is it
how many {units} are left
how many {units} left
how long is the timer
what is left
is the timer on
tell me a {tale}
tell me a {tale}
tell me a {tale} please
can you tell me a {tale}
tell me that {tale} again
tell me again
tell me your name
play music
play the music
play that again
play a story
pause
pause the {thing}
pause it
play
volume {updown}
turn the volume {updown}
turn {updown} the volume
turn it {updown}
turn the music {updown}
set the volume {updown}
repeat
repeat that
repeat that please
can you repeat that
please repeat that
again
again please
do it again
do that again
do it
{is} your name
{is} your name
who are you
how are you
how are you today
what can you do
what are you
can you help me
help
help me
help me please
please help
what
what is it
what is that
who is that
who is it
""".strip().splitlines()

AMBIGUOUS = {"for", "a"}
"""Homophones of other words out of context: kept out of random word lists."""

COMMON = """the and to of in that was he she his her they we with as at by from this be have had not but all were when there
been one would which their more if out so said them then into could some than other about over after first also made before
through where much should well people down back little only man old see now way may great being most through same another
here never very still own under last right day too came come house water good people because every found again world came
place part against until away something always things night seen look side went does why think give head ask between left
hand city country business room school number government power words party children company system during group money
family mother father problem question door body history morning white light state young four five two three six eight""".split()
"""Common words of running speech, so that unknown speech sounds like speech; vocabulary words among them keep their label."""


def number(rng: random.Random) -> str:
    """A number that the vocabulary can say, 1 to 59."""
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(DIGITS[1:])
    if kind < 0.75:
        return rng.choice(TENS)
    return rng.choice(TENS[2:]) + " " + rng.choice(DIGITS[1:])


def command(rng: random.Random) -> list[str]:
    """A sentence that makes sense to a small appliance."""

    def fill(match: re.Match) -> str:
        name = match.group(1)
        return number(rng) if name == "number" else rng.choice(CHOICES[name])

    return re.sub(r"\{(\w+)\}", fill, rng.choice(TEMPLATES)).split()


@cache
def unknown_words(part: str) -> list[str]:
    """Dictionary words outside the vocabulary and not homophones of it; `part` is "train" or "test", which are disjoint."""
    known = pronunciations()
    sounds = {known[word] for word in WORDS}
    out = [w for w, p in sorted(known.items()) if 3 <= len(w) <= 11 and w.isalpha() and w not in LABEL_OF and p not in sounds]
    random.Random(7).shuffle(out)
    return out[:12000] if part == "train" else out[12000:14000]


def unknown_sentence(rng: random.Random, part: str) -> list[str]:
    """Running speech, most of it outside the vocabulary."""
    rare = unknown_words(part)
    return [rng.choice(COMMON) if rng.random() < 0.55 else rng.choice(rare) for _ in range(rng.randint(1, 9))]


def sentence(rng: random.Random, part: str = "train", known_only: bool = False) -> list[str]:
    """One sentence as words; words outside the vocabulary are spoken but labelled `UNK`."""
    free = [word for word in WORDS if word not in AMBIGUOUS]
    kind = rng.random()
    if known_only:
        kind *= 0.80
    if kind < 0.42:
        return command(rng)
    if kind < 0.50:
        return [rng.choice(WORDS)]
    if kind < 0.59:
        return [rng.choice(DIGITS)]
    if kind < 0.66:
        return [rng.choice(DIGITS + ["oh"]) for _ in range(rng.randint(2, 6))]
    if kind < 0.80:
        return [rng.choice(free) for _ in range(rng.randint(2, 6))]
    if kind < 0.87:
        return mixed(rng, command(rng), part)
    return unknown_sentence(rng, part)


def mixed(rng: random.Random, words: list[str], part: str) -> list[str]:
    """A command with one or two words replaced by, or followed by, unknown ones."""
    for _ in range(rng.randint(1, 2)):
        at = rng.randrange(len(words) + 1)
        replaced = 1 if rng.random() < 0.5 else 0
        words[at : at + replaced] = [rng.choice(unknown_words(part))]
    return words


if __name__ == "__main__":
    rng = random.Random(1)
    for _ in range(30):
        print(" ".join(sentence(rng)))
