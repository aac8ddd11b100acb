"""The console's menu: entries that can be told apart at a glance."""

from pathlib import Path

import admin
from admin.menu import ENTRIES

SPRITE = Path(admin.__file__).parent / "static" / "vendor" / "tabler-icons" / "sprite.svg"


def test_each_entry_has_an_icon_of_its_own_that_there_is():
    icons = [entry.icon for entry in ENTRIES]
    assert sorted(icons) == sorted(set(icons))
    sprite = SPRITE.read_text()
    assert [icon for icon in icons if f'<symbol id="{icon}"' not in sprite] == []
