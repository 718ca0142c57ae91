"""The control side of the core: good lists in their order, and every error with what it reports."""

from __future__ import annotations

import random
from dataclasses import replace

import cocotb
import pyuvm
from cocotb.triggers import RisingEdge
from edge_qlora.registers import ErrorCode
from pyuvm import uvm_test

from tb.common.base import cycle, finish, scaled, start, within
from tb.common.scoreboard import ScoreboardError
from tb.lists.bench import parameters
from tb.lists.coverage import GROUP, PAIRS
from tb.lists.env import ListsEnv
from tb.lists.model import (
    BITS,
    ENGINES,
    LARGEST,
    LINE,
    MATRIX_ENGINE,
    OVERLAPPING,
    SEMAPHORES,
    Item,
    Report,
    random_item,
    random_list,
    reserved,
    run_out,
    spoiled,
    without_a_post,
)
from tb.lists.pins import ADDRESS_BITS, BUS_BITS, DUT
from tb.lists.plan import Plan, place

PARAMETERS = parameters(BUS_BITS)
WORD_BITS = 64  # in which commands go to the queues
QUEUED, IN_FLIGHT, WATCHDOG = (PARAMETERS[name] for name in ("DEPTH", "IN_FLIGHT", "WATCHDOG"))
DEPTH = QUEUED + 1  # with the one on offer
LIMIT = 20_000  # cycles of a list


class ListsTest(uvm_test):
    """Runs ``body``, in which each list is followed by a good one now and then."""

    injected = False
    utilisation: tuple[str, float] | None = None

    def build_phase(self) -> None:
        self.env = ListsEnv("env", self, PARAMETERS["READ_AHEAD"], IN_FLIGHT, WATCHDOG)

    async def body(self) -> None:
        """What the test does."""
        raise NotImplementedError

    async def run(self, plan: Plan) -> None:
        """Run a list, rest a little, and run a good list now and then, which must not notice the one before."""
        await within(LIMIT, self.harness.run(plan), "the report of a list")
        if random.random() < 0.7:
            await self.harness.rest(random.choice((1, 2, 5, 30)))
        if random.random() < 0.3:
            await within(LIMIT, self.harness.run(place(random_list(random.randint(0, 6)))), "the list after it")

    async def run_phase(self) -> None:
        self.raise_objection()
        self.harness = self.env.harness
        await self.harness.start()
        await start(DUT)
        began, boards = cycle(), (self.harness.commands, self.harness.reports)
        await self.body()
        (unit, ratio) = self.utilisation or ("", None)
        compared, wrong = sum(b.compared for b in boards), sum(b.mismatches for b in boards)
        finish(GROUP, compared, wrong, cycle() - began, ratio, unit, self.injected)
        self.drop_objection()


def durations() -> int:
    """Longest time of the commands of a list."""
    return random.choice((1, 5, 30, 90))


@pyuvm.test()
class GoodLists(ListsTest):
    """Random lists: every command once, in the order of its engine, after its waits; then done."""

    async def body(self) -> None:
        for _ in range(scaled(40, 10)):
            items = random_list(random.choice((0, 1, 3, 10, 40, 70)))
            assert run_out(items, DEPTH, IN_FLIGHT) is None
            await self.run(place(items, durations=durations(), fast=random.random() < 0.2))


@pyuvm.test()
class Crowded(ListsTest):
    """More commands than an engine and its queue have room for: the fetch waits, and all come in their order."""

    async def body(self) -> None:
        for engine in range(ENGINES):
            room = DEPTH + (IN_FLIGHT if engine in OVERLAPPING else 1)
            items = [random_item(engine) for _ in range(room + 2)]
            await self.run(place(items, slow={0: 200}, durations=1, fast=True))


@pyuvm.test()
class Contended(ListsTest):
    """Several engines wait for one semaphore, which another posts count by count: each count is taken once."""

    async def body(self) -> None:
        for _ in range(scaled(8, 4)):
            poster, *takers = random.sample(range(ENGINES), random.randint(3, ENGINES))
            number, waits = random.randrange(SEMAPHORES), random.randint(1, min(DEPTH, LARGEST // len(takers)))
            items = [random_item(taker, waits=1 << number) for _ in range(waits) for taker in takers]
            items += [random_item(poster, post=1 << number) for _ in range(len(items))]
            assert run_out(items, DEPTH, IN_FLIGHT) is None
            await self.run(place(items, durations=30))


@pyuvm.test()
class BadCommands(ListsTest):
    """A command or END with a wrong magic number, an unknown opcode or a reserved bit, anywhere in a list."""

    async def body(self) -> None:
        for _ in range(scaled(40, 12)):
            items = random_list(random.randint(0, 20))
            plan = place(items, durations=durations())
            index = random.choice((len(items), random.randrange(len(items) + 1)))
            line = plan.line + index
            ways = spoiled(plan.words[line])
            words = {**plan.words, line: random.choice(list(ways.values()))()}
            report = Report(ErrorCode.COMMAND, line * LINE)
            await self.run(replace(plan, items=items[:index], words=words, last_line=line, expected=report))


@pyuvm.test()
class ReservedBits(ListsTest):
    """Each kind of command, and END, with a reserved bit in each of its words."""

    async def body(self) -> None:
        kinds = [*((engine,) for engine in range(ENGINES)), ()]
        cases = [(kind, word) for kind in kinds for word in range(BITS // WORD_BITS)]
        for kind, word in random.sample(cases, scaled(len(cases), 8)):
            before = random_list(random.randint(0, 2))
            plan = place([*before, *map(random_item, kind)], durations=1, fast=True)
            line = plan.line + len(before)
            if bits := [bit for bit in reserved(plan.words[line]) if bit // WORD_BITS == word]:
                words = {**plan.words, line: plan.words[line] | 1 << random.choice(bits)}
                report = Report(ErrorCode.COMMAND, line * LINE)
                await self.run(replace(plan, items=before, words=words, last_line=line, expected=report))


@pyuvm.test()
class Addresses(ListsTest):
    """Lists at impossible addresses, outside of the window, and without END."""

    async def body(self) -> None:
        for _ in range(scaled(8, 3)):
            for make in (self.misaligned, self.too_high, self.below, self.above, self.across, self.endless):
                await self.run(make())

    @staticmethod
    def nowhere(address: int, code: ErrorCode, **changes: int) -> Plan:
        """A list of which not even the first line can be read."""
        report = Report(code, address, address)
        return replace(place([]), items=[], words={}, last_line=None, address=address, expected=report, **changes)

    def misaligned(self) -> Plan:
        """Not at a multiple of 64, in or outside of the address space."""
        address = random.getrandbits(random.choice((ADDRESS_BITS, 64))) | 1 << random.randrange(6)
        return self.nowhere(address, ErrorCode.ALIGNMENT)

    def too_high(self) -> Plan:
        """An address that the bus does not have."""
        address = random.getrandbits(64 - 6) << 6 | 1 << random.randrange(ADDRESS_BITS, 64)
        return self.nowhere(address, ErrorCode.RANGE)

    def below(self) -> Plan:
        """The list begins below the window."""
        plan = place(random_list(3), gap=40)
        report = Report(ErrorCode.RANGE, plan.address, plan.address)
        return replace(plan, items=[], base=plan.address + LINE * random.choice((1, 2)), expected=report)

    def above(self) -> Plan:
        """The list begins behind the window."""
        address = place([]).address
        return self.nowhere(address, ErrorCode.RANGE, limit=address - LINE * random.choice((0, 1, 100)))

    def across(self) -> Plan:
        """The window ends before END, within a line or between two."""
        items = random_list(random.randint(1, 20))
        inside = random.randint(1, len(items))
        plan, part = place(items), random.choice((0, 1, LINE - 1))
        end = plan.address_of(inside)
        report = Report(ErrorCode.RANGE, end, end + part)
        return replace(plan, items=items[:inside], limit=end + part, expected=report, durations=durations())

    def endless(self) -> Plan:
        """No END up to the end of memory, which is that of the window."""
        count = random.randint(1, 20)
        line = (1 << ADDRESS_BITS - 6) - 1 - count
        items = random_list(count)
        words = {line + n: item.word for n, item in enumerate(items)}
        end = (line + count) * LINE
        return Plan(items, line * LINE, 0, end, words, None, expected=Report(ErrorCode.RANGE, end, end))


@pyuvm.test()
class Refused(ListsTest):
    """An engine refuses a command at any time at which it may."""

    async def body(self) -> None:
        for _ in range(scaled(20, 8)):
            items = random_list(random.randint(1, 30))
            refused = {random.randrange(len(items)): random.randint(1, 4)}
            await self.run(place(items, durations=durations(), refused=refused))
            # Others stand behind the refused one, and the engine takes them as fast as they come.
            items = [random_item(random.choice(OVERLAPPING))] * (IN_FLIGHT + DEPTH)
            refused = {IN_FLIGHT: random.randint(1, 4)}
            await self.run(place(items, slow={0: 300}, durations=1, refused=refused, fast=True))


@pyuvm.test()
class ErrorsFromOutside(ListsTest):
    """Errors of engines and masters at any time, several at a time, and all along after the first."""

    async def body(self) -> None:
        for _ in range(scaled(80, 25)):
            items, slow = random_list(random.choice((0, 1, 5, 30))), {}
            if random.random() < 0.5:
                items, slow = [random_item(MATRIX_ENGINE), *items], {0: 300}
            nonfinite = frozenset(n for n, item in enumerate(items) if item.engine == MATRIX_ENGINE)
            rates = {"error_rate": random.choice((0.3, 0.05, 0.01)), "errors_from": random.choice((0, 50, 150))}
            await self.run(place(items, durations=durations(), slow=slow, nonfinite=nonfinite, **rates))
        for pair in PAIRS:
            items = [random_item(MATRIX_ENGINE), *random_list(5)]
            rates = {"error_rate": 1.0, "errors_from": 100, "together": pair}
            await self.run(place(items, slow={0: 300}, fast=True, **rates))


@pyuvm.test()
class FailingReads(ListsTest):
    """Memory answers a request for lines with an error."""

    async def body(self) -> None:
        for _ in range(scaled(15, 5)):
            await self.run(place(random_list(random.randint(0, 30)), failing_read=random.randrange(3)))


@pyuvm.test()
class Counts(ListsTest):
    """A semaphore counts to 15; one more is an error that names it and the command."""

    async def body(self) -> None:
        for _ in range(scaled(10, 4)):
            number = random.randrange(SEMAPHORES)
            posts = [random_item(post=1 << number) for _ in range(LARGEST)]
            others = {n: random.randrange(5) for n in range(SEMAPHORES) if n != number}
            fill = [replace(item, post=item.post | 1 << random.choice(list(others))) for item in posts]
            # Fifteen posts, then as many waits.
            waits = [random_item(2, waits=1 << number) for _ in range(LARGEST)]
            await self.run(place([*fill, *waits], durations=durations()))
            # More, by any engines, often at a time, with other semaphores beside.
            more = [random_item(post=1 << number) for _ in range(random.randint(1, 10))]
            await self.run(place([*fill, *more], durations=durations(), counted=frozenset({number})))


@pyuvm.test()
class ManyCounts(ListsTest):
    """All semaphores, posted by all engines at once, pass 15: the lowest number of the cycle, by the lowest engine."""

    async def body(self) -> None:
        every = (1 << SEMAPHORES) - 1
        # Five in a cycle: three times are as many as there may be, and one more is an error.
        for times in (LARGEST // ENGINES, LARGEST // ENGINES + 1):
            items = [random_item(engine, post=every) for _ in range(times) for engine in range(ENGINES)]
            await self.run(place(items, durations=1, meet=True, counted=frozenset(range(SEMAPHORES))))
        # Each semaphore by itself, posted by some of the engines at once.
        cases = [(number, count) for number in range(SEMAPHORES) for count in range(2, ENGINES + 1)]
        for number, count in random.sample(cases, scaled(len(cases), 6)):
            posters = random.sample(range(ENGINES), count)
            posts = [1 << number if engine in posters else 0 for engine in range(ENGINES)]
            rounds = LARGEST // count + 1
            items = [random_item(engine, post=post) for _ in range(rounds) for engine, post in enumerate(posts)]
            await self.run(place(items, durations=1, meet=True, fast=True, counted=frozenset({number})))
        for _ in range(scaled(10, 4)):
            items = [random_item(post=random.choice((every, random.getrandbits(SEMAPHORES)))) for _ in range(60)]
            await self.run(place(items, durations=random.choice((1, 8)), counted=frozenset(range(SEMAPHORES))))


@pyuvm.test()
class Deadlocks(ListsTest):
    """A post that is missing, or an engine that does not go on, ends the list; what merely takes long does not."""

    async def body(self) -> None:
        for _ in range(scaled(15, 5)):
            items = random_list(random.randint(10, 40))
            if any(item.post for item in items):
                await self.run(self.deadlocked(without_a_post(items)))
            await self.run(self.deadlocked(items, frozenset({random.randrange(len(items))})))
            slow = {random.randrange(len(items)): 3 * WATCHDOG}
            await self.run(place(items, slow=slow))
        # Each engine in several places of memory, for a semaphore that nobody posts.
        for engine in [*range(ENGINES)] * scaled(4, 1):
            waiting = random_item(engine, waits=1 << random.randrange(SEMAPHORES))
            await self.run(self.deadlocked([*map(random_item, range(ENGINES)), waiting]))

    @staticmethod
    def deadlocked(items: list[Item], stuck: frozenset[int] = frozenset()) -> Plan:
        """A list and what it reports if it cannot end."""
        plan, index = place(items, durations=durations(), stuck=stuck), run_out(items, DEPTH, IN_FLIGHT, stuck)
        if index is None:
            return plan
        return replace(plan, expected=Report(ErrorCode.DEADLOCK, plan.address_of(index)))


@pyuvm.test()
class NotFinite(ListsTest):
    """NaN in some MATRIX commands: the list runs to its end and names the first; weights left over are an error."""

    async def body(self) -> None:
        for _ in range(scaled(15, 5)):
            items = [*random_list(random.randint(0, 30)), random_item(MATRIX_ENGINE), random_item(0)]
            matrices = [n for n, item in enumerate(items) if item.engine == MATRIX_ENGINE]
            chosen = frozenset(random.sample(matrices, random.randint(1, len(matrices))))
            await self.run(place(items, durations=durations(), nonfinite=chosen))
            await self.run(place(items, durations=durations(), left=True))


@pyuvm.test()
class Timing(ListsTest):
    """Without pauses, a command passes in as many cycles as the documentation says."""

    async def until(self, signal) -> int:
        """First cycle from this one on in which a signal is not zero."""
        while not int(signal.value):
            await RisingEdge(DUT.clk_i)
        return cycle()

    async def body(self) -> None:
        # VECTOR, and MATRIX that waits for it; both take until all lines have come.
        items = [random_item(2, post=1), random_item(MATRIX_ENGINE, waits=1)]
        plan = place(items, gap=40, slow={0: 300, 1: 300}, fast=True)
        task = cocotb.start_soon(self.harness.run(plan))
        await RisingEdge(DUT.clk_i)
        rung = await self.until(DUT.doorbell_i)
        times = {"request": await self.until(DUT.rcmd_valid_o) - rung}
        for _ in range(BITS // BUS_BITS):
            await RisingEdge(DUT.clk_i)
            arrived = await self.until(DUT.rdata_valid_i)
        times["command"] = await self.until(DUT.cmd_valid_o) - arrived
        ended = await self.until(DUT.done_i)
        times["next engine"] = await self.until(DUT.cmd_valid_o) - ended
        await RisingEdge(DUT.clk_i)
        ended = await self.until(DUT.done_i)
        times["report"] = await self.until(DUT.done_o) - ended
        await task
        behind = BUS_BITS // WORD_BITS if BUS_BITS > WORD_BITS else 0
        buffered = 3 if BUS_BITS <= 128 else 2  # beat_fifo
        wanted = {"request": 5, "command": 6 + buffered + behind, "next engine": 5, "report": 11}
        assert times == wanted, f"{times}, expected {wanted}"
        # One engine, no waits: a command's words are put together when the one before is handed over.
        count = 200
        began = cycle()
        await self.harness.run(place([random_item(0) for _ in range(count)], gap=40, durations=1, fast=True))
        ratio = count * (BITS // WORD_BITS + 3) / (cycle() - began)
        self.utilisation = "of the cycles of commands, one engine", ratio
        assert ratio > 0.9, f"{count} commands took {cycle() - began} cycles"


@pyuvm.test(expect_error=ScoreboardError)
class CorruptCommand(ListsTest):
    """A command that reaches its engine with one bit flipped must be caught."""

    injected = True

    async def body(self) -> None:
        self.harness.corrupt = True
        await self.run(place(random_list(10)))


@pyuvm.test(expect_error=ScoreboardError)
class WrongReport(ListsTest):
    """A plan that expects another address in the report must be caught."""

    injected = True

    async def body(self) -> None:
        plan = place([random_item()], stuck=frozenset({0}))
        await self.run(replace(plan, expected=Report(ErrorCode.DEADLOCK, plan.address + LINE)))
