"""What model libraries do on their own (look-ups, statistics, installing packages), switched off before their import.

Only the detection process calls this. Each line undoes something that was seen to happen.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

SETTINGS = {
    "YOLO_OFFLINE": "true",  # else DNS look-ups at import and a statistics event at predict
    "YOLO_AUTOINSTALL": "false",  # else pip install at run time, also from inside PIL.Image.open
    "YOLO_VERBOSE": "false",
    "ULTRALYTICS_SAFE_LOAD": "1",  # else a .pt file is a pickle that runs what it likes
    "ORT_DISABLE_TELEMETRY": "1",  # else onnxruntime (from 1.29) keeps a device id in the user's cache and sends events
    "OPENCV_LOG_LEVEL": "ERROR",
    "OPENCV_IO_MAX_IMAGE_PIXELS": "50000000",
}


@cache
def silence() -> None:
    """Set the environment of this process; must run before the model libraries and OpenCV are imported."""
    os.environ.update(SETTINGS)
    # ultralytics makes this 1 where it is unset: 86 ms for a .pt model instead of 44 on two cores.
    os.environ.setdefault("OMP_NUM_THREADS", str(cores()))
    os.environ["YOLO_CONFIG_DIR"] = str(_settings_folder())
    # openvino sends an event at import; without this package it takes its own empty stand-in. The other ways to stop
    # it write into the user's home.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]


def cores() -> int:
    """Processor cores that this process may use, at most 8."""
    return min(len(os.sched_getaffinity(0)), 8)


def _settings_folder() -> Path:
    """A folder of our own where ultralytics finds its statistics refused; removed when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="darkroom-ultralytics-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "Ultralytics").mkdir()
    (folder / "Ultralytics" / "settings.json").write_text(json.dumps({"sync": False}))
    return folder
