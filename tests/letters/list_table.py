"""The table of list programs in words: `python -m tests.letters.list_table > sync/letters/LISTS.md`."""

from __future__ import annotations

from sync.letters.list_forms import LIST_FORMS, ListForm, NoticeKind

TOP = """# What list programs do to letters

Made from `list_forms.py`, which the readers of mail are made of, by `python -m tests.letters.list_table`; a
test holds the two together. *Seen* says with which version an entry was tried for real. Where it says *not
seen*, the entry is what its sources say, and nobody here has watched that program do it.

Whatever the program, a letter of ours that comes back is known by its Message-ID, by `X-Miccheck-Id`, or by
the token in its second line. A letter that names no list in To, Cc or one of the headers below was written to
the camp alone and is never broadcast. `[no relay]` in the subject, `X-No-Archive` (but for `no`), `Archive:
no` and `X-Archive: no` keep a letter off the air.
"""


def as_markdown() -> str:
    """The whole page."""
    return "\n".join([TOP, *(_entry(form) for form in LIST_FORMS)])


def _entry(form: ListForm) -> str:
    rows = [
        ("known by", form.known_by),
        ("seen", form.seen or "not seen"),
        ("headers on what it distributes", ", ".join(f"`{name}`" for name in form.marks)),
        ("who wrote it", ", ".join(f"`{name}`" for name in (*form.sender_in, *form.name_in))),
        ("behind the author's name in From", _code(form.from_tail)),
        ("only machines write from", _code(form.helpers)),
        ("and, behind the list's name", _code(form.list_helpers)),
        ("people write from, though it looks so", _code(form.people)),
        ("its footer begins", _code(form.footer)),
        ("subject of a digest", _code(form.digest_subject)),
        ("before each letter of a plain digest", _code(form.digest_ruler)),
        *((f"notice: {kind.value}", _notices(form, kind)) for kind in NoticeKind),
        ("besides", form.remarks),
        ("sources", "; ".join(form.sources)),
    ]
    lines = [f"| {name} | {value.replace('|', chr(92) + '|')} |" for name, value in rows if value]
    return "\n".join([f"## {form.name}", "", "| | |", "|---|---|", *lines, ""])


def _notices(form: ListForm, kind: NoticeKind) -> str:
    said = [each for each in form.notices if each.kind is kind]
    return "; ".join(
        [f"subject {_code(each.subject)}" for each in said if each.subject]
        + [f"text {_code(each.text)}" for each in said if each.text]
    )


def _code(pattern: str) -> str:
    return f"`{pattern}`" if pattern else ""


if __name__ == "__main__":
    print(as_markdown(), end="")
