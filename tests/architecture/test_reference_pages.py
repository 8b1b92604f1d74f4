"""The reference pages are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.generate_docs import PAGES

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", PAGES)
def test_a_generated_page_is_current(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == PAGES[path](), "run `make docs`"
