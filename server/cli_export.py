"""`darkroom models export`: the form of a model that this machine runs fastest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_common import Option, Optional, done, fail, settings_from

if TYPE_CHECKING:
    from detectors.found import PixelArray

MOST = 50  # pictures to compare on
SIDE = 640  # their longest side in pixels
SECONDS = 60.0  # for each to be read
FORMATS = ("openvino", "onnx", "engine")


def export(
    name: Annotated[str, typer.Argument(help="A model of yours, or one of `models list`, as a .pt file.")],
    to: Annotated[Optional, Option("--format", help="openvino, onnx or engine; without, what is fastest here.")] = None,
    check: Annotated[
        Path | None, Option(help="Folder of pictures to compare on; without, samples.", file_okay=False, exists=True)
    ] = None,
    calibrate: Annotated[
        Path | None, Option(help="data.yaml by which int8 is calibrated; wants nncf.", dir_okay=False, exists=True)
    ] = None,
    models: Annotated[Optional, Option(help="Folder of the weights.")] = None,
    device: Annotated[Optional, Option(help="auto, cpu or cuda.")] = None,
) -> None:
    """Make the faster form of a model (OpenVINO, ONNX or TensorRT) and keep it if it finds the same."""
    from detectors.quiet import silence

    silence()
    from detectors.engine import pick_device
    from detectors.export import export as make

    from .weights import models_of

    if to not in (None, *FORMATS):
        fail(f"--format is one of {', '.join(FORMATS)}")
    if calibrate and to not in (None, "openvino"):
        fail("--calibrate makes int8 of OpenVINO alone")
    settings = settings_from(models=models, device=device)
    try:
        store = models_of(settings, pick_device(settings.device))
    except RuntimeError as error:
        fail(str(error))
    pictures = list(_pictures(check))
    form = "openvino" if calibrate else to
    made = done(lambda: make(store, name, pictures, wanted=form, data=str(calibrate or "")))  # type: ignore[arg-type]
    alike = made.likeness
    typer.echo(f"{name}: {made.path}")
    typer.echo(
        f"on {alike.pictures} pictures {alike.both} of {alike.things} findings agree, scores differ by up to "
        f"{alike.scores:.4f}"
    )


def _pictures(folder: Path | None) -> Iterator[PixelArray]:
    """Those of a folder, or the sample pictures, as a model is shown them; what is no picture is left out."""
    import time

    from detectors.engine import in_colour
    from transforms.failure import Failure
    from transforms.image import Found
    from transforms.limits import Limits
    from transforms.probe import open_source

    from .clock import Clock
    from .finder import SourceFinder
    from .machine import sample_pictures

    for path in sorted((folder or sample_pictures()).glob("*"))[:MOST]:
        try:
            with open_source(path, Limits()) as source:
                finder = SourceFinder(source, None, Found(), None, time.monotonic() + SECONDS, Clock())
                yield in_colour(finder.upright_view(SIDE))
        except (Failure, OSError):
            if folder:
                typer.echo(f"{path.name} cannot be read and is left out", err=True)
