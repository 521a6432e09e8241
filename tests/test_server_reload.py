"""SIGHUP: presets, mounts and keys are read anew while requests are answered."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

from .servers import Server
from .signed import KEYS, native
from .test_server_shutdown import eventually, status

SECOND = "another one of more than 16"


@pytest.mark.parametrize("workers", [1, 2])
def test_presets_are_read_anew_without_a_request_dropped(
    media: Path, detection: str, tmp_path: Path, workers: int
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[presets]\nsmall = "resize:20x"\n')
    with Server(media=media, detection=detection, workers=workers, renderers=workers, config=config) as running:
        running.wait()
        assert running.get("/preset:small/photo.jpg").status_code == 200
        assert running.get("/preset:large/photo.jpg").status_code == 400
        stop, statuses = threading.Event(), set()

        def ask() -> None:
            while not stop.is_set():
                statuses.add(status(running, "/preset:small/photo.jpg"))

        asking = threading.Thread(target=ask)
        asking.start()
        config.write_text('[presets]\nsmall = "resize:30x"\nlarge = "resize:60x"\n')
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric('darkroom_config_reloads_total{result="ok"}') == workers)
        stop.set()
        asking.join()
        assert statuses == {200}
        assert running.get("/preset:large/photo.jpg").status_code == 200


def test_a_broken_file_keeps_the_old_presets(media: Path, detection: str, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text('[presets]\nsmall = "resize:20x"\n')
    with Server(media=media, detection=detection, config=config) as running:
        running.wait()
        assert running.metric("darkroom_config_last_reload_successful") == 1
        config.write_text('[presets]\nsmall = "resise:20x"\n')
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric('darkroom_config_reloads_total{result="failed"}') == 1)
        assert running.metric("darkroom_config_last_reload_successful") == 0
        assert "all stays as it was" in running.log()
        assert "did you mean" in running.log()
        assert running.get("/preset:small/photo.jpg").status_code == 200
        config.write_text('[presets]\nsmall = "resize:40x"\n')
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric("darkroom_config_last_reload_successful") == 1)


def test_keys_are_read_anew_from_their_file(media: Path, detection: str, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"k1:{KEYS['k1']}")
    with Server(media=media, detection=detection, keys_file=file) as running:
        running.wait()
        old, new = native("/resize:20x/photo.jpg", "k1"), native("/resize:20x/photo.jpg", "k2", SECOND)
        assert (status(running, old), status(running, new)) == (200, 403)
        file.write_text(f"k2:{SECOND}\n")
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric('darkroom_config_reloads_total{result="ok"}') == 1)
        assert (status(running, old), status(running, new)) == (403, 200)
        assert SECOND not in running.log()
        file.unlink()
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric('darkroom_config_reloads_total{result="failed"}') == 1)
        assert status(running, new) == 200


def test_a_new_mount_is_served(media: Path, detection: str, tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[mounts]\none = "{media}"\n')
    with Server(media=media, detection=detection, config=config) as running:
        running.wait()
        path = "/two/image/upload/w_20/jane%20doe.jpg"
        assert running.get(path).status_code == 404
        config.write_text(f'[mounts]\ntwo = "{media}/team"\n')
        running.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: running.metric('darkroom_config_reloads_total{result="ok"}') == 1)
        assert running.get(path).status_code == 200
        assert running.get("/one/image/upload/w_20/photo.jpg").status_code == 404
