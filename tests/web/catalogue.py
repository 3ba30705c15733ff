"""The sentences of the pages, gathered from templates and code: `python -m tests.web.catalogue` brings the
catalogues up to date; the tests say which sentence is missing in which language."""

from __future__ import annotations

from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from web_ui.languages import LOCALE

ROOT = Path(__file__).parent.parent.parent / "web_ui"
# The table of roads, whose kinds the pages do not know by name, and the reasons roads give.
ROADS = ROOT.parent / "radio"
# The letter that explains a camp to a list.
LETTERS = ROOT.parent / "sync" / "letters"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext.babel_extract")]
OPTIONS = {"**/templates/**.html": {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}}
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "mark": None,
    "for_people": None,
    "count": (1, 2),
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
}

HEADER = """\
msgid ""
msgstr ""
"Project-Id-Version: Mic Check\\n"
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural}\\n"

"""


def sentences() -> Catalog:
    """Every sentence of the pages."""
    catalogue = Catalog(project="Mic Check", charset="utf-8")
    for folder, methods in ((ROOT, METHODS), (ROADS, METHODS), (LETTERS, [("introducing.py", "python")])):
        for name, _line, message, _comments, _context in extract_from_dir(folder, methods, OPTIONS, KEYWORDS):
            if message and (isinstance(message, str) or all(message)):
                catalogue.add(message, locations=[(name, 0)])
    return catalogue


def catalogue_of(code: str) -> Catalog:
    with (LOCALE / code / "messages.po").open("rb") as file:
        return read_po(file, locale=code)


def save(catalogue: Catalog) -> None:
    """Write a catalogue, with only those header lines that say something."""
    assert catalogue.locale is not None
    path = LOCALE / str(catalogue.locale) / "messages.po"
    with path.open("wb") as file:
        file.write(HEADER.format(code=catalogue.locale, plural=catalogue.plural_forms).encode())
        write_po(file, catalogue, width=100, include_lineno=False, sort_output=True, omit_header=True)


def main() -> None:
    wanted = sentences()
    for path in LOCALE.glob("*/messages.po"):
        catalogue = catalogue_of(path.parent.name)
        catalogue.update(wanted, no_fuzzy_matching=True, update_header_comment=False)
        catalogue.obsolete.clear()
        save(catalogue)


if __name__ == "__main__":
    main()
