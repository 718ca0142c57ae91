"""Golden model of the control registers, one call per clock cycle. No simulator import.

What a register holds and who may write it comes from the generated map; here is only what the map cannot say: lists,
events, counters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_qlora import registers as regs
from edge_qlora.registers import ErrorCode, Register

WORD = 0xFFFFFFFF
BY_OFFSET = {register.offset: register for register in regs.REGISTERS}
LOCKED = {register.offset for register in (regs.MEM_BASE_LO, regs.MEM_BASE_HI, regs.MEM_LIMIT_LO, regs.MEM_LIMIT_HI)}
COUNTER_LOW = {low.offset: index for index, (low, _) in enumerate(regs.COUNTERS.values())}
COUNTER_HIGH = {high.offset: index for index, (_, high) in enumerate(regs.COUNTERS.values())}


def register_reset(register: Register) -> int:
    """Value after reset; fields that parameters set count as zero."""
    return sum(field.put(field.reset or 0) for field in register.fields)


def access_mask(register: Register, *kinds: str) -> int:
    """Bits of a register whose field has one of these accesses."""
    return sum(field.mask for field in register.fields if field.access in kinds)


@dataclass(frozen=True)
class Access:
    """One access of the register bus."""

    write: bool
    address: int
    data: int = 0
    strobes: int = 0


@dataclass(frozen=True)
class Answer:
    """Answer to an access; ``data`` is 0 for a write."""

    error: bool
    data: int


@dataclass(frozen=True)
class Core:
    """What the core drives in one cycle; ``counters`` is the value of the whole vector."""

    busy: bool = False
    done: bool = False
    error: bool = False
    nonfinite: bool = False
    code: int = 0
    command: int = 0
    info: int = 0
    counters: int = 0


@dataclass
class RegisterModel:
    """State of the registers.

    Args:
        constants: values of registers that parameters of the RTL set, by name.
    """

    constants: Mapping[str, int]

    def __post_init__(self) -> None:
        self.settings = {
            register.offset: register_reset(register) for register in regs.REGISTERS if access_mask(register, "RW")
        }
        self.fixed = {
            register.offset: self.constants.get(register.name, register_reset(register))
            for register in (regs.ID, regs.VERSION, regs.CAPABILITY0, regs.CAPABILITY1, regs.CAPABILITY2)
        }
        self.high = [0] * len(regs.COUNTERS)
        self.active = self.done = self.error = False
        self.code, self.command, self.info, self.lists, self.events = ErrorCode.NONE, 0, 0, 0, 0
        self.doorbell = self.clear = self.irq = False

    def setting(self, register: Register) -> int:
        """Value of a register that only the host changes."""
        return self.settings[register.offset]

    def _read(self, address: int, core: Core) -> int:
        status = regs.STATUS
        special = {
            regs.CONTROL.offset: 0,
            status.offset: status["busy"].put(self.active or core.busy)
            | status["done"].put(self.done)
            | status["error"].put(self.error),
            regs.IRQ_STATUS.offset: self.events,
            regs.ERROR_CODE.offset: int(self.code),
            regs.ERROR_COMMAND_LO.offset: self.command & WORD,
            regs.ERROR_COMMAND_HI.offset: self.command >> 32,
            regs.ERROR_INFO_LO.offset: self.info & WORD,
            regs.ERROR_INFO_HI.offset: self.info >> 32,
            regs.LISTS_DONE.offset: self.lists,
        }
        for table in (special, self.settings, self.fixed):
            if address in table:
                return table[address]
        if address in COUNTER_LOW:
            return core.counters >> 64 * COUNTER_LOW[address] & WORD
        return self.high[COUNTER_HIGH[address]]

    def step(self, access: Access | None, core: Core) -> Answer | None:
        """Advance one clock cycle.

        Args:
            access: the access that the register bus shows for the first time in this cycle.
            core: the core's signals in this cycle.

        Returns:
            What the register bus must answer in the next cycle. The attributes ``doorbell``, ``clear`` and ``irq`` are
            then the outputs of the next cycle.
        """
        self.irq = self.events & self.settings[regs.IRQ_ENABLE.offset] != 0
        busy = self.active or core.busy
        answer, written, clear_events = None, 0, 0
        register = BY_OFFSET.get(access.address & ~3) if access else None
        if access and (register is None or (access.write and not register.writable)):
            answer = Answer(True, 0)
        elif access and access.write and register.offset in LOCKED and busy:
            answer = Answer(True, 0)
        elif access and not access.write:
            answer = Answer(False, self._read(register.offset, core))
            if register.offset in COUNTER_LOW:
                index = COUNTER_LOW[register.offset]
                self.high[index] = core.counters >> 64 * index + 32 & WORD
        elif access:
            answer = Answer(False, 0)
            mask = sum(0xFF << 8 * lane for lane in range(4) if access.strobes >> lane & 1)
            written = access.data & mask
            plain = access_mask(register, "RW") & mask
            if plain:
                old = self.settings[register.offset]
                self.settings[register.offset] = old & ~plain | access.data & plain
            clear_events = written & access_mask(register, "W1C")

        control = written if register is regs.CONTROL else 0
        ring = bool(control & regs.CONTROL["doorbell"].mask)
        self.clear = bool(control & regs.CONTROL["clear_counters"].mask)
        self.doorbell = ring and not busy
        self._events(core, clear_events, rejected=ring and busy)
        return answer

    def _events(self, core: Core, clear_events: int, rejected: bool) -> None:
        status = regs.IRQ_STATUS
        raised = (
            status["done"].put(core.done)
            | status["error"].put(core.error or rejected)
            | status["nonfinite"].put(core.nonfinite)
        )
        self.events = self.events & ~clear_events | raised
        if self.doorbell:
            self.active, self.done = True, False
            self.error, self.code, self.command, self.info = False, ErrorCode.NONE, 0, 0
        elif core.done or core.error:
            self.active = False
        if core.done:
            self.done = True
        if core.error:
            self.error, self.code, self.command, self.info = True, core.code, core.command, core.info
        elif rejected and not self.error:
            self.error, self.code, self.command, self.info = True, ErrorCode.BUSY, 0, 0
        self.lists = 0 if self.clear else (self.lists + core.done) & WORD
