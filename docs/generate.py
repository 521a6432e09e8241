"""Writes the pages that come from the code: `python docs/generate.py`. A test compares them with what is committed."""

from __future__ import annotations

from pathlib import Path

from server.settings import reference
from transforms.registry import Operation, operations

HERE = Path(__file__).resolve().parent


def settings_page() -> str:
    """Every environment variable."""
    rows = [
        f"| `{row.variable}` | {_code(row.default)} | {row.description}"
        + (f" (else `{row.fallback}`)" if row.fallback else "")
        + (f" (or a file named by `{row.file}`)" if row.file else "")
        + " |"
        for row in reference()
    ]
    return "\n".join(
        [
            "# Settings",
            "",
            "Environment variables; `darkroom serve --help` lists those that are options too. A name that begins with",
            "`DARKROOM_` and is not among these is an error: a typo must not lift a limit.",
            "",
            "| variable | default | |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def operations_page() -> str:
    """Every operation with its arguments, bounds and an example."""
    intro = [
        "# Operations",
        "",
        "The steps of a URL, from the registry that also reads them. `/schema.json` of a server has the same as JSON.",
        "Sizes in pixels are of the picture at that step; a number with a decimal point is a fraction of it.",
        "",
    ]
    return "\n".join([*intro, *(_section(operation) for operation in operations().values())])


def _section(operation: Operation) -> str:
    rows = [
        f"| `{argument.name}` | {_default(argument)} | {argument.type.describe()} |" for argument in operation.arguments
    ]
    table = ["| argument | default | |", "| --- | --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {operation.name}", "", f"`/{operation.usage}/…`", "", operation.doc, "", *table])


def _default(argument: object) -> str:
    default = getattr(argument, "default", None)
    if getattr(argument, "required", False):
        return "must be given"
    return "" if default is None else _code(argument.type.print(default))  # type: ignore[attr-defined]


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


PAGES = {"settings.md": settings_page, "operations.md": operations_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page())
