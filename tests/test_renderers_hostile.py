"""Mutants in real render processes, as `python -m fuzz.pictures` fires them for longer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fuzz.pictures import PIPELINES, Tally, fire, peak, renderers, spent
from server.renderers import Renderers
from transforms.limits import Limits

from .mutated import mutant


@pytest.mark.parametrize("first", [9000, 20_000])
def test_no_mutant_costs_a_process_or_more_than_it_may(first: int, tmp_path: Path) -> None:
    tally, path = Tally(), tmp_path / "mutant"

    async def volley() -> None:
        async with Renderers(1, 60.0, None, limits=Limits(), on_loss=tally.losses.append) as pool:
            assert len(renderers()) == 1
            tally.idle = peak()
            assert tally.idle > 0
            before = spent()
            for seed in range(first, first + 60):
                path.write_bytes(mutant(seed))
                await fire(pool, path, PIPELINES[seed % len(PIPELINES)], f"mutant-{seed}", tally)
            assert spent() > before

    asyncio.run(volley())
    assert tally.wrong == []
    assert tally.codes.total() == 60
    assert tally.codes["picture"] > 0
