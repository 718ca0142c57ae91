"""Hold the generated Python map, from which the tests work, against the RDL file itself."""

from __future__ import annotations

from edge_qlora import registers as regs
from systemrdl import RDLCompiler
from systemrdl.node import RegNode
from systemrdl.rdltypes import AccessType, OnWriteType

from sim.bench import ROOT

RDL = ROOT / "rtl/vega_bridge/edge_qlora.rdl"
ACCESS = {
    (AccessType.r, None): "RO",
    (AccessType.rw, None): "RW",
    (AccessType.rw, OnWriteType.woclr): "W1C",
    (AccessType.w, None): "WO",
}


def compare_with_rdl(constants: dict[str, int]) -> None:
    """Compile the RDL file and compare every register and field with ``edge_qlora.registers``.

    Args:
        constants: registers whose values come from parameters of the RTL; exactly these may lack a reset value.

    Raises:
        AssertionError: they differ.
    """
    compiler = RDLCompiler()
    compiler.compile_file(str(RDL))
    nodes = [node for node in compiler.elaborate("edge_qlora").top.children(unroll=True) if isinstance(node, RegNode)]
    found = {
        (
            node.inst_name,
            node.raw_absolute_address,
            field.inst_name,
            field.lsb,
            field.width,
            ACCESS[field.get_property("sw"), field.get_property("onwrite")],
            field.get_property("reset"),
        )
        for node in nodes
        for field in node.fields()
    }
    expected = {
        (register.name, register.offset, field.name, field.lsb, field.width, field.access, field.reset)
        for register in regs.REGISTERS
        for field in register.fields
    }
    assert found == expected, f"generated map and RDL differ in {sorted(map(str, found ^ expected))}"
    without = {entry[0] for entry in found if entry[-1] is None}
    assert without == set(constants), f"no reset value: {without}, set by parameters: {set(constants)}"
