"""Random pauses on cocotbext-axi channels."""

from __future__ import annotations

import math
import random

import cocotb
from cocotb.task import Task
from cocotb.triggers import Timer

from tb.common.base import PERIOD_NS
from tb.common.stream import Pace


async def _keep(channel, pace: Pace) -> None:
    while True:
        # Cycles until the next pause, each of which may begin with one; asleep, the channel costs no time.
        free = 1 + int(math.log(1 - random.random()) / math.log(1 - pace.pause))
        channel.pause = False
        await Timer(free * PERIOD_NS, "ns")
        channel.pause = True
        await Timer(random.randint(1, pace.longest) * PERIOD_NS, "ns")


def keep_pace(channel, pace: Pace) -> Task | None:
    """Pause a channel as its pace says, until the returned task is cancelled; None when it never pauses."""
    channel.pause = False
    return cocotb.start_soon(_keep(channel, pace)) if pace.pause else None
