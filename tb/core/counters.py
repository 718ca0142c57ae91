"""The event counters after a list, held against what the list is."""

from __future__ import annotations

from edge_qlora.command_layout import COMMAND_BYTES

from tb.common.base import config
from tb.core.items import READ_AHEAD, ListItem

ENGINES = ("LOAD", "MATRIX", "VECTOR", "READ", "WRITE")


class CounterError(AssertionError):
    """A counter has a value that it cannot have."""


def check_counters(item: ListItem) -> None:
    """Hold the counters of a list that has run to its end against its commands and the golden core's report.

    Raises:
        CounterError: the message has all that is wrong.
    """
    commands = item.touched.commands
    count, beat = item.counters, config()["bus_width"] // 8
    fetched = (count["READ_BEATS"] * beat - item.report.read_bytes) / COMMAND_BYTES
    used = {command.opcode.name for command in commands}
    busy, cycles = count["CYCLES_BUSY"], item.ended.cycles
    rules = {
        f"{len(commands)} lines of the list, {fetched} were read": fetched.is_integer()
        and len(commands) <= fetched <= len(commands) + READ_AHEAD,
        f"{item.report.write_bytes} bytes are written": count["WRITE_BEATS"] * beat == item.report.write_bytes,
        f"{item.report.mac_vectors} vectors": count["MAC_VECTORS"] == item.report.mac_vectors,
        "vectors fit their slots": count["MAC_VECTORS"] <= count["MAC_SLOTS"] <= busy,
        "beats fit the cycles": max(count["READ_BEATS"], count["WRITE_BEATS"]) <= busy <= cycles,
        "stalls fit the cycles": count["WEIGHT_STALL"] + count["ACT_STALL"] <= busy,
        "the loader waits while it is busy": count["LOAD_FULL"] <= count["LOAD_BUSY"],
    }
    for engine in ENGINES:
        working, waiting = count[f"{engine}_BUSY"], count[f"{engine}_WAIT"]
        rules[f"{engine} is busy and waits in different cycles"] = working + waiting <= busy
        rules[f"{engine} is busy if it has a command"] = (working > 0) == (engine in used)
    if broken := [rule for rule, holds in rules.items() if not holds]:
        raise CounterError(f"{item.get_name()}: {'; '.join(broken)}; counters: {count}")
