"""The vector engine's share, cycle by cycle against a golden one."""

from __future__ import annotations

import random
from collections.abc import Mapping

import cocotb
import pyuvm

from tb.common.arbiter import Turns
from tb.common.coverage import events
from tb.common.cycles import CycleTest
from tb.common.scoreboard import ScoreboardError

GROUP = "vector_share"
WIDTHS = tuple(int(getattr(cocotb.top, name).value) for name in ("SCRATCH_W0", "SCRATCH_W1"))  # of the cores' addresses
WIDTH = max(WIDTHS)
COMMAND = 512
WORDS = len(cocotb.top.engine_rsp_data_o)  # bits of an answer to both operands

sample_taken = events(f"{GROUP}.taken", ["core 0", "core 1", "core 0 before 1", "core 1 before 0"])
sample_core = events(
    f"{GROUP}.core", ["waits", "resets the engine", "resets beside", "is done in its reset", "leaves its reset"]
)
sample_beyond = events(f"{GROUP}.beyond", ["a", "b", "result", "bad until the end"])


class Share:
    """Golden share, with the cores and the engine around it."""

    def __init__(self) -> None:
        self.turn, self.owner, self.resetting, self.outside = Turns(2), 0, 0, False
        self.busy = False
        self.commands: dict[int, int] = {}
        self.in_reset = [0, 0]  # cycles that a core's reset goes on

    def inputs(self, rates: Mapping[str, float]) -> dict[str, int]:
        """Random commands that stay until they are taken, resets of two cycles or more, accesses and answers."""

        def bits(kind: str, count: int) -> int:
            return sum(1 << n for n in range(count) if random.random() < rates[kind])

        for core in (0, 1):
            if self.in_reset[core]:
                self.in_reset[core] -= 1
            elif random.random() < rates["reset"] / 10:
                self.in_reset[core] = random.randint(2, 5)
            if self.resetting >> core & 1 and self.in_reset[core]:
                self.commands.pop(core, None)
            elif core not in self.commands and random.random() < rates[f"command{core}"]:
                self.commands[core] = random.getrandbits(COMMAND)
        shown = [self.commands.get(core, random.getrandbits(COMMAND)) for core in (0, 1)]
        # Addresses of either half: of the larger scratchpad's addresses, those that the smaller one has too.
        below = (1 << min(WIDTHS)) - 1
        addresses = [random.getrandbits(WIDTH) & (below if random.random() < rates["below"] else -1) for _ in range(3)]
        return {
            "core_rst_ni": sum(1 << core for core in (0, 1) if not self.in_reset[core]),
            "core_cmd_valid_i": sum(1 << core for core in self.commands),
            "core_cmd_i": shown[1] << COMMAND | shown[0],
            "core_req_ready_i": bits("ready", 4),
            "core_rsp_valid_i": bits("answer", 4),
            "core_rsp_data_i": random.getrandbits(2 * WORDS),
            "core_w_ready_i": bits("ready", 2),
            "engine_cmd_ready_i": bits("engine", 1),
            "engine_bad_i": bits("bad", 1),
            "engine_done_i": bits("done", 1) if self.busy else 0,
            "engine_req_valid_i": bits("access", 2),
            "engine_req_addr_i": addresses[1] << WIDTH | addresses[0],
            "engine_w_valid_i": bits("access", 1),
            "engine_w_addr_i": addresses[2],
        }

    def reset_owner(self, pins: Mapping[str, int]) -> int:
        """The core that the engine works for, if it is in reset."""
        return self.owner & ~pins["core_rst_ni"]

    def grant(self, pins: Mapping[str, int]) -> int:
        """Whose command the engine takes."""
        return self.turn.pick(pins["core_cmd_valid_i"]) if not self.owner and pins["engine_cmd_ready_i"] else 0

    @staticmethod
    def asked(pins: Mapping[str, int]) -> list[bool]:
        """Whether the engine reads operands A and B and writes its result."""
        reads = pins["engine_req_valid_i"]
        return [bool(reads & 1), bool(reads & 2), bool(pins["engine_w_valid_i"])]

    def beyond(self, pins: Mapping[str, int]) -> list[bool]:
        """Whether operands A and B and the result are behind the end of the scratchpad."""
        both, width = pins["engine_req_addr_i"], WIDTHS[1 if self.owner == 2 else 0]
        addresses = (both & (1 << WIDTH) - 1, both >> WIDTH, pins["engine_w_addr_i"])
        return [address >> width != 0 for address in addresses]

    def outputs(self, pins: Mapping[str, int]) -> dict[str, int]:
        """All outputs; of the engine's command only one that is valid, of the ports only those of a core."""
        grant, owner = self.grant(pins), self.owner
        beyond = self.beyond(pins)
        reach = [asked and not behind for asked, behind in zip(self.asked(pins), beyond, strict=True)]
        found = {
            "engine_rst_no": int(not self.reset_owner(pins)),
            "engine_cmd_valid_o": int(grant != 0),
            "core_cmd_ready_o": grant,
            "core_wait_o": pins["core_cmd_valid_i"] & {0: 0, 1: 2, 2: 1}[owner],
            "core_bad_o": owner if pins["engine_bad_i"] or self.outside else 0,
            "core_done_o": owner if pins["engine_done_i"] else 0,
            "core_req_valid_o": (reach[0] | reach[1] << 1) << 2 * (owner - 1) if owner else 0,
            "core_w_valid_o": owner if reach[2] else 0,
        }
        if grant:
            found["engine_cmd_o"] = pins["core_cmd_i"] >> COMMAND * (grant - 1) & (1 << COMMAND) - 1
        if owner:
            core = owner - 1
            reads = pins["core_req_ready_i"] >> 2 * core & 3
            found["engine_req_ready_o"] = sum(1 << n for n in (0, 1) if reads >> n & 1 and not beyond[n])
            found["engine_w_ready_o"] = int(pins["core_w_ready_i"] >> core & 1 and not beyond[2])
            found["engine_rsp_valid_o"] = pins["core_rsp_valid_i"] >> 2 * core & 3
            found["engine_rsp_data_o"] = pins["core_rsp_data_i"] >> WORDS * core & (1 << WORDS) - 1
        return found

    def clock(self, pins: Mapping[str, int]) -> None:
        """A command begins or ends; a core comes out of its reset."""
        grant, alive, resets = self.grant(pins), pins["core_rst_ni"], self.reset_owner(pins)
        wrong = [asked and behind for asked, behind in zip(self.asked(pins), self.beyond(pins), strict=True)]
        self.cover(pins, grant, wrong)
        self.turn.clock(grant)
        if grant:
            del self.commands[grant - 1]
        if resets or pins["engine_done_i"]:
            self.busy = False
        if grant:
            self.owner, self.busy = grant, True
        elif pins["engine_done_i"]:
            self.owner = resets
        else:
            self.owner &= ~(self.resetting & alive)
        self.outside = not resets and (self.outside or any(wrong))
        self.resetting = ~alive & 3

    def cover(self, pins: Mapping[str, int], grant: int, wrong: list[bool]) -> None:
        """What happens in a cycle."""
        resets = self.reset_owner(pins)
        if grant:
            both = pins["core_cmd_valid_i"] == 3
            sample_taken(f"core {grant - 1}{f' before {2 - grant}' if both else ''}")
        if self.owner:
            if pins["core_cmd_valid_i"] & ~self.owner & 3:
                sample_core("waits")
            if resets:
                sample_core("is done in its reset" if pins["engine_done_i"] else "resets the engine")
            elif self.resetting & self.owner:
                sample_core("leaves its reset")
            if ~pins["core_rst_ni"] & ~self.owner & 3:
                sample_core("resets beside")
            for what, is_wrong in zip(("a", "b", "result"), wrong, strict=True):
                if is_wrong:
                    sample_beyond(what)
            if self.outside and pins["engine_done_i"] and not pins["engine_bad_i"]:
                sample_beyond("bad until the end")


class ShareTest(CycleTest):
    """A share with random cores and engine."""

    group, golden = GROUP, Share
    kinds = ("command0", "command1", "reset", "below", "ready", "answer", "engine", "bad", "done", "access")


@pyuvm.test()
class Shared(ShareTest):
    """All outputs in every cycle."""


@pyuvm.test(expect_error=ScoreboardError)
class WrongGrantIsFound(ShareTest):
    """A core is told that its command is taken, or not, against the truth."""

    flip, phases = "core_cmd_ready_o", 2
