"""The workload: who posts what, when. The same for every scheme, drawn from the seed.

A message is a text whose own bundle, sealed alone, is `size` bytes of frame payload, four more or less: the
bundle's wire without the frame's head and without a key. The texts are word salad of what camps say, in two
languages, because a codec that knows words makes a longer text of the same bytes than one of random letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from radio.experiment.case import SIZE_TOLERANCE, Case
from sync import bundle
from sync.bundle import BundleClass
from sync.message import Kind, Message, compose, encode
from sync.signing import Identity

# Posts of one burst come within two minutes.
BURST_S = 120.0
# A salad that jumps over the range is stirred again; hardly one does.
TRIES_MAX = 100

_TALK = """
    water at gate four we need blankets for the night medic tent moved to the library the kitchen wants six
    people before seven assembly by the fountain rain is coming cover the books bring tarps and rope who has
    a generator phones charge in the blue tent legal number is on the board police line on the north side
    keep calm and sit down the march leaves at noon childcare opens after lunch thank you for the soup
    agua en la puerta cuatro mantas para la noche asamblea a las ocho junto a la fuente la cocina busca gente
    enfermería al lado de la biblioteca traed lonas y cuerda quién tiene un generador comisión de respeto en
    la esquina norte la marcha sale a mediodía turno de limpieza después de comer gracias por la sopa dormimos
    en la plaza esta noche lluvia desde las diez cubrid los libros micro abierto en el ágora todas y todos
"""
_WORDS = tuple(_TALK.split())


@dataclass(frozen=True, slots=True)
class Post:
    """A person at a camp (its place in the topology) posts `message`, `at_s` seconds into the run."""

    at_s: float
    camp: int
    message: Message


def workload_of(case: Case, start_s: float) -> tuple[Post, ...]:
    """All posts of a run that begins at Unix time `start_s`, earliest first."""
    chance = Random(f"{case.seed} talk")
    identity = Identity(bytes(32))
    posts = []
    for at_s, camp in sorted(_moments(case, chance)):
        message = Message(Kind.POST, int(start_s + at_s))
        posts.append(Post(at_s, camp, _of_size(message, case.size, identity, chance)))
    return tuple(posts)


def bundle_bytes(message: Message, identity: Identity) -> int:
    """Bytes of frame payload of a message that is sealed alone."""
    sealed = bundle.seal(identity, bundle.hour_of(message.second), BundleClass.POST, [encode(message)])
    return len(sealed.wire)


def _moments(case: Case, chance: Random) -> list[tuple[float, int]]:
    """When whom something occurs to: single posts, or bursts of one author within two minutes."""
    if case.burst == 1:
        return [(chance.uniform(0, case.talk_s), chance.randrange(case.camps)) for _ in range(case.messages)]
    moments: list[tuple[float, int]] = []
    while len(moments) < case.messages:
        first_s = chance.uniform(0, max(0.0, case.talk_s - BURST_S))
        author = chance.randrange(case.camps)
        for _ in range(min(case.burst, case.messages - len(moments))):
            moments.append((first_s + chance.uniform(0, min(BURST_S, case.talk_s)), author))
    return moments


def _of_size(message: Message, size: int, identity: Identity, chance: Random) -> Message:
    """The message with a text that makes its bundle so long: as many words of a salad as it takes."""
    for _ in range(TRIES_MAX):
        words = chance.choices(_WORDS, k=size)  # a word is a byte at the least
        fewest, most = 1, size
        while fewest <= most:
            count = (fewest + most) // 2
            posted = compose(message, " ".join(words[:count]))
            length = bundle_bytes(posted, identity)
            if abs(length - size) <= SIZE_TOLERANCE:
                return posted
            if length < size:
                fewest = count + 1
            else:
                most = count - 1
    raise ValueError(f"no text makes a bundle of {size} bytes")
