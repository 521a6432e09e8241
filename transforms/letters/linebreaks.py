"""Where a line may end: the Unicode Line Breaking Algorithm (UAX #14), as patterns over the characters' classes.

Written as patterns because uniseg, which is well kept, takes 70 µs a character, and these 2. Thai, Lao, Khmer and
Burmese would need a dictionary: there lines end at spaces, or where nothing else helps within a word.
"""

from __future__ import annotations

from functools import cache

import regex

# Rules in their order: what stands before, what stands behind, and whether a line may end between. {AL} and the like
# are classes, each with the marks that hang on it (rule 9).
_RULES: tuple[tuple[str, str, bool], ...] = (
    (r"", r"[{SP}{ZW}]", False),  # 7
    (r"{ZW!}{SP!}*", r"", True),  # 8
    (r"{ZWJ!}", r"", False),  # 8a
    (r"[^{SP}{ZW}]", r"[{CM}{ZWJ}]", False),  # 9
    (r"", r"[{WJ}]", False),  # 11
    (r"{WJ}", r"", False),
    (r"{GL}", r"", False),  # 12
    (r"[^{SP}{BA}{HY}]", r"[{GL}]", False),  # 12a
    (r"", r"[{CL}{CP}{EX}{SY}]", False),  # 13
    (r"{OP}{SP!}*", r"", False),  # 14
    (r"(?:^|[{OP}{QU}{GL}{SP}{ZW}])(?=[{QU}])\p{Pi}[{CM}]*{SP!}*", r"", False),  # 15a
    (r"", r"(?=\p{Pf})[{QU}](?:$|[{SP}{GL}{WJ}{CL}{QU}{CP}{EX}{IS}{SY}{ZW}])", False),  # 15b
    (r"{SP!}", r"[{IS}][{NU}]", True),  # 15c
    (r"", r"[{IS}]", False),  # 15d
    (r"(?:{CL}|{CP}){SP!}*", r"[{NS}]", False),  # 16
    (r"{B2}{SP!}*", r"[{B2}]", False),  # 17
    (r"{SP!}", r"", True),  # 18
    (r"", r"[{QU}]", False),  # 19
    (r"{QU}", r"", False),
    (r"", r"[{CB}]", True),  # 20
    (r"{CB}", r"", True),
    (r"(?:^|[{SP}{ZW}{CB}{GL}])(?:{HY}|\u2010)", r"[{AL}]", False),  # 20a
    (r"", r"[{BA}{HY}{NS}]", False),  # 21
    (r"{BB}", r"", False),
    (r"{HL}(?:{HY}|{BA})", r"[^{HL}]", False),  # 21a
    (r"{SY}", r"[{HL}]", False),  # 21b
    (r"", r"[{IN}]", False),  # 22
    (r"[{AL}{HL}][{CM}]*", r"[{NU}]", False),  # 23
    (r"{NU}", r"[{AL}{HL}]", False),
    (r"{PR}", r"[{ID}{EB}{EM}]", False),  # 23a
    (r"[{ID}{EB}{EM}][{CM}]*", r"[{PO}]", False),
    (r"[{PR}{PO}][{CM}]*", r"[{AL}{HL}]", False),  # 24
    (r"[{AL}{HL}][{CM}]*", r"[{PR}{PO}]", False),
    (r"{NU}(?:{SY}|{IS})*(?:{CL}|{CP})?", r"[{PO}{PR}]", False),  # 25
    (r"[{PO}{PR}][{CM}]*", r"(?:[{OP}][{CM}]*[{IS}]?)?[{NU}]", False),
    (r"(?:{HY}|{IS})", r"[{NU}]", False),
    (r"{NU}(?:{SY}|{IS})*", r"[{NU}]", False),
    (r"{JL}", r"[{JL}{JV}{H2}{H3}]", False),  # 26
    (r"[{JV}{H2}][{CM}]*", r"[{JV}{JT}]", False),
    (r"[{JT}{H3}][{CM}]*", r"[{JT}]", False),
    (r"[{JL}{JV}{JT}{H2}{H3}][{CM}]*", r"[{PO}]", False),  # 27
    (r"{PR}", r"[{JL}{JV}{JT}{H2}{H3}]", False),
    (r"[{AL}{HL}][{CM}]*", r"[{AL}{HL}]", False),  # 28
    (r"{IS}", r"[{AL}{HL}]", False),  # 29
    (r"[{AL}{HL}{NU}][{CM}]*", r"(?![{EA}])[{OP}]", False),  # 30
    (r"(?:(?![{EA}]){CP})", r"[{AL}{HL}{NU}]", False),
    (r"(?:^|[^{RI}])[{CM}]*(?:{RI}{RI})*{RI}", r"[{RI}]", False),  # 30a
    (r"{EB}", r"[{EM}]", False),  # 30b
)
_ALIKE = {
    "AL": "AL AI XX SG SA AK AP AS VI VF CM ZWJ",  # marks that hang on nothing are letters (rule 10)
    "NS": "NS CJ", "CM": "CM ZWJ", "BA": "BA HH",
}  # fmt: skip


def opportunities(text: str) -> list[int]:
    """Places in a text, its end included, before which a line may end; spaces belong to what they follow."""
    decided: dict[int, bool] = {0: False}
    for pattern, allowed in _patterns():
        for found in pattern.finditer(text):
            decided.setdefault(found.start(), allowed)
    return [at for at in range(1, len(text)) if decided.get(at, True)] + ([len(text)] if text else [])


@cache
def _patterns() -> tuple[tuple[regex.Pattern[str], bool], ...]:
    return tuple(
        (regex.compile(f"(?<={_spelt(before)})(?={_spelt(behind)})"), allowed) for before, behind, allowed in _RULES
    )  # fmt: skip


def _spelt(rule: str) -> str:
    """A rule with its classes as the pattern's own: within brackets alone, outside of them with what hangs on them."""
    pieces, inside, at = [], False, 0
    for found in regex.finditer(r"\{([A-Z0-9]+)(!?)\}|[\[\]]", rule):
        pieces.append(rule[at : found.start()])
        at = found.end()
        if not found[1]:
            inside = found[0] == "["
            pieces.append(found[0])
        elif found[1] == "EA":
            pieces.append(r"\p{ea=F}\p{ea=W}\p{ea=H}")
        else:
            members = "".join(rf"\p{{lb={name}}}" for name in _ALIKE.get(found[1], found[1]).split())
            pieces.append(members if inside else f"[{members}]" + ("" if found[2] else r"[\p{lb=CM}\p{lb=ZWJ}]*"))
    return "".join(pieces) + rule[at:]
