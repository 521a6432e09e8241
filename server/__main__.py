"""The `darkroom` command. Imports nothing at the top: every render process imports this module again when it starts."""

from __future__ import annotations


def main() -> None:
    from .cli import cli

    cli()


if __name__ == "__main__":
    main()
