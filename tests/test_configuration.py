"""The settings file: what it says, and what it says of mistakes in it; presets in both spellings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import cli
from server.configuration import Configuration
from server.environment import SettingsError
from server.presets import Presets
from server.settings import Settings
from server.sources.mounts import Base, Scope
from transforms.failure import Failure, Kind
from transforms.pipeline import MAX_STEPS, Pipeline


def written(folder: Path, text: str) -> Path:
    path = folder / "darkroom.toml"
    path.write_text(text)
    return path


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Configuration.load(written(folder, text))
    return str(caught.value)


def test_without_a_file_there_is_nothing() -> None:
    said = Configuration.load(None)
    assert (said.mounts, said.rewrite, said.pull_through, said.presets.pipelines) == ({}, {}, {}, {})


def test_a_whole_file(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    said = Configuration.load(
        written(
            tmp_path,
            f"""
            [mounts]
            "demo" = "media"
            "demo:private" = "{tmp_path}"
            "demo/a/b" = "HTTPS://cdn.Example.com:443/p"
            "*" = "{tmp_path}/media/"
            "" = "http://10.0.0.1:8000"
            [rewrite]
            "https://old.example.com" = "https://origin.internal/x/"
            [pull_through]
            "demo" = "https://res.cloudinary.com/demo/image/upload"
            [presets]
            "Resized Artwork" = "w_100,h_100,c_fill/f_auto"
            thumb = "resize:100x100,fit=cover,enlarge/format:auto"
            """,
        )
    )
    assert said.mounts == {
        Scope("demo"): tmp_path / "media",
        Scope("demo", "private"): tmp_path,
        Scope("demo", "upload", ("a", "b")): Base("https://cdn.example.com/p/"),
        Scope("*"): tmp_path / "media",
        Scope(""): Base("http://10.0.0.1:8000/"),
    }
    assert said.rewrite == {Base("https://old.example.com/"): Base("https://origin.internal/x/")}
    assert said.pull_through == {Scope("demo"): Base("https://res.cloudinary.com/demo/image/upload/")}
    assert said.presets.pipelines["Resized Artwork"] == said.presets.pipelines["thumb"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("[mounts", ["is no TOML", "Expected ']'"]),
        ("[mount]\na = 'b'", ["mount is no section", "did you mean [mounts]?"]),
        ("zzz = 1", ["zzz is no section", "mounts, rewrite, pull_through, presets"]),
        ("mounts = 3", ["mounts", "cloud[:delivery type][/prefix]"]),
        ("[mounts]\ndemo = 3", ['mounts."demo"', "no text"]),
        ("[mounts]\ndemo = ' .'", ['mounts."demo"', "space around"]),
        ("[mounts]\ndemo = 'nowhere'", ["mounts.\"demo\" = 'nowhere'", "no folder", "originals live in"]),
        ("[mounts]\ndemo = ''", ["no folder"]),
        ("[mounts]\ndemo = 's3://Bucket/x'", ["a bucket is in lower case"]),
        ("[mounts]\ndemo = 's3://bucket/a/../x'", ["no '.', '..'"]),
        ("[mounts]\ndemo = 's3:///x'", ["s3, gs, az"]),
        ("[mounts]\ndemo = 'r2://bucket/x'", ["written s3://bucket/prefix and DARKROOM_S3_ENDPOINT"]),
        ("[mounts]\ndemo = 'gcs://bucket/x'", ["written gs://bucket/prefix"]),
        ("[mounts]\ndemo = 'ftp://host/x'", ["http:// or https://"]),
        ("[mounts]\ndemo = 'https://user:word@host/'", ["user name or password"]),
        ("[mounts]\ndemo = 'https://host/?q=1'", ["no query"]),
        ("[mounts]\ndemo = 'https://host/a/..%252f/b'", ["no '..'"]),
        ("[mounts]\n'de mo' = '.'", ["'de mo' is not of the form <cloud>"]),
        ("[mounts]\n'demo:fetch' = '.'", ["'fetch' is no delivery type", "upload, private, authenticated"]),
        ("[mounts]\n'demo/../x' = '.'", ["'../x' cannot be the beginning of a public id"]),
        ("[mounts]\n'demo' = '.'\n'demo:upload' = '.'", ["two of its keys mean the same"]),
        ("[rewrite]\n'https://a/' = '/srv'", ["rewrite.\"https://a/\" = '/srv'", "asked instead"]),
        ("[rewrite]\n'a' = 'https://a/'", ['rewrite."a"', "http:// or https://"]),
        ("[rewrite]\n'https://a' = 'https://b'\n'https://a/' = 'https://c'", ["two of its keys mean the same"]),
        ("[pull_through]\ndemo = '/srv'", ["pull_through.\"demo\" = '/srv'", "fetched from, once"]),
        ("[presets]\na = 3", ['presets."a"', "no text"]),
        ("[presets]\na = ''", ['presets."a"', "the pipeline is empty"]),
        ("[presets]\n'a.b' = 'w_1'", ['presets."a.b"', "no '.', ',' or '/'"]),
        ("[presets]\na = 'w_0'\nb = 'resize:0x0'", ['presets."a"', 'presets."b"']),
        ("[presets]\na = 'resise:10x10'", ['presets."a"', "resise", "did you mean", "resize"]),
        ("[presets]\na = 'flip/preset:c'\nccc = 'w_10'", ["Unknown transformation c"]),
        ("[presets]\na = 'preset:b'\nb = 'preset:a'", ["circle: a → b → a"]),
        ("[presets]\na = 'preset:a'", ["circle: a → a"]),
        ("[presets]\na = 'if:w>10/flip'", ['presets."a"', "not closed"]),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, lines: list[str]) -> None:
    message = mistakes(tmp_path, text)
    for line in lines:
        assert line in message
    assert all(line.startswith((str(tmp_path), "presets.")) or ": presets." in line for line in message.splitlines())


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "zzz = 1\n[mounts]\na = 's4://b'\n'b:c' = '.'\n[presets]\nx = 'w_0'\n"
    assert len(mistakes(tmp_path, text).splitlines()) == 4


def test_an_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read: No such file"):
        Configuration.load(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(SettingsError, match="is no TOML"):
        Configuration.load(tmp_path / "latin.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[pull_through]\ndemo = 'https://a/'\nother = 'https://b/'", "filled from another address"),
        ("[pull_through]\n'demo:private' = 'https://a/'", "no folder of its own"),
        ("[mounts]\ndemo = 'https://a/'\n[pull_through]\ndemo = 'https://a/'", "no folder of its own"),
        ("[mounts]\ndemo = '.'\n[pull_through]\nother = 'https://a/'", "no folder of its own"),
        ("[mounts]\ndemo = '.'\n[pull_through]\n'demo:private' = 'https://a/'", "no folder of its own"),
        ("[mounts]\na = '.'\nb = '.'\n[pull_through]\na = 'https://a/'\nb = 'https://b/'", "filled from another"),
        ("[mounts]\na = '.'\n[pull_through]\n'a/x' = 'https://a/'\n'*/x' = 'https://b/'", "no folder of its own"),
        # What the one brings for x/foo lies where the other looks for foo.
        ("[pull_through]\n'*' = 'https://a/'\n'demo/x' = 'https://b/'", "filled from another"),
        ("[pull_through]\n'demo/x' = 'https://b/'\n'other' = 'https://b/'", "filled from another"),
        ("[mounts]\na = '.'\nb = 'media'\n[pull_through]\na = 'https://a/'\nb = 'https://b/'", "filled from another"),
        ("[mounts]\na = '.'\n'a/x' = 'media'\n[pull_through]\na = 'https://a/'\n'a/x' = 'https://b/'", "filled from"),
    ],
)
def test_pull_through_wants_a_folder_of_its_own(tmp_path: Path, text: str, message: str) -> None:
    settings = Settings(media=tmp_path)
    (tmp_path / "media").mkdir()
    with pytest.raises(SettingsError, match=message):
        Configuration.load(written(tmp_path, text)).originals(settings)


def test_pull_through_into_folders_that_fit(tmp_path: Path) -> None:
    text = "[pull_through]\ndemo = 'https://a/'\n'demo/x' = 'https://b/'\n'*/y' = 'https://a/y/'"
    Configuration.load(written(tmp_path, text)).originals(Settings(media=tmp_path))
    with pytest.raises(SettingsError, match="name it with DARKROOM_MEDIA"):
        Configuration.load(written(tmp_path, text)).originals(Settings())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_pull_through_wants_to_write(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir(mode=0o555)
    text = "[mounts]\ndemo = 'media'\n[pull_through]\ndemo = 'https://a/'"
    with pytest.raises(SettingsError, match="cannot be written to"):
        Configuration.load(written(tmp_path, text)).originals(Settings(media=tmp_path))


def test_the_program_ends_with_the_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_CONFIG", "")  # so that what the option sets is undone
    path = written(tmp_path, "[presets]\nthumb = 'w_100,h_0'\n")
    result = CliRunner().invoke(cli, ["serve", "--config", str(path), "--media", str(tmp_path)])
    assert result.exit_code == 2
    assert f'{path}: presets."thumb" is not accepted' in result.output


@pytest.fixture(scope="module")
def presets() -> Presets:
    return Presets.read(
        {
            "thumb": "resize:100x100,fit=cover",
            "gray-thumb": "preset:thumb/flip",
            "both": "preset:gray-thumb/preset:thumb",
            "encoded": "w_100%2Ch_100,c_fill",
            "wide": "if:w>h/preset:thumb/else/flip/end",
        }
    )


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("resize:1x1", "resize:1x1"),
        ("preset:thumb", "resize:100x100,fit=cover"),
        ("preset:encoded", "resize:100x100,fit=cover,enlarge=true"),
        ("flip/preset:thumb/format:webp", "flip/resize:100x100,fit=cover/format:webp"),
        ("preset:both", "resize:100x100,fit=cover/flip/resize:100x100,fit=cover"),
        ("preset:wide", "if:w>h/resize:100x100,fit=cover/else/flip/end"),
        ("if:w>1/preset:thumb/end", "if:w>1/resize:100x100,fit=cover/end"),
    ],
)
def test_presets_are_put_in(presets: Presets, text: str, expanded: str) -> None:
    assert presets.expand(Pipeline.parse(text)) == Pipeline.parse(expanded)


@pytest.mark.parametrize(("name", "close"), [("thum", "thumb"), ("grey thumb", "gray-thumb"), ("zzz", None)])
def test_an_unknown_preset(presets: Presets, name: str, close: str | None) -> None:
    with pytest.raises(Failure) as caught:
        presets.expand(Pipeline.parse(f"preset:{name}"))
    failure = caught.value
    assert (failure.kind, failure.code) == (Kind.BAD_REQUEST, "unknown-preset")
    assert failure.message == f"Unknown transformation {name}"
    assert failure.details["nearest"] == close


def test_too_many_steps_in_all(presets: Presets) -> None:
    text = "/".join(["preset:both"] * (MAX_STEPS // 3))
    assert len(presets.expand(Pipeline.parse(text)).steps) == MAX_STEPS // 3 * 3
    with pytest.raises(Failure) as caught:
        presets.expand(Pipeline.parse(f"{text}/preset:both"))
    assert caught.value.code == "too-many-steps"
    doubling = {f"p{n}": f"preset:p{n + 1}/preset:p{n + 1}" for n in range(40)} | {"p40": "flip"}
    with pytest.raises(ValueError, match="more than"):
        Presets.read(doubling)


@pytest.mark.parametrize("inside", ["", "secret"])
def test_originals_that_want_a_signature_cannot_lie_in_what_is_open(tmp_path: Path, inside: str) -> None:
    (tmp_path / "secret").mkdir()
    text = f'[mounts]\n"demo" = "{tmp_path}"\n"demo:authenticated" = "{tmp_path / inside}"\n'
    (tmp_path / "darkroom.toml").write_text(text)
    with pytest.raises(SettingsError, match="open to all as upload"):
        Configuration.load(tmp_path / "darkroom.toml").originals(Settings.load())
