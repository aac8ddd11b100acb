"""Filling the demo city says what is wrong with a database that somebody gave it."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from backend.demo.environment import DemoPlaces
from backend.demo.errors import DemoError
from backend.demo.filling import fill
from backend.demo.leash import free_port
from backend.security.keys import Keyring
from backend.settings import Settings


def test_a_given_database_that_does_not_answer_is_named_in_one_sentence(tmp_path: Path):
    places = DemoPlaces(tmp_path, 8000, 8100)
    Keyring.generate(places.keys_file)
    nobody = f"mongodb://127.0.0.1:{free_port()}/?replicaSet=elsewhere&serverSelectionTimeoutMS=200"
    settings = Settings(environment="demo", mongodb_uri=SecretStr(nobody), keys_file=places.keys_file)
    started: list[str] = []
    with pytest.raises(DemoError, match=r"^MongoDB cannot be reached at MONGODB_URI: 127\.0\.0\.1:\d+: "):
        fill(settings, places, say=lambda _: None, on_migrated=lambda: started.append("web"))
    assert not started
