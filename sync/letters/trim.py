"""What a person wrote in a letter, without what they answered to, their signature and the list's footer.

Written by hand, line by line: the library for it took 40 s for 20 kB of empty lines, and cut letters
off at "Thanks," and at the first item of a list.
"""

from __future__ import annotations

import re

from sync.letters.list_forms import FOOTERS

# No line of a letter has to be longer to be recognised, and patterns stay cheap.
_LINE_CHARACTERS_MAX = 1_000

# Mailman 2 and 3: a line of 47 underscores, then the list's name and address. Outlook: 32, then a quote.
_UNDERSCORES = re.compile(r"_{30,}")
_LIST_WORDS = re.compile(
    r"mailing list|@|https?://|unsubscribe|listinfo|lista de correo|desuscri|darse de baja|liste de",
    re.IGNORECASE,
)
# RFC 9580 §7: the words between are the letter, and a line that begins with a dash got `- ` before it.
_ARMOR = re.compile(r"-----BEGIN PGP SIGNED MESSAGE-----[ \t\r]*\n(?:Hash: [^\n]*\n)*[ \t\r]*\n")
_SENT_FROM = re.compile(
    r"(?:Sent from|Get Outlook for|Télécharger Outlook|Obtener Outlook|Enviado desde|Envoyé de|Gesendet von"
    r"|Enviado do|Inviato da) .{2,40}",
    re.IGNORECASE,
)
# RFC 3676 §4.3 wants the space after the dashes; many programs and all HTML letters lose it.
_SIGNATURE = re.compile(r"-- {0,2}")
_ORIGINAL = re.compile(
    r"-{3,} ?(?:Original Message|Mensaje original|Ursprüngliche Nachricht|Message d'origine|Mensagem original"
    r"|Messaggio originale) ?-{3,}",
    re.IGNORECASE,
)
_HEADER_FROM = re.compile(r"\*?(?:From|De|Von|Da|Van)\*?\s?:\*? \S.*")
_HEADER_NEXT = re.compile(
    r"\*?(?:Sent|Date|To|Subject|Enviado(?: el)?|Fecha|Para|Asunto|Gesendet|Datum|An|Betreff|Envoyé|À|Objet"
    r"|Inviato|A|Data|Verzonden|Aan)\*?\s?:\*? "
)
_WROTE_BEGIN = re.compile(r"(?:On|El|Le|Am|Em|Il|Op|Den|A) .+|.*\d.*[<@].*|.*\b20\d\d\b.*")
_WROTE_END = re.compile(
    r".*(?:\b(?:wrote|escribió|a écrit|escreveu|ha scritto|va escriure)|\b(?:schrieb|schreef|skrev)\b.*) ?:"
)
# `Ana López wrote:`, as programs wrote it before they added the date.
_SOMEBODY_WROTE = re.compile(r"\w[\w.'-]*(?: [\w.'-]+){0,3} (?:wrote|escribió|a écrit|schrieb) ?:")
_QUOTED = re.compile(r" ?[>|]")
_BLANK_RUN = re.compile(r"\n{3,}")


def own_words(text: str) -> str:
    """The words of the letter's author. Where nothing is left, all of it: somebody passes a quote on."""
    if armor := _ARMOR.search(text):
        text = re.sub(r"^- ", "", text[: armor.start()] + text[armor.end() :], flags=re.MULTILINE)
    lines = [line[:_LINE_CHARACTERS_MAX] for line in text.split("\n")]
    lines = next((lines[:at] for at in range(len(lines)) if _is_end(lines, at)), lines)
    kept = _without_quotes(lines)
    while kept and (not kept[-1].strip() or _SENT_FROM.fullmatch(kept[-1].strip())):
        kept.pop()
    words = _BLANK_RUN.sub("\n\n", "\n".join(line.rstrip() for line in kept)).strip("\n")
    return words or _BLANK_RUN.sub("\n\n", "\n".join(line.rstrip() for line in lines)).strip("\n")


def quoted_lines(text: str) -> list[str]:
    """The quoted lines, without their marks. A token of ours in them says what was answered to."""
    return [line.lstrip("> |") for line in text.split("\n") if _QUOTED.match(line)]


def _is_end(lines: list[str], at: int) -> bool:
    """Whether nothing of the author's own follows from this line on."""
    line = lines[at].rstrip("\r")
    bare = line.strip()
    if not bare:
        return False
    if _SIGNATURE.fullmatch(line) or FOOTERS.match(bare) or _ORIGINAL.fullmatch(bare):
        return True
    following = lines[at + 1 : at + 4]
    if _UNDERSCORES.fullmatch(bare):
        return any(_LIST_WORDS.search(f) or _HEADER_FROM.match(f.strip()) for f in following)
    # Header lines as Outlook quotes them. At the very top they open a forwarded letter: that is the content.
    if at > 0 and _HEADER_FROM.fullmatch(bare):
        return any(_HEADER_NEXT.match(f.strip()) for f in following)
    return False


def _without_quotes(lines: list[str]) -> list[str]:
    kept: list[str] = []
    has_spoken = False  # since the last quote: 30,000 quoted lines have one attribution, looked for once
    for at, line in enumerate(lines):
        if _QUOTED.match(line):
            if has_spoken:
                _drop_attribution(kept)
            has_spoken = False
        elif not (at == len(lines) - 1 and _WROTE_END.fullmatch(line.strip())):
            kept.append(line)
            has_spoken = has_spoken or bool(line.strip())
    return kept


def _drop_attribution(kept: list[str]) -> None:
    """Take `On Tuesday Ana wrote:` away, on one line or wrapped onto two or three, when a quote follows."""
    end = len(kept)
    while end and not kept[end - 1].strip():
        end -= 1
    for begin in range(end - 1, max(end - 4, -1), -1):
        if not kept[begin].strip():
            break
        said = " ".join(line.strip() for line in kept[begin:end])
        if _WROTE_BEGIN.match(said) and _WROTE_END.fullmatch(said):
            del kept[begin:]
            return
    if end and _SOMEBODY_WROTE.fullmatch(kept[end - 1].strip()):
        del kept[end - 1 :]
