"""The bench command: what it counts, and what it refuses."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pytest
from edge_qlora import bench, cli, registers
from edge_qlora.bench import Case
from edge_qlora.command_layout import ValueFormat
from edge_qlora.layout import BLOCK

from sw.tests.test_runtime import BASE, CONFIG, build, opened
from tb.models.transfers import loaded_values


class CountingBackend:
    """A backend that counts a list's tokens as cycles would be counted."""

    def __init__(self, backend):
        self.backend, self.lists = backend, 0

    def __getattr__(self, name):
        return getattr(self.backend, name)

    async def write_register(self, offset: int, value: int) -> None:
        if offset == registers.CONTROL.offset:
            cleared = registers.CONTROL["clear_counters"].get(value)
            self.lists = 0 if cleared else self.lists + 1
        await self.backend.write_register(offset, value)

    async def read_register(self, offset: int) -> int:
        counted = {registers.CYCLES_BUSY_LO.offset: 1000, registers.READ_BEATS_LO.offset: 900}
        if offset in counted:
            return counted[offset] * self.lists
        return await self.backend.read_register(offset)


def test_a_prompt_takes_as_many_passes_as_it_needs():
    decoder = opened(*build())
    decoder.accelerator.backend = CountingBackend(decoder.accelerator.backend)
    found = [asyncio.run(bench.measure(decoder, case, 256)) for case in (Case(17, 17), Case(1, 30))]
    assert [m.passes for m in found] == [3, 1] and [m.cycles for m in found] == [3000, 1000]
    assert found[0].bus == 0.9
    assert found[0].row()[:5] == ("prefill of 17", "3,000", "0.01", "86,400", "0.900")
    assert found[1].row()[0] == "decode at context 30"
    assert len(list(bench.table(found))) == 4


@pytest.mark.parametrize("cache", ValueFormat)
def test_caches_are_filled(cache):
    image, memory = build(cache=cache)
    before = memory.copy()
    bench.fill_caches(image, memory, BASE)
    changed = np.flatnonzero(memory != before) + BASE
    size = CONFIG.kv_heads * CONFIG.head_dim // BLOCK * image.context * image.cache_block
    places = [(address, address + size) for layer in image.layers for address in (layer.keys, layer.values)]
    assert all(any(begin <= byte < end for begin, end in places) for byte in changed)
    assert len(changed) > 0.9 * size * len(places)
    values = loaded_values(memory[image.layers[0].keys - BASE :][:size], cache)
    assert 0.9 < values.std() < 1.1, "neither alike nor infinite"


def test_golden_model_counts_no_cycles():
    with pytest.raises(bench.OperandError, match="counts no cycles"):
        asyncio.run(bench.measure(opened(*build()), Case(1, 1), 256))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to measure"),
        (["--decode", "0"], "nothing to measure"),
        (["--decode", "1", "--rank", "65"], "an adapter of rank 65"),
        (["--decode", "1", "--layers", "23"], "23 layers of a model that has 22"),
        (["--decode", "1", "--rank", "4", "--adapter", "here"], "one of them is possible"),
        (["--decode", "3000"], "context"),
    ],
)
def test_what_cannot_be_measured_is_refused(arguments, message, capsys):
    assert cli.main(["bench", "tinyllama-1.1b", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_unknown_settings_are_refused():
    for arguments in (["--set", "columns"], ["--set", "colums=4"]):
        with pytest.raises(SystemExit):
            cli.main(["plan", "tinyllama-1.1b", *arguments])


def test_records_are_json():
    counters = {"CYCLES_BUSY": 10, "READ_BEATS": 5, "MAC_VECTORS": 4}
    record = bench.Measurement(Case(1, 9), 1, counters, 32).record()
    assert json.loads(json.dumps(record))["counters"] == counters
