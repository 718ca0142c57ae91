"""What every byte of the accelerator's memory is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .errors import MemoryFullError
from .footprint import MemoryWindow
from .layout import align


@dataclass(frozen=True)
class Buffer:
    """A piece of memory: ``size`` bytes at ``address``, one of those that serve a purpose."""

    name: str
    purpose: str
    address: int
    size: int


@dataclass
class MemoryPlan:
    """Hands out buffers from a window, upwards, each at a multiple of 64 bytes, and keeps account of them.

    Attributes:
        window: memory that may be used.
        buffers: what was handed out, in ascending order.
    """

    window: MemoryWindow
    buffers: list[Buffer] = field(default_factory=list)

    @property
    def end(self) -> int:
        """First address behind the last buffer."""
        last = self.buffers[-1] if self.buffers else None
        return align(last.address + last.size) if last else align(self.window.base)

    def add(self, name: str, purpose: str, size: int) -> int:
        """Address of a new buffer.

        Raises:
            MemoryFullError: it does not fit; the message has the table of what is there.
        """
        address = self.end
        if align(address + size) > self.window.limit:
            left = max(0, self.window.limit - address)
            raise MemoryFullError(f"{name} of {size:,} bytes does not fit the {left:,} bytes left of memory\n{self}")
        self.buffers.append(Buffer(name, purpose, address, size))
        return address

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """A table with a line per purpose, with an address where all buffers for it lie together."""
        purposes: dict[str, list[Buffer]] = {}
        for buffer in self.buffers:
            purposes.setdefault(buffer.purpose, []).append(buffer)
        yield f"{'from':>12} {'bytes':>15}  {'share':>6}  purpose"
        total = max(1, self.window.size)
        for purpose, buffers in purposes.items():
            size = sum(align(buffer.size) for buffer in buffers)
            what = buffers[0].name if len(buffers) == 1 else f"{len(buffers)} buffers"
            together = buffers[-1].address - buffers[0].address < size
            first = f"{buffers[0].address:#x}" if together else "apart"
            yield f"{first:>12} {size:>15,}  {size / total:>6.1%}  {purpose} ({what})"
        used = self.end - self.window.base
        yield f"{'':12} {used:>15,}  {used / total:>6.1%}  of {self.window.size:,} bytes"
