"""Random pauses on cocotbext-axi channels."""

from __future__ import annotations

import math
import random

import cocotb
from cocotb.task import Task
from cocotb.triggers import RisingEdge, Timer, Trigger
from cocotbext.axi.stream import StreamSource

from tb.common.base import PERIOD_NS
from tb.common.stream import Pace

# Cycles of nothing to transfer after which a channel sleeps; until then its pauses come and go as among transfers.
SLEEP_AFTER = 64


def _activity(channel) -> Trigger | None:
    """What ends an idle channel's idleness; None if it has something to transfer."""
    if isinstance(channel, StreamSource):
        return channel.active_event.wait() if channel.idle() else None
    return RisingEdge(channel.valid) if channel.valid.value == 0 else None


async def _keep(channel, pace: Pace) -> None:
    # A pause may begin in each cycle outside of one. The share of cycles within one is the state it sleeps in.
    free, paused = 1 / pace.pause, (1 + pace.longest) / 2
    share = paused / (free + paused)
    idle = 0
    while True:
        activity = _activity(channel)
        if activity is None:
            idle = 0
        if idle < SLEEP_AFTER:
            channel.pause = not channel.pause
        else:
            channel.pause = random.random() < share
            await activity
            idle = 0
        cycles = 1 + int(math.log(1 - random.random()) / math.log(1 - pace.pause))
        if channel.pause:
            cycles = random.randint(1, pace.longest)
        await Timer(cycles * PERIOD_NS, "ns")
        idle += cycles


def keep_pace(channel, pace: Pace) -> Task | None:
    """Pause a channel as its pace says, until the returned task is cancelled; None when it never pauses."""
    channel.pause = False
    return cocotb.start_soon(_keep(channel, pace)) if pace.pause else None
