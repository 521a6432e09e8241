"""Checksums that were pinned on a first download: they are kept to, and where they cannot be read that is said."""

from __future__ import annotations

import pytest

from transforms.failure import Failure

from .test_detectors_models import strict, write

__all__ = ["strict"]


def test_a_pinned_checksum_is_kept_to(strict):
    write(strict.folder / "yolo11n-seg.pt")
    assert strict.identity("masks").startswith("yolo11n-seg@")  # put there by hand: nothing to compare it with
    strict.pins.pin("yolo11n-seg.pt", "0" * 64)
    assert strict.identity("masks") is None
    assert "--trust" not in strict.missing("masks").how
    assert {row.model.name: row.status for row in strict.listing()}["yolo11n-seg"] == "altered"


def broken(pins, how):
    if how is None:
        pins.mkdir()
    else:
        pins.write_bytes(how)


@pytest.mark.parametrize("how", [b"=", b"[oops", b"\xff\xfe", None])
def test_pins_that_cannot_be_read_take_only_what_may_be_pinned(strict, how):
    write(strict.folder / "yolo11n-seg.pt")
    broken(strict.folder / "pins.toml", how)
    assert strict.identity("faces").startswith("centerface@")
    missing = strict.missing("masks")
    assert (missing.model, strict.identity("objects")) == ("yolo11n-seg", None)
    assert missing.how.startswith("pins.toml in the models folder cannot be read: ")
    assert "yolo11n-seg.pt" in missing.how
    rows = {row.model.name: row for row in strict.verify()}
    assert (rows["yolo11n-seg"].status, rows["yolo11n-seg"].why) == ("refused", missing.how)
    assert (rows["pins.toml"].status, rows["centerface"].status) == ("refused", "verified")
    assert rows["yolo11s-seg"].status == "absent"
    [refused] = strict.refused()
    assert (refused.name, refused.code) == ("pins.toml", "model-pins-malformed")
    with pytest.raises(Failure) as caught:
        strict.pull("yolo11n-seg", trust=True)
    assert caught.value.code == "model-pins-malformed"
    write(strict.folder / "yolo11n-seg.onnx")  # an export, which has no checksum to keep
    assert strict.identity("masks").startswith("yolo11n-seg@")
    pins = strict.folder / "pins.toml"
    pins.unlink() if pins.is_file() else pins.rmdir()
    assert strict.identity("masks").startswith("yolo11n-seg@")
    assert (strict.refused(), strict.missing("masks")) == ((), None)
