"""What a file of weights says of itself, read in a process of its own: `python -m detectors.inspection PATH`.

Parsers of model files are large and written for files that one trusts. So a stranger's file is opened where it may
crash, eat memory or run into a time limit without harm, and a pickle only with the list of harmless types.
"""

from __future__ import annotations

import ast
import json
import pickle
import pickletools
import re
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from transforms.failure import Failure, Kind

SECONDS = 120.0
MEMORY = 16 << 30
"""Bytes of addresses, most of which importing torch takes without using them."""

SHOWN = 3  # names that a refusal tells
FORMATS = (".onnx", ".pt", ".engine", "OpenVINO folder")
_TASKS = frozenset(["detect", "segment", "classify", "pose", "obb"])


@dataclass(frozen=True, slots=True)
class Inspected:
    """What is known of a file: its form and side if it says them, its labels (none where it does not say them), and how
    many classes its answers have room for (None where the shape does not tell)."""

    form: str | None = None
    side: int | None = None
    labels: tuple[str, ...] = ()
    classes: int | None = None


class Unsafe(Exception):
    """A pickle that refers to more than numbers and layers."""


class Elsewhere(Exception):
    """Weights that lie in other files than the one that was given; the message names them."""


def inspect(path: Path) -> Inspected:
    """Look at a file or folder. Takes 0.5 s, for a .pt file 4 s.

    Raises Failure: model-format-unknown, model-pickle-refused, model-weights-elsewhere, model-file-broken,
    model-inspection-timeout.
    """
    reader_of(path)
    command = [sys.executable, "-P", "-m", "detectors.inspection", str(path.resolve())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired:
        raise _broken(path, f"looking at it took longer than {SECONDS:.0f} s", "model-inspection-timeout") from None
    if done.returncode != 0:
        raise _broken(path, "reading it ended the process that tried")
    said = json.loads(done.stdout.splitlines()[-1])
    if "unsafe" in said:
        raise _unsafe(path, said["unsafe"])
    if "elsewhere" in said:
        raise elsewhere(path, said["elsewhere"])
    if "broken" in said:
        raise _broken(path, said["broken"])
    return Inspected(said["form"], said["side"], tuple(said["labels"]), said["classes"])


def reader_of(path: Path) -> Callable[[Path], Inspected]:
    """What reads this format; raises Failure model-format-unknown."""
    if path.is_dir() and any(path.glob("*.xml")):
        return _openvino
    reader = _READERS.get(path.suffix.lower()) if path.is_file() else None
    if reader is None:
        raise Failure(
            Kind.UNSUPPORTED_MEDIA, "model-format-unknown", f"{path.name} is no file of weights that can be used",
            hint="export the model to ONNX: `yolo export model=best.pt format=onnx`; usable are "
            + ", ".join(FORMATS) + ", and .pth or .safetensors with --backend torchvision or timm",
            details={"formats": list(FORMATS)},
        )  # fmt: skip
    return reader


def _unsafe(path: Path, what: str) -> Failure:
    return Failure(
        Kind.FORBIDDEN, "model-pickle-refused",
        f"{path.name} is a pickle that refers to more than numbers and layers ({what}): loading it could run anything",
        hint="where you trust who made it, export it to ONNX on another machine: `yolo export model=… format=onnx`",
    )  # fmt: skip


def elsewhere(path: Path, names: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-weights-elsewhere", f"{path.name} keeps weights in other files: {names}",
        hint="write it as one file: `onnx.save_model(onnx.load('in.onnx'), 'out.onnx', save_as_external_data=False)`,"
        " or export it so, with `torch.onnx.export(…, external_data=False)`",
    )  # fmt: skip


def _broken(path: Path, why: str, code: str = "model-file-broken") -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, code, f"{path.name} cannot be read: {why}",
        hint="copy or export it again, and compare its sha256 with that of where it came from",
    )  # fmt: skip


def _onnx(path: Path) -> Inspected:
    import onnxruntime

    if names := files_beside(path):
        raise Elsewhere(names)
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    said = session.get_modelmeta().custom_metadata_map
    shapes = [output.shape for output in session.get_outputs()]
    return _read({key: _literal(value) for key, value in said.items()}, shapes, session.get_inputs()[0].shape)


def files_beside(path: Path) -> str:
    """The files in which an ONNX file keeps weights, in words; empty where it has them all. 0.2 s for 88 MB."""
    import onnx

    names = sorted(set(_others(onnx.load(path, load_external_data=False))))
    return ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")


def _others(message: Any) -> Iterator[str]:
    """Names of the files outside that any tensor of an ONNX model refers to, wherever in the model it stands."""
    for entry in message.external_data if message.DESCRIPTOR.name == "TensorProto" else ():
        if entry.key == "location":
            yield entry.value
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if hasattr(value, "ListFields") else value:
                yield from _others(part)


def _openvino(path: Path) -> Inspected:
    import openvino
    import yaml

    model = openvino.Core().read_model(next(iter(sorted(path.glob("*.xml")))))
    notes = path / "metadata.yaml"
    said = yaml.safe_load(notes.read_text("utf-8")) if notes.is_file() else {}
    shapes = [_shape(output.partial_shape) for output in model.outputs]
    return _read(said if isinstance(said, dict) else {}, shapes, _shape(model.inputs[0].partial_shape))


def _shape(shape: Any) -> list[Any]:
    return [side.get_length() if side.is_static else None for side in shape]


def _engine(path: Path) -> Inspected:
    """TensorRT's own bytes say nothing; ultralytics puts its notes before them, with their length."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(4), "little")
        said = json.loads(stream.read(length)) if 0 < length < 1 << 20 else {}
    return _read(said, [], [])


def _pt(path: Path) -> Inspected:
    from .quiet import silence

    silence()
    from ultralytics.nn import tasks

    if not tasks._SafeLoad.SUPPORTED:  # ultralytics would silently load it unsafely
        raise Unsafe("this version of torch cannot load pickles safely")
    try:
        checkpoint, _ = tasks.torch_safe_load(str(path), safe_only=True)  # type: ignore[no-untyped-call]
        model = checkpoint.get("ema") or checkpoint["model"]
        form = tasks.guess_model_task(model)  # type: ignore[no-untyped-call]
    except ModuleNotFoundError as error:
        raise Unsafe(str(error)) from None
    except (TypeError, KeyError, AttributeError) as error:
        if "types outside" in str(error) and _is_pickle(path):
            raise Unsafe(culprit(error.__cause__ or error.__context__) or "its types are not on the list") from None
        raise ValueError("it is no checkpoint of ultralytics") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:  # torch's words advise to load it unsafely
        raise ValueError(f"it {larger(error) or 'is damaged, or no checkpoint of ultralytics'}") from None
    side = dict(getattr(model, "args", {})).get("imgsz") or (224 if form == "classify" else None)
    return _read({"task": form, "names": model.names, "imgsz": side}, [], [])


def _is_pickle(path: Path) -> bool:
    """Whether it is torch's zip of pickles, or a bare one: read operation by operation, none of which is run."""
    if zipfile.is_zipfile(path):
        return True
    try:
        with path.open("rb") as stream:
            return sum(1 for _ in pickletools.genops(stream)) > 0
    except (ValueError, IndexError):
        return False


def culprit(error: BaseException | None) -> str:
    """The name that a pickle refers to and may not, read from torch's words; empty where they name none."""
    found = re.search(r"GLOBAL (\S+)|: (\S+) was not an allowed global|function (\S+)", str(error))
    return plain(next(filter(None, found.groups()))) if found else ""


def larger(error: Exception) -> str:
    """What is wrong where torch found no memory, which it says as it says all else; empty for other errors."""
    return "does not fit into the memory that is left" if "alloc" in str(error) else ""


def plain(text: str) -> str:
    """What a stranger's file made a library say, without what a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:200])


_READERS: Mapping[str, Callable[[Path], Inspected]] = {".onnx": _onnx, ".pt": _pt, ".engine": _engine}


def _literal(text: str) -> Any:
    with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
        return ast.literal_eval(text)
    return text


def _read(said: Mapping[str, Any], shapes: list[list[Any]], wanted: list[Any]) -> Inspected:
    """What notes in ultralytics' words and the shapes of outputs and input come to."""
    form = task if (task := str(said.get("task"))) in _TASKS else _form_of(shapes)
    sides = _numbers(said.get("imgsz")) or _numbers(wanted[2:])
    points = _numbers(said.get("kpt_shape"))
    extra = {"segment": 32, "obb": 1, "pose": points[0] * points[1] if len(points) == 2 else 51}.get(form or "", 0)
    labels = _labels(said.get("names"))
    return Inspected(form, max(sides, default=None), labels, _classes(form, shapes, extra) or len(labels) or None)


def _numbers(value: Any) -> list[int]:
    values = value if isinstance(value, list | tuple) else [value]
    return [one for one in values if isinstance(one, int) and not isinstance(one, bool) and 0 < one < 1 << 16]


def _labels(names: Any) -> tuple[str, ...]:
    if isinstance(names, dict):
        names = [names[key] for key in sorted(names, key=int)]
    return tuple(map(str, names)) if isinstance(names, list | tuple) else ()


def _form_of(shapes: list[list[Any]]) -> str | None:
    """A classifier answers two dimensions, masks come with a second output; boxes are not told from poses by shape."""
    if not shapes:
        return None
    if len(shapes[0]) == 2:
        return "classify"
    return "segment" if len(shapes) == 2 and len(shapes[1]) == 4 else "detect"


def _classes(form: str | None, shapes: list[list[Any]], extra: int) -> int | None:
    """Classes by the first output: (1, classes), or (1, 4 + classes + what the form adds, places)."""
    first = shapes[0] if shapes else []
    if form == "classify":
        return first[1] if len(first) == 2 and isinstance(first[1], int) else None
    if len(first) != 3 or not all(isinstance(side, int) for side in first[1:]):
        return None
    if first[2] <= 6 + extra and first[1] > first[2]:
        return None  # (1, 300, 6): chosen already, and each says its class by its number
    return int(first[1]) - 4 - extra


def _limit(memory: int) -> None:
    """Let this process take so many bytes of addresses, or fewer where it has been given fewer."""
    given = resource.getrlimit(resource.RLIMIT_AS)
    soft, hard = (memory if limit == resource.RLIM_INFINITY else min(memory, limit) for limit in given)
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _main(path: Path) -> None:
    from .quiet import silence

    silence()
    _limit(MEMORY)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        said: dict[str, Any] = asdict(reader_of(path)(path))
    except Unsafe as error:
        said = {"unsafe": str(error)}
    except Elsewhere as error:
        said = {"elsewhere": plain(str(error))}
    except Exception as error:  # of any library; the first line says it, the rest is about this machine
        first = (str(error).replace(str(path), path.name).splitlines() or [""])[0]
        said = {"broken": plain(first if type(error) is ValueError else f"{type(error).__name__}: {first}")}
    print(json.dumps(said))


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
