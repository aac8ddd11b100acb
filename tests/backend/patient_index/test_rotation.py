"""While the key of the blind index is rotated: one chart for one number, whoever knows which keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

from backend.bootstrap import City
from backend.ids import new_id
from backend.patient_index.indexes import Indexes
from backend.patient_index.models import Chart, ChartNumber, Demographics, NewChart, NumberState
from backend.patient_index.reindexing import ChartIndexes
from backend.patient_index.store import ChartStore
from backend.security.fields import BlindIndex
from backend.security.keys import Keyring
from tests.backend.patient_index.conftest import HOSPITAL, SOURCE

WHO = Demographics("王伟", phone="13900001111")


async def test_processes_that_know_different_keys_make_one_chart_and_find_it(city: City, tmp_path: Path):
    path = tmp_path / "keys.json"
    ring = Keyring.generate(path)
    before = Keyring.from_text(path.read_text())
    ring.rotate("blind")
    after = Keyring.from_text(path.read_text())
    stores = [
        ChartStore(city.db, city.services.cipher, Indexes(BlindIndex(each))) for each in (before, after)
    ]

    async def make(store: ChartStore, value: str) -> Chart | None:
        number = ChartNumber("HIS", value)
        return await store.add(NewChart(new_id(), HOSPITAL, number, WHO, None, NumberState.NONE, SOURCE))

    values = [str(n) for n in range(8)]
    made = await asyncio.gather(*(make(store, value) for value in values for store in stores))
    assert sum(chart is not None for chart in made) == len(values)
    for value in values:
        found = [await store.find_by_number(HOSPITAL, ChartNumber("HIS", value)) for store in stores]
        assert found[0] is not None
        assert found[0] == found[1]
    # What is indexed by the old key alone is found by the new one once it has been indexed anew.
    old, new = (ChartIndexes(store, store._indexes) for store in stores)
    assert await new.made_with("blind-1") > 0
    assert (await new.batch(None, 100)).changed > 0
    assert (await new.batch(None, 100)).changed == 0
    assert await new.made_with("blind-1") == 0
    assert old.target() != new.target()
    chart = next(chart for chart in made if chart is not None)
    assert len(await stores[1].list_alike(chart, 40)) == len(values) - 1
