"""`./run`: finds a Python, installs what is pinned, once, and says plainly what is missing."""

import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console import ROOT

pytestmark = pytest.mark.once
TOOLS = ("sh", "dirname", "readlink", "cat", "cksum", "grep", "mkdir", "rm", "sed", "sleep", "env", "uname")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real launcher, one small package to install, and a manage.py that tells its words."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    shutil.copy(ROOT / "run", folder / "run")
    shutil.copy(ROOT / "requirements-uv.txt", folder)
    pinned = (ROOT / "requirements.txt").read_text()
    small = re.search(r"^sqlparse==.*?(?=^\S|\Z)", pinned, re.MULTILINE | re.DOTALL)
    assert small
    (folder / "requirements.txt").write_text(small[0])
    (folder / "manage.py").write_text("import sys, sqlparse; print('manage.py', *sys.argv[1:])")
    return folder


@pytest.fixture
def path_without_python(tmp_path: Path) -> Path:
    """A PATH with a shell's tools, and with no Python and no uv."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or "")
    return folder


def run(checkout: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(checkout / "run"), *words],
        env={**os.environ, "PYTHON": sys.executable, **environment},
        cwd="/",
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_the_first_start_installs_and_the_second_does_not(checkout: Path):
    first = run(checkout, "--port", "9")
    second = run(checkout, "--port", "9")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "installing 1 packages" in first.stderr
    assert "installing" not in second.stderr
    assert first.stdout == second.stdout == "manage.py up --port 9\n"


def test_it_works_through_a_link_in_another_folder(checkout: Path, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "run"
    link.symlink_to("../a checkout/run")

    done = subprocess.run([link, "manage", "check"], cwd="/", capture_output=True, text=True, check=False)

    assert done.stdout == "manage.py check\n", done.stderr


def test_a_new_lock_is_installed(checkout: Path):
    run(checkout)
    with (checkout / "requirements.txt").open("a") as file:
        file.write("# changed\n")

    assert "installing" in run(checkout).stderr
    assert "installing" not in run(checkout).stderr


def test_an_installation_that_was_cut_short_heals(checkout: Path):
    run(checkout)
    (checkout / ".venv/.installed-run").write_text("started\n")
    for package in (checkout / ".venv/lib").glob("python*/site-packages/sqlparse"):
        shutil.rmtree(package)

    done = run(checkout)

    assert done.stdout == "manage.py up\n", done.stderr


def test_no_suitable_python_is_one_sentence(checkout: Path, path_without_python: Path):
    script(path_without_python / "python3", "exit 1")  # as a stub that cannot run, or one that is too old

    done = run(checkout, PATH=str(path_without_python), PYTHON="", HOME="", PYENV_ROOT="/nowhere")

    assert done.returncode == 1
    assert done.stderr.startswith("palimpsest: no Python 3.12 or newer was found")
    assert done.stderr.count("\n") == 1


def test_a_python_that_cannot_run_is_passed_over(checkout: Path, path_without_python: Path, uv: Path):
    script(path_without_python / "python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    (path_without_python / "python3").symlink_to(sys.executable)
    (path_without_python / "uv").symlink_to(uv)

    done = run(checkout, PATH=str(path_without_python), PYTHON="/no/such/python")

    assert done.stdout == "manage.py up\n", done.stderr


def test_an_empty_home_is_no_obstacle(checkout: Path):
    done = run(checkout, HOME="", UV_CACHE_DIR=str(checkout / "cache"))

    assert done.stdout == "manage.py up\n", done.stderr


def test_a_failed_installation_shows_why_and_is_tried_again(checkout: Path):
    requirements = checkout / "requirements.txt"
    right = requirements.read_text()
    requirements.write_text(re.sub(r"sha256:\w{4}", "sha256:0000", right))

    failed = run(checkout)
    requirements.write_text(right)
    healed = run(checkout)

    assert failed.returncode == 1
    assert "the packages could not be installed (see above)" in failed.stderr
    assert "ash mismatch" in failed.stderr
    assert healed.stdout == "manage.py up\n", healed.stderr


@pytest.fixture
def uv(checkout: Path) -> Path:
    """An uv that runs: the one that `run` itself found or brought."""
    run(checkout)
    brought = checkout / ".venv/.uv/bin/uv"
    kept = checkout.parent / "uv"
    shutil.copy(brought if brought.exists() else shutil.which("uv") or "", kept)
    shutil.rmtree(checkout / ".venv")
    return kept
