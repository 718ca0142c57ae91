"""Register abstraction layer of the control registers, built from the generated map."""

from __future__ import annotations

from edge_qlora import registers as regs
from pyuvm import (
    uvm_access_e,
    uvm_endianness_e,
    uvm_reg,
    uvm_reg_adapter,
    uvm_reg_block,
    uvm_reg_bus_op,
    uvm_reg_field,
    uvm_sequencer,
    uvm_status_e,
)

from tb.registers.agent import MasterItem


class Adapter(uvm_reg_adapter):
    """Between register operations and transfers of cocotbext-axi's master.

    Args:
        base: address of the register window in the host's address space.
    """

    def __init__(self, base: int) -> None:
        super().__init__("adapter")
        self.base = base

    def reg2bus(self, rw: uvm_reg_bus_op) -> MasterItem:
        write = rw.kind == uvm_access_e.UVM_WRITE
        data = int(rw.data).to_bytes(4, "little") if write else b""
        return MasterItem(write, self.base + rw.addr, data, length=4, size=2)

    def bus2reg(self, bus_item: MasterItem, rw: uvm_reg_bus_op) -> None:
        rw.status = uvm_status_e.UVM_IS_OK if bus_item.okay else uvm_status_e.UVM_NOT_OK
        if not bus_item.write:
            rw.data = int.from_bytes(bus_item.data, "little")


class RegisterBlock(uvm_reg_block):
    """All registers of the map in one 32-bit little-endian address map.

    Args:
        constants: values of the registers that parameters of the RTL set, by name.
    """

    def __init__(self, sequencer: uvm_sequencer, base: int, constants: dict[str, int]) -> None:
        super().__init__("edge_qlora")
        self.map = self.create_map("map", 0, 4, uvm_endianness_e.UVM_LITTLE_ENDIAN)
        self.set_default_map(self.map)
        self.by_name: dict[str, uvm_reg] = {}
        for register in regs.REGISTERS:
            model = uvm_reg(register.name, 32)
            model.configure(self)
            for description in register.fields:
                reset = description.reset
                if reset is None:
                    reset = description.get(constants[register.name])
                field = uvm_reg_field(description.name)
                field.configure(
                    model, description.width, description.lsb, description.access, False, reset, True, False, False
                )
            self.map.add_reg(model, register.offset)
            self.by_name[register.name] = model
        self.lock_model()
        self.map.set_auto_predict(True)
        self.map.set_sequencer(sequencer, Adapter(base))
        self.reset()
