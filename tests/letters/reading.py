"""What several tests of letters need: the one letter in a piece of mail."""

from sync.letters import IncomingLetter, read_letters


def only(raw: bytes, list_names: tuple[str, ...] = ()) -> IncomingLetter:
    (letter,) = read_letters(raw, list_names)
    assert isinstance(letter, IncomingLetter)
    return letter
