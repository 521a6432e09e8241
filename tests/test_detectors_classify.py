"""Classifiers of torchvision and timm, with weights that are made here."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from detectors import quiet
from detectors.canary import Canary, NotFinite
from detectors.manifest import Model, Preprocess
from detectors.registry import Question, Weights
from transforms.failure import Failure

quiet.silence()
torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("torchvision", reason="torchvision is not installed")

from detectors import architectures, classify, registry, statefile  # noqa: E402 - where torch is
from detectors.adding import Wish, add  # noqa: E402
from detectors.engine import Engine  # noqa: E402
from detectors.models import ModelStore  # noqa: E402
from detectors.pretrained import add_pretrained  # noqa: E402
from transforms import vocabulary  # noqa: E402

LABELS = ("ant", "bee", "cow", "dog", "elk", "fox", "gnu")
TIMM = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="the extra `classify` (timm) is not there")


def model(arch: str, backend: str = "torchvision", **more: Any) -> Model:
    said = {"labels": LABELS, "form": "classify", "licence": "", "version": "", "sha256": None, **more}
    return Model(name="mine", task="mine", file="mine/model.pt", backend=backend, arch=arch, **said)


def state_of(arch: str, backend: str = "torchvision", winner: int = 3, classes: int = 7) -> dict[str, Any]:
    """Weights of an architecture as it is drawn, but for a last bias with which one class wins."""
    torch.manual_seed(0)
    if backend == "timm":
        import timm

        network = timm.create_model(arch, num_classes=classes)
    else:
        import torchvision

        more = {"init_weights": False} if arch in ("inception_v3", "googlenet") else {}
        network = torchvision.models.get_model(arch, num_classes=classes, **more)
    state = network.state_dict()
    weight, bias = list(state)[-2:]
    state[weight] = torch.zeros_like(state[weight])
    state[bias] = torch.zeros_like(state[bias])
    state[bias][winner] = 9.0
    return state


def saved(state: dict[str, Any], path: Path) -> Path:
    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors", reason="safetensors is not installed").torch.save_file(state, path)
    else:
        torch.save(state, path)
    return path


def loaded(path: Path, model: Model) -> Any:
    return classify.load(Weights(model, path, "0" * 64), "cpu")


def answers(path: Path, model: Model, *shapes: tuple[int, int]) -> list[Any]:
    pictures = [np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8) for shape in shapes or ((48, 64),)]
    return [loaded(path, model).find([Question("mine", pixels)])[0] for pixels in pictures]


@pytest.mark.parametrize(
    ("backend", "arch"),
    [
        ("torchvision", "resnet18"),
        ("torchvision", "mobilenet_v3_small"),
        ("torchvision", "inception_v3"),
        pytest.param("timm", "legacy_xception", marks=TIMM),
        pytest.param("timm", "vit_tiny_patch16_224", marks=TIMM),
        pytest.param("timm", "resnet18.a1_in1k", marks=TIMM),
    ],
)
def test_the_class_that_wins_is_the_tag(backend: str, arch: str, tmp_path: Path) -> None:
    path = saved(state_of(arch, backend), tmp_path / "model.pt")
    (found,) = answers(path, model(arch, backend))
    assert [(tag.name, tag.by, tag.of) for tag in found.tags] == [("dog", "mine", "")]
    assert 0.99 < found.tags[0].score <= 1
    assert not found.regions


def test_helpers_of_training_may_be_left_out(tmp_path: Path) -> None:
    state = {name: value for name, value in state_of("inception_v3").items() if not name.startswith("Aux")}
    (found,) = answers(saved(state, tmp_path / "model.pth"), model("inception_v3"))
    assert found.tags[0].name == "dog"


@pytest.mark.parametrize("shape", [(1, 1), (1, 640), (640, 1), (2, 3), (640, 640), (1280, 960)])
def test_every_shape_gets_an_answer(shape: tuple[int, int], tmp_path: Path) -> None:
    (found,) = answers(saved(state_of("resnet18"), tmp_path / "model.pt"), model("resnet18"), shape)
    assert found.tags[0].name == "dog"


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors"])
def test_the_files_that_are_read(suffix: str, tmp_path: Path) -> None:
    state = state_of("squeezenet1_1")
    assert statefile.read_state(saved(state, tmp_path / f"model{suffix}")).keys() == state.keys()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model": {"state_dict": state}},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"model_state_dict": {f"module._orig_mod.{name}": value for name, value in state.items()}},
    ],
)
def test_what_training_scripts_wrap_around_weights_is_taken_off(wrap: Any, tmp_path: Path) -> None:
    state = state_of("squeezenet1_1")
    assert statefile.read_state(saved(wrap(state), tmp_path / "model.pt")).keys() == state.keys()


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    (tmp_path / "plain.pt").write_bytes(pickle.dumps(Evil(ran)))
    torch.save({"state_dict": Evil(ran)}, tmp_path / "zipped.pt")
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    for name in ("plain.pt", "zipped.pt", "module.pt"):
        with pytest.raises(Failure, match="holds more than weights") as caught:
            statefile.read_state(tmp_path / name)
        assert (caught.value.code, "state_dict()" in caught.value.hint) == ("model-format-refused", True)
        assert "weights_only" not in f"{caught.value}{caught.value.hint}"  # torch advises to load it unsafely
        told = {"zipped.pt": "posix.mkdir", "module.pt": "torch.nn.modules.linear.Linear"}.get(name, "or is damaged")
        assert told in caught.value.message
    assert not ran.exists()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("model.bin", b""),
        ("model.onnx", b""),
        ("model.pkl", b""),
        ("model.pt", b""),
        ("model.pt", b"PK\x03\x04 no zip"),
        ("model.safetensors", b"\xff" * 16),
    ],
)
def test_other_files_are_refused(name: str, body: bytes, tmp_path: Path) -> None:
    if name.endswith(".safetensors"):
        pytest.importorskip("safetensors", reason="safetensors is not installed")
    (tmp_path / name).write_bytes(body)
    with pytest.raises(Failure) as caught:
        statefile.read_state(tmp_path / name)
    assert (caught.value.code, caught.value.details["file"]) == ("model-format-refused", name)
    assert not any(word in caught.value.message for word in ("weights_only", "PyTorch", "hasRecord", "torch.load"))


def test_weights_of_another_architecture_are_refused_with_the_first_names(tmp_path: Path) -> None:
    path = saved(state_of("resnet18"), tmp_path / "model.pt")
    with pytest.raises(Failure, match=r"without layer1\.0\.conv3\.weight, .* and \d+ more") as caught:
        architectures.build(model("resnet50"), path)
    assert caught.value.code == "model-does-not-fit"
    with pytest.raises(Failure, match=r"without features\.0\.0\.weight.*with conv1\.weight"):
        architectures.build(model("mobilenet_v3_small"), path)
    wide = saved(state_of("wide_resnet50_2"), tmp_path / "wide.pt")
    with pytest.raises(Failure, match=r"of another shape layer1\.0\.conv1\.weight"):
        architectures.build(model("resnet50"), wide)


@pytest.mark.parametrize("labels", [LABELS[:5], (*LABELS, "hen"), ()])
def test_labels_are_as_many_as_classes(labels: tuple[str, ...], tmp_path: Path) -> None:
    path = saved(state_of("resnet18"), tmp_path / "model.pt")
    with pytest.raises(Failure, match=f"7 classes apart, and there are {len(labels)} labels") as caught:
        architectures.build(model("resnet18", labels=labels), path)
    assert caught.value.code == "model-labels-do-not-fit"


@pytest.mark.parametrize(
    ("backend", "arch", "close"),
    [
        ("torchvision", "resnet81", "resnet18"),
        ("torchvision", "mobilenet_v3_smal", "mobilenet_v3_small"),
        ("torchvision", "hf-hub:some/thing", None),
        pytest.param("timm", "xception14", "xception71", marks=TIMM),
        pytest.param("timm", "resnet34.no_such_tag", "resnet34", marks=TIMM),
        pytest.param("timm", "hf-hub:some/thing", None, marks=TIMM),
        pytest.param("timm", "local-dir:/etc", None, marks=TIMM),
    ],
)
def test_an_unknown_architecture_names_the_nearest(backend: Any, arch: str, close: str | None) -> None:
    with pytest.raises(Failure) as caught:
        architectures.check(backend, arch)
    assert (caught.value.code, caught.value.details["nearest"]) == ("unknown-architecture", close)


def test_what_the_network_sees() -> None:
    """Red is red, the middle is seen, and the picture is scaled and made even as the library does."""

    class Seen(torch.nn.Module):
        def forward(self, pictures: Any) -> Any:
            assert pictures.shape[1:] == (3, 224, 224)
            return pictures.mean(dim=(2, 3)) * 100

    architecture = architectures._preparation("torchvision", "resnet18", torch.nn.Identity(), Preprocess())
    seen = classify.Classifier(architectures.Built(Seen(), architecture), model("", labels=("r", "g", "b")), "cpu")
    for index, name in enumerate("bgr"):
        pixels = np.zeros((90, 400, 3), np.uint8)
        pixels[:, 155:245, index] = 255
        assert [tag.name for tag in seen.find([Question("mine", pixels)])[0].tags] == [name]


@pytest.mark.parametrize("backend", ["torchvision", pytest.param("timm", marks=TIMM)])
def test_pictures_are_made_ready_as_told(backend: Any) -> None:
    network = architectures._create(backend, "resnet18", 7, {})
    told = Preprocess(size=96, crop=1.0, mean=(0, 0, 0), std=(0.5, 0.5, 0.5), interpolation="bicubic")
    picture = classify.picture(np.full((100, 200, 3), (0, 51, 255), np.uint8))
    ready = architectures._preparation(backend, "resnet18", network, told)(picture)
    assert ready.shape == (3, 96, 96)
    assert torch.allclose(ready.amax(dim=(1, 2)), torch.tensor([2.0, 0.4, 0.0]))
    usual = architectures._preparation(backend, "resnet18", network, Preprocess())(picture)
    assert usual.shape == (3, 224, 224)
    assert usual[0].mean() == pytest.approx((1 - 0.485) / 0.229, abs=1e-3)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, [("cow", 0.6)]),
        ({"threshold": 0.1}, [("cow", 0.6), ("ant", 0.2), ("bee", 0.1)]),
        ({"threshold": 0.1, "topk": 2}, [("cow", 0.6), ("ant", 0.2)]),
        ({"threshold": 0.1, "thresholds": {"cow": 0.7}}, [("ant", 0.2), ("bee", 0.1)]),
        ({"threshold": 0.1, "names": {"cow": "animal", "bee": "animal"}}, [("animal", 0.6), ("ant", 0.2)]),
    ],
)
def test_which_labels_become_tags(more: dict[str, Any], told: list[tuple[str, float]]) -> None:
    scores = np.array([0.2, 0.1, 0.6, 0.05, 0.03, 0.01, 0.01], np.float32)
    found = classify.tags(scores, model("", **more), "mine")
    assert [(tag.name, pytest.approx(tag.score)) for tag in found] == told


@pytest.mark.parametrize(
    "wrong", [{"size": 15}, {"size": 2049}, {"crop": 0.0}, {"crop": 1.1}, {"std": (1.0, 0.0, 1.0)}]
)
def test_what_no_picture_can_be_made_ready_for(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Preprocess(**wrong)


def test_labels_that_do_not_exclude_each_other_have_scores_of_their_own(tmp_path: Path) -> None:
    state = state_of("resnet18")
    state["fc.bias"][1] = 8.0
    path = saved(state, tmp_path / "model.pt")
    assert [tag.name for tag in answers(path, model("resnet18"))[0].tags] == ["dog"]
    both = answers(path, model("resnet18", scores="sigmoid", threshold=0.9))[0].tags
    assert [tag.name for tag in both] == ["dog", "bee"]


def test_weights_without_labels_have_those_that_they_were_published_with(tmp_path: Path) -> None:
    path = saved(state_of("resnet18", classes=1000), tmp_path / "model.pt")
    labels = architectures.examine("torchvision", "resnet18", path)
    assert (len(labels), labels[0], labels[207]) == (1000, "tench", "golden retriever")
    strange = saved(state_of("resnet18"), tmp_path / "other.pt")
    with pytest.raises(Failure) as caught:
        architectures.examine("torchvision", "resnet18", strange)
    assert caught.value.code == "labels-missing"
    assert architectures.examine("torchvision", "resnet18", strange, LABELS) == LABELS


def test_where_published_weights_are() -> None:
    there = architectures.published("torchvision", "resnet18")
    assert there.url.startswith("https://")
    assert there.sha256 == "f37072fd"
    assert len(there.labels) == 1000


@TIMM
def test_where_published_weights_of_timm_are() -> None:
    there = architectures.published("timm", "xception41")
    assert there.url.endswith("/timm/xception41.tf_in1k/resolve/main/model.safetensors")
    assert (there.licence, len(there.labels)) == ("apache-2.0", 1000)
    with pytest.raises(Failure, match="knows no weights"):
        architectures.published("timm", "coatnet_1_224")


def test_on_a_gpu_it_is_the_same_in_batches(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU here")
    classifier = classify.load(
        Weights(model("resnet18"), saved(state_of("resnet18"), tmp_path / "model.pt"), ""), "cuda"
    )
    found = classifier.find([Question("mine", np.zeros((64, 64, 3), np.uint8))] * classifier.batch)
    assert [one.tags[0].name for one in found] == ["dog"] * classifier.batch


def added(store: ModelStore, path: Path, **more: Any) -> Model:
    return add(store, path, Wish("beasts", backend="torchvision", arch="resnet18", threshold=0.5, **more))


def test_a_classifier_that_was_added_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(tmp_path / "models")
    assert added(store, saved(state_of("resnet18"), tmp_path / "mine.pt"), labels=LABELS).labels == LABELS
    before = vocabulary.current()
    registry.install(store.own())
    engine = Engine(store, table=[registry.detectors()["beasts"]])
    try:
        engine.start()
        found = engine.find({"beasts"}, np.zeros((1, 1, 1), np.uint8), time.monotonic() + 60)
    finally:
        engine.close()
        registry.install(())
        vocabulary.install(before)
    assert [(tag.name, tag.by) for tag in found.tags] == [("dog", "beasts")]
    assert dict(found.models)["beasts"].startswith("beasts")


@pytest.mark.parametrize(
    ("labels", "arch", "code"),
    [
        (LABELS[:2], "resnet18", "model-labels-do-not-fit"),
        (LABELS, "resnet34", "model-does-not-fit"),
        (LABELS, "resnet81", "unknown-architecture"),
        ((), "resnet18", "labels-missing"),
    ],
)
def test_what_does_not_fit_is_not_added(labels: tuple[str, ...], arch: str, code: str, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    path = saved(state_of("resnet18"), tmp_path / "mine.pt")
    with pytest.raises(Failure) as caught:
        add(store, path, Wish("beasts", backend="torchvision", arch=arch, labels=labels))
    assert caught.value.code == code
    assert not store.own()


def test_a_backend_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(architectures, "find_spec", lambda name: None)
    with pytest.raises(Failure, match="timm is not installed") as caught:
        architectures.check("timm", "resnet18")
    assert "darkroom[classify]" in (caught.value.hint or "")


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address that a folder is published at."""
    folder = tmp_path / "published"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("begins", ["", "right", "0bad0bad"])
@pytest.mark.parametrize("trust", [False, True])
def test_published_weights_are_fetched_when_told(
    begins: str, trust: bool, publisher: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror, folder = publisher
    path = saved(state_of("resnet18"), folder / "resnet18-some.pth")
    begins = hashlib.sha256(path.read_bytes()).hexdigest()[:8] if begins == "right" else begins
    there = architectures.Published("https://weights.test/resnet18-some.pth", begins, "", LABELS)
    monkeypatch.setattr(architectures, "published", lambda backend, arch: there)
    store = ModelStore(tmp_path / "models", mirror=mirror)
    wish = Wish("beasts", backend="torchvision", arch="resnet18")
    if begins == "0bad0bad" or not (begins or trust):
        with pytest.raises(Failure) as caught:
            add_pretrained(store, wish, trust=trust)
        assert caught.value.code == ("model-checksum-mismatch" if begins else "model-not-trusted")
        assert not store.own()
    else:
        added = add_pretrained(store, wish, trust=trust)
        assert (added.labels, added.url) == (LABELS, there.url)
        assert store.own() == (added,)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_classifier_that_puts_out_no_numbers_is_noticed(tmp_path: Path, number: float) -> None:
    state = state_of("resnet18")
    state[list(state)[-1]][:] = number
    network = loaded(saved(state, tmp_path / "model.pt"), model("resnet18"))
    assert network.find([Question("mine", np.zeros((48, 64, 3), np.uint8))])[0].tags == ()
    with pytest.raises(NotFinite):
        Canary().learn(network, "mine@0", {"mine": 640})
