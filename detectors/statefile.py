"""Files of weights by name, read without running anything that stands in them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch

from transforms.failure import Failure, Kind

from .inspection import culprit, larger

State = Mapping[str, torch.Tensor]

WRAPPERS = ("state_dict", "model_state_dict", "state_dict_ema", "model")
"""Under which training scripts keep the weights beside other things."""

PREFIXES = ("module.", "_orig_mod.", "model.")
"""What DataParallel, torch.compile and Lightning put before every name."""

HOW_TO_SAVE = (
    "save the weights alone, with `safetensors.torch.save_file(model.state_dict(), 'model.safetensors')` or"
    " `torch.save(model.state_dict(), 'model.pt')`"
)


class _Nameless(ValueError):
    """What was loaded is no table of weights."""


def read_state(path: Path) -> State:
    """The weights in a file, by name; raises Failure model-format-refused for what is none, or could run code."""
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return _unwrapped(load_file(path))
        except SafetensorError as error:
            raise _refused(path, f"cannot be read: {error}") from None
    if path.suffix not in (".pt", ".pth"):
        raise _refused(path, "is neither .safetensors nor .pt or .pth")
    try:
        return _unwrapped(torch.load(path, map_location="cpu", weights_only=True))
    except _Nameless as error:
        raise _refused(path, f"holds more than weights, or others: {error}") from None
    except pickle.UnpicklingError as error:  # torch's own words advise to load it unsafely
        why = f" ({name}): loading it could run anything" if (name := culprit(error)) else ", or is damaged"
        raise _refused(path, f"holds more than weights{why}") from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        raise _refused(path, larger(error) or "is damaged, or was not saved by torch") from None


def _unwrapped(loaded: object) -> State:
    """The weights, without what training scripts wrap around them and their names."""
    while isinstance(loaded, dict) and (inner := next((loaded[key] for key in WRAPPERS if _holds(loaded, key)), None)):
        loaded = inner
    rows = loaded.items() if isinstance(loaded, dict) else [(None, None)]
    if not all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in rows):
        raise _Nameless("there are no weights by name in it")
    state = dict(rows)
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in state):
            state = {name.removeprefix(prefix): value for name, value in state.items()}
    return state


def _holds(loaded: dict[str, object], key: str) -> bool:
    return isinstance(loaded.get(key), dict)


def _refused(path: Path, why: str) -> Failure:
    return Failure(
        Kind.UNPROCESSABLE, "model-format-refused", f"{path.name} {why}", hint=HOW_TO_SAVE,
        details={"file": path.name},
    )  # fmt: skip
