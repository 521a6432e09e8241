"""A server whose models folder has a model of the operator: its name and labels are words of URLs."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from .fabricated import Answer, own
from .servers import Server, free_port
from .test_cli import darkroom

LABELS = ["wheat_head", "weed"]
FORMS = {"segment": 0, "pose": 17, "obb": 4, "classify": None}
"""Of each how many points a thing has; None where it tells none."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Pictures, and a models folder with `crops` (wheat at the right in red pictures), a broken one and one to come."""
    base = tmp_path_factory.mktemp("crops")
    media, models = base / "media", base / "models"
    media.mkdir()
    for name, colour in (("red", (0, 0, 200)), ("green", (0, 200, 0)), ("blue", (200, 0, 0))):
        picture = np.full((400, 400, 3), colour, np.uint8)
        picture[:, 300:] = [value // 2 for value in colour]
        cv2.imwrite(str(media / f"{name}.png"), picture)
    answers = [
        Answer("wheat_head", 0.9, (0.75, 0.4, 0.25, 0.2), "red"),
        Answer("weed", 0.3, (0.0, 0.4, 0.1, 0.1), "red"),
    ]
    own(models, "crops", LABELS, answers, side=64, more='licence = "MIT"\n[names]\nwheat_head = "wheat"\n')
    beet = [Answer("beet", 0.9, (0.5, 0.5, 0.4, 0.4), "blue")]
    for form in FORMS:
        own(models, f"{form}s", ["beet", "rye"], beet, form=form, side=64, more="tags = false\n")
    odd = [Answer("Spring_Barley", 0.9, (0.5, 0.5, 0.4, 0.4), "blue"), Answer("a/b", 0.8, (0.1, 0.1, 0.2, 0.2), "blue")]
    own(models, "odd", ["Spring_Barley", "a/b"], odd, side=64, more="tags = false\n")
    (models / "broken").mkdir()
    (models / "broken" / "model.toml").write_text("labels = 3")
    return media, models


@pytest.fixture(scope="module")
def server(folders):
    media, models = folders
    with Server(media=media, models=models, device="cpu") as running:
        running.wait()
        until = time.monotonic() + 20
        while (
            "crops" not in running.get("/auto-tag:crops/red.png").json().get("models", {}) and time.monotonic() < until
        ):
            time.sleep(0.2)
        yield running


def tags(report):
    return {tag["tag"]: tag["confidence"] for tag in report["tags"]}


def test_auto_tag_asks_the_model_that_is_named(server):
    report = server.get("/auto-tag:crops/red.png").json()
    assert tags(report) == {"wheat": pytest.approx(0.9)}  # the weed is not sure
    assert report["models"]["crops"].startswith("crops@")
    assert tags(server.get("/auto-tag:crops/green.png").json()) == {}


def test_plain_auto_tag_asks_it_as_well(server):
    assert tags(server.get("/auto-tag/red.png").json())["wheat"] == pytest.approx(0.9)


@pytest.mark.parametrize(
    "path",
    [
        "/crop:100x100,gravity=crops/format:png/red.png",
        "/crop:100x100,gravity=wheat/format:png/red.png",
        "/crop:100x100,object=wheat/format:png/red.png",
        "/image/upload/c_crop,g_crops,h_100,w_100/f_png/red.png",
        "/image/upload/c_crop,g_wheat:auto,h_100,w_100/f_png/red.png",
        "/image/upload/c_crop,g_auto:wheat_90,h_100,w_100/f_png/red.png",
    ],
)
def test_gravity_holds_on_to_what_it_finds(server, path):
    body = server.get(path)
    assert body.status_code == 200, body.text
    cut = cv2.imdecode(np.frombuffer(body.content, np.uint8), cv2.IMREAD_COLOR)
    assert cut[50, 50, 2] == 100  # the darker part at the right, where the wheat is


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/auto-tag:cropps/red.png", "crops"),
        ("/crop:100x100,gravity=wheet/red.png", "wheat"),
        ("/crop:100x100,gravity=corps/red.png", "crops"),
        ("/image/upload/c_crop,g_corps,h_100,w_100/red.png", "crops"),
        ("/if:tag(wheet)/grayscale/end/red.png", "wheat"),
        ("/explain:wheet/red.png", "wheat"),
    ],
)
def test_unknown_models_and_labels_name_the_nearest(server, path, nearest):
    answer = server.get(path)
    assert answer.status_code == 400, answer.text
    assert nearest in answer.text


@pytest.mark.parametrize(
    "word", ["Spring_Barley", "spring_barley", "SPRING%20Barley", "spring%20%20barley", "a_b", "A%20B"]
)
@pytest.mark.parametrize(
    "path",
    [
        "/if:tag({})/resize:10x/end/blue.png",
        "/if:tags~{}/resize:10x/end/blue.png",
        "/if:count({})>0/resize:10x/end/blue.png",
        "/image/upload/if_!{}!_in_tags,w_10/blue.png",
    ],
)
def test_conditions_know_a_label_however_it_is_written(server, word, path):
    assert width(server.get(path.format(word))) == 10


@pytest.mark.parametrize("word", ["Spring_Barley", "spring_barley", "SPRING%20Barley", "odd"])
@pytest.mark.parametrize(
    "path", ["/crop:object={}/blue.png", "/crop:gravity={}/blue.png", "/image/upload/c_crop,g_{},w_160,h_160/blue.png"]
)
def test_crops_know_a_label_however_it_is_written(server, word, path):
    assert width(server.get(path.format(word))) == 160


@pytest.mark.parametrize("path", ["/crop:object=a_b/blue.png", "/crop:object=A%20b/blue.png"])
def test_a_slash_in_a_label_is_asked_for_as_a_space(server, path):
    assert width(server.get(path)) == 80


def width(answer):
    assert answer.status_code == 200, answer.text
    return cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).shape[1]


def test_the_index_spells_labels_as_auto_tag_does(server):
    told = tags(server.get("/auto-tag:odd/blue.png").json()).keys()
    assert told == {"Spring_Barley", "a/b"}
    until = time.monotonic() + 10
    while server.get("/tags/a%2Fb").status_code == 404 and time.monotonic() < until:
        time.sleep(0.1)
    assert told <= {row["tag"] for row in server.get("/tags").json()["tags"]}
    for asked in ("spring_barley", "Spring%20Barley", "SPRING_BARLEY"):
        body = server.get(f"/tags/{asked}?also=a_b").json()
        assert (body["tag"], body["also"]) == ("Spring_Barley", ["a/b"])
        assert told <= {row["tag"] for row in body["sources"][0]["tags"]}
    assert server.get("/tags/spring_barly").json()["nearest"] == "Spring_Barley"


@pytest.mark.parametrize("word", ["poses", "obbs", "classifys", "weed", "odd", "spring_barley"])
def test_cutting_out_what_no_model_masks_is_refused(server, word):
    answer = server.get(f"/cut-out:{word}/blue.png")
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-argument")
    assert "draws no masks" in answer.json()["detail"]


def test_a_word_of_several_models_asks_the_one_that_draws_masks(server):
    answer = server.get("/cut-out:beet/format:png/blue.png")
    pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels[:, :, 3].min() == 0
    assert pixels[280, 280, 3] == 255


@pytest.mark.parametrize(
    "path",
    [
        "/if:tag(female-breast-exposed)/blur:20/end/red.png",
        "/if:count(female-breast-exposed)>0/blur:20/end/red.png",
        "/if:tags~female-breast-exposed/blur:20/end/red.png",
        "/image/upload/if_!female-breast-exposed!_in_tags/e_blur:900/if_end/red.png",
        "/image/upload/$x_!female-breast-exposed!/if_$x_in_tags/e_blur:900/if_end/red.png",
    ],
)
def test_nobody_passes_a_condition_on_moderation_without_a_look(server, path):
    answer = server.get(path)
    if answer.status_code == 200 and "moderation" in str(server.get("/auto-tag:moderation/red.png").json()["models"]):
        return  # the extra is installed here: it was asked
    assert (answer.status_code, answer.json()["code"]) == (503, "detector-unavailable")


def test_ten_crops_of_one_picture_are_one_inference(server, folders):
    cv2.imwrite(str(folders[0] / "ten.png"), np.full((300, 300, 3), (0, 0, 150), np.uint8))

    def inferences():
        return server.metric('darkroom_detector_batch_size_sum{model="crops",task="crops"}')

    before = inferences()
    paths = [f"/crop:{20 * side}x30,gravity=wheat/ten.png" for side in range(1, 11)]
    with ThreadPoolExecutor(10) as pool:
        assert [answer.status_code for answer in pool.map(server.get, paths)] == [200] * 10
    assert server.get("/auto-tag:crops/ten.png").json()["tags"]
    assert inferences() - before == 1


@pytest.mark.parametrize(("form", "points"), FORMS.items())
def test_models_of_every_form_are_asked_and_drawn(server, form, points):
    report = server.get(f"/auto-tag:{form}s/blue.png").json()
    assert tags(report) == {"beet": pytest.approx(0.9)}
    plain, drawn = (server.get(f"{steps}/format:png/blue.png") for steps in ("/sharpen:0", f"/detect:models={form}s"))
    before, after = (
        cv2.imdecode(np.frombuffer(got.content, np.uint8), cv2.IMREAD_COLOR).astype(int) for got in (plain, drawn)
    )
    changed = (before != after).any(axis=2)
    if points is None:
        assert not report["objects"]
        assert not changed.any()
        return
    [thing] = report["objects"]
    assert list(thing["box"].values()) == pytest.approx([0.5, 0.5, 0.4, 0.4], abs=1e-3)
    assert len(thing.get("points", {})) == points
    assert changed[190:370, 190:370].any()


def test_commands_know_its_words(folders):
    settings = {"media": folders[0], "models": folders[1], "pull": "never", "device": "cpu"}
    tagged = darkroom("tag", str(folders[0] / "red.png"), "--ask", "crops", **settings)
    assert (tagged.returncode, b'"wheat"' in tagged.stdout) == (0, True), tagged.stderr
    assert b'"ok": true' in darkroom("parse", "/crop:object=wheat/red.png", **settings).stdout
    printed = darkroom("url", "/crop:9x9,gravity=wheat/id:red.png", "--dialect", "cloudinary", **settings)
    assert b"g_wheat" in printed.stdout, printed.stderr


def test_models_of_a_detection_service_elsewhere(folders, tmp_path):
    port, secret = free_port(), {"detection_secret": "hush"}
    service = ["detect", "--host", "127.0.0.1", "--port", str(port)]
    command = [sys.executable, "-m", "server", *service]
    here = {"media": folders[0], "models": tmp_path, "detection": f"http://127.0.0.1:{port}", **secret}
    with Server(command, port, models=folders[1], device="cpu", **secret) as elsewhere:
        elsewhere.wait()
        rendered = darkroom("render", "/crop:object=wheat/format:png/red.png", **here)
        assert rendered.returncode == 0, rendered.stderr
        assert cv2.imdecode(np.frombuffer(rendered.stdout, np.uint8), cv2.IMREAD_COLOR).shape == (80, 100, 3)
        with Server(**here) as running:
            running.wait()
            assert tags(running.get("/auto-tag:crops/red.png").json()) == {"wheat": pytest.approx(0.9)}
            assert running.get("/crop:object=wheat/red.png").status_code == 200


def test_models_tells_licence_labels_and_what_is_wrong(server):
    rows = {row["name"]: row for row in server.get("/models").json()["models"]}
    crops = rows["crops"]
    assert (crops["licence"], crops["status"], crops["kinds"], crops["form"]) == (
        "MIT",
        "verified",
        ["crops"],
        "detect",
    )
    assert (crops["labels"], crops["label_count"], crops["names"]) == (LABELS, 2, {"wheat_head": "wheat"})
    assert len(crops["sha256"]) == 64
    assert rows["broken"]["status"] == "refused"
    assert "labels" in rows["broken"]["problem"]
    assert rows["yolo11n"]["status"] == "absent"


def test_ready_says_which_models_are_refused(server):
    answer = server.get("/ready")
    assert answer.status_code == 200
    assert "broken" in answer.text
    assert str(server) not in answer.text


def test_a_model_that_is_added_while_the_server_runs(server, folders):
    own(folders[1], "lawns", ["grass"], [Answer("grass", 0.8, when="green")], side=64)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        answer = server.get("/auto-tag:lawns/green.png")
        if answer.status_code == 200 and answer.json()["tags"]:
            break
        time.sleep(0.3)
    assert tags(answer.json()) == {"grass": pytest.approx(0.8)}


def test_a_classifier_that_was_added_is_asked(folders, tmp_path):
    timm, torch = pytest.importorskip("timm"), pytest.importorskip("torch")
    network = timm.create_model("mobilenetv3_small_050", num_classes=2)
    torch.nn.init.zeros_(network.classifier.weight)
    network.classifier.bias.data = torch.tensor([0.0, 2.0])
    torch.save(network.state_dict(), tmp_path / "flowers.pth")
    (tmp_path / "flowers.txt").write_text("rose\ntulip\n")
    models = tmp_path / "models"
    labels = ["--labels-file", str(tmp_path / "flowers.txt")]
    known = ["--backend", "timm", "--arch", "mobilenetv3_small_050", "--name", "flowers"]
    added = darkroom("models", "add", str(tmp_path / "flowers.pth"), *known, *labels, models=models)
    assert added.returncode == 0, added.stderr
    with Server(media=folders[0], models=models, device="cpu") as running:
        running.wait()
        [tag] = running.get("/auto-tag:flowers/red.png").json()["tags"]
        assert (tag["tag"], tag["by"]) == ("tulip", "flowers")
        assert tag["confidence"] == pytest.approx(0.8808, abs=1e-3)  # of softmax over 0 and 2
        assert running.get("/if:tag(tulip)/resize:9x/end/format:png/red.png").status_code == 200


def test_a_model_that_is_preferred_and_unknown_keeps_the_server_from_starting(folders):
    with Server(media=folders[0], models=folders[1], prefer="objects=crop") as running:
        assert running.process.wait(30) != 0
        assert "'crops'" in running.log()


def test_a_model_of_one_s_own_can_serve_objects(folders):
    with Server(media=folders[0], models=folders[1], prefer="objects=crops", device="cpu") as running:
        running.wait()
        report = running.get("/auto-tag:objects/red.png").json()
        assert tags(report) == {"wheat": pytest.approx(0.9)}
        assert report["models"]["objects"].startswith("crops@")
