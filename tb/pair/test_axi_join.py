"""The joint of two AXI masters, cycle by cycle against a golden one."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping

import cocotb
import pyuvm

from tb.common.arbiter import Turns
from tb.common.coverage import events
from tb.common.cycles import CycleTest
from tb.common.scoreboard import ScoreboardError

GROUP = "axi_join"
WRITE_BURSTS = 4  # whose data are still to come
ID, ADDR, DATA = (len(getattr(cocotb.top, f"m_axi_{name}")) for name in ("awid", "awaddr", "wdata"))
# Fields of a master's channels and their bits; those of a memory's.
FIELDS = {
    "aw": {"id": ID - 1, "addr": ADDR, "len": 8},
    "w": {"data": DATA, "strb": DATA // 8, "last": 1},
    "ar": {"id": ID - 1, "addr": ADDR, "len": 8},
}
ANSWERS = {"b": {"id": ID, "resp": 2}, "r": {"id": ID, "data": DATA, "resp": 2, "last": 1}}

sample_read = events(f"{GROUP}.read", ["alone", "first of both", "second of both", "held"])
sample_write = events(f"{GROUP}.write", ["alone", "first of both", "second of both", "held", "no room"])
sample_answer = events(f"{GROUP}.answer", ["b taken", "b waits", "r taken", "r waits"])
sample_data = events(f"{GROUP}.data", ["address taken", "address shown", "no address"])


def random_fields(fields: Mapping[str, int]) -> dict[str, int]:
    """A transfer of a channel."""
    return {name: random.getrandbits(bits) for name, bits in fields.items()}


class Joint:
    """Golden joint, with the masters and the memory around it: what they show stays until it is taken."""

    def __init__(self) -> None:
        self.turns = {"aw": Turns(2), "ar": Turns(2)}
        self.held = {"aw": 0, "ar": 0}
        self.order: deque[int] = deque()
        self.room = False  # for a burst: known a cycle late, and so not behind a reset
        self.shown: dict[tuple[str, int], dict[str, int]] = {}  # by channel and master
        self.answers: dict[str, dict[str, int]] = {}

    def inputs(self, rates: Mapping[str, float]) -> dict[str, int]:
        """Random transfers, and who is ready."""
        pins = {}
        for channel, fields in FIELDS.items():
            for master in (0, 1):
                if (channel, master) not in self.shown and random.random() < rates[f"{channel}{master}"]:
                    self.shown[channel, master] = random_fields(fields)
            # Fields of a master that shows nothing are anything.
            both = [self.shown.get((channel, master)) or random_fields(fields) for master in (0, 1)]
            for name, bits in fields.items():
                pins[f"s_axi_{channel}{name}"] = both[1][name] << bits | both[0][name]
            pins[f"s_axi_{channel}valid"] = sum(1 << m for m in (0, 1) if (channel, m) in self.shown)
            pins[f"m_axi_{channel}ready"] = int(random.random() < rates[f"{channel} ready"])
        for channel, fields in ANSWERS.items():
            if channel not in self.answers and random.random() < rates[channel]:
                self.answers[channel] = random_fields(fields)
            answer = self.answers.get(channel) or random_fields(fields)
            pins |= {f"m_axi_{channel}{name}": value for name, value in answer.items()}
            pins[f"m_axi_{channel}valid"] = int(channel in self.answers)
            pins[f"s_axi_{channel}ready"] = sum(
                1 << m for m in (0, 1) if random.random() < rates[f"{channel} ready{m}"]
            )
        return pins

    def served(self, channel: str, pins: Mapping[str, int]) -> int:
        """Whose address the memory sees, as a bit mask."""
        asking = pins[f"s_axi_{channel}valid"] if channel == "ar" or self.room else 0
        return self.held[channel] or self.turns[channel].pick(asking)

    def outputs(self, pins: Mapping[str, int]) -> dict[str, int]:
        """All that is valid, and what goes with it."""
        found = {}
        for channel in ("aw", "ar"):
            served = self.served(channel, pins)
            found[f"m_axi_{channel}valid"] = int(served != 0)
            found[f"s_axi_{channel}ready"] = served if pins[f"m_axi_{channel}ready"] else 0
            if served:
                found |= self.passed(channel, served - 1)
                found[f"m_axi_{channel}id"] |= served - 1 << ID - 1
        data = self.data()
        found["m_axi_wvalid"] = int(data)
        found["s_axi_wready"] = 1 << self.order[0] if self.order and pins["m_axi_wready"] else 0
        if data:
            found |= self.passed("w", self.order[0])
        for channel, fields in ANSWERS.items():
            master = pins[f"m_axi_{channel}id"] >> ID - 1
            found[f"s_axi_{channel}valid"] = pins[f"m_axi_{channel}valid"] << master
            found[f"m_axi_{channel}ready"] = int(self.answered(channel, pins))
            found |= {f"s_axi_{channel}{name}": pins[f"m_axi_{channel}{name}"] for name in fields if name != "id"}
            found[f"s_axi_{channel}id"] = pins[f"m_axi_{channel}id"] & (1 << ID - 1) - 1
        return found

    def passed(self, channel: str, master: int) -> dict[str, int]:
        """What a master shows, at the memory's port."""
        return {f"m_axi_{channel}{name}": value for name, value in self.shown[channel, master].items()}

    def data(self) -> bool:
        """Whether the master whose turn it is shows data."""
        return bool(self.order) and ("w", self.order[0]) in self.shown

    def answered(self, channel: str, pins: Mapping[str, int]) -> bool:
        """Whether the master that an answer is for takes it."""
        master = pins[f"m_axi_{channel}id"] >> ID - 1
        return bool(pins[f"m_axi_{channel}valid"] and pins[f"s_axi_{channel}ready"] >> master & 1)

    def clock(self, pins: Mapping[str, int]) -> None:
        """What was taken is no longer shown, and what was shown is held."""
        begun = 0
        for channel, sample in (("ar", sample_read), ("aw", sample_write)):
            served, new = self.served(channel, pins), not self.held[channel]
            taken = pins[f"m_axi_{channel}ready"]
            if served:
                both = pins[f"s_axi_{channel}valid"] == 3
                sample("held" if not new else ("first", "second")[served - 1] + " of both" if both else "alone")
            elif pins[f"s_axi_{channel}valid"] and channel == "aw":
                sample("no room")
            if new:
                self.turns[channel].clock(served)
                begun = served if channel == "aw" else begun
            self.held[channel] = 0 if taken else served
            if taken and served:
                del self.shown[channel, served - 1]
        if self.data():
            owner = self.order[0]
            shown_still = self.held["aw"] and len(self.order) == 1 and not begun
            sample_data("address shown" if shown_still else "address taken")
            if pins["m_axi_wready"]:
                last = self.shown.pop(("w", owner))["last"]
                if last:
                    self.order.popleft()
        elif pins["s_axi_wvalid"] and not self.order:
            sample_data("no address")
        if begun:
            self.order.append(begun - 1)
        self.room = len(self.order) < WRITE_BURSTS
        for channel in ANSWERS:
            if self.answered(channel, pins):
                del self.answers[channel]
                sample_answer(f"{channel} taken")
            elif channel in self.answers:
                sample_answer(f"{channel} waits")


class JointTest(CycleTest):
    """A joint with random masters and memory."""

    group, golden = GROUP, Joint
    kinds = (
        *(f"{channel}{master}" for channel in FIELDS for master in (0, 1)),
        *(f"{channel} ready" for channel in FIELDS),
        *ANSWERS,
        *(f"{channel} ready{master}" for channel in ANSWERS for master in (0, 1)),
    )


@pyuvm.test()
class Joined(JointTest):
    """All outputs in every cycle."""


@pyuvm.test(expect_error=ScoreboardError)
class WrongAnswerIsFound(JointTest):
    """A bit of one answer is falsified."""

    flip, phases = "s_axi_rdata", 2
