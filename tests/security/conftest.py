"""Cheap password hashes: what they cost is one test's business, not everybody's."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher, Type

import desk.passwords


@pytest.fixture(autouse=True)
def cheap_hashes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hash with little memory and one pass, except where the real cost is tested."""
    if "argon2id" not in request.node.name:
        cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1, hash_len=32, type=Type.ID)
        monkeypatch.setattr(desk.passwords, "_HASHER", cheap)
