"""The package's own names: all there, each from its home, and none imported before it is asked for."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import groundwork


def test_every_public_name_is_what_its_home_says() -> None:
    assert set(groundwork.__all__) == set(groundwork._HOMES)
    for name, home in groundwork._HOMES.items():
        assert getattr(groundwork, name) is getattr(import_module(home), name)
    assert set(groundwork.__all__) <= set(dir(groundwork))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = groundwork.nothing_like_it


def test_importing_the_package_imports_no_room() -> None:
    code = "import groundwork, sys; assert not [m for m in sys.modules if m.startswith('groundwork.')]"
    subprocess.run([sys.executable, "-c", code], check=True)
