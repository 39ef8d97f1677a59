"""The Python module tcpmux with the library that was built, for tests."""

import ctypes
import pathlib
import sys

import pytest

import server

LIBRARY = server.BUILD / "lib"
FOLDER = pathlib.Path(__file__).parent.parent / "python"

try:
    # Whoever asks for this name from now on gets what was built.
    ctypes.CDLL(str(LIBRARY / "libtcpmux.so.0"))
except OSError as error:
    pytest.skip(f"not with this build: {error}", allow_module_level=True)

sys.path.insert(0, str(FOLDER))

import tcpmux  # noqa: E402,F401  pylint: disable=wrong-import-position
