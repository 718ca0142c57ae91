"""DDR3 of the Genesys 2 as its memory controller (MIG 7 series 4.2) wants it described.

Two MT41J256M16XX-107, 32 bits, 1 GB. Pins, standards, part and timing are those of Digilent's board files for Vivado
(``vivado-boards``, ``genesys2/H/mig.prj``). That file runs the memory at 900 MHz; this one at 800 MHz (DDR3-1600), of
which the accelerator's 200 MHz are a quarter, with the CAS latencies (11, 8) that public designs for this board have.
"""

from __future__ import annotations

from xml.etree import ElementTree

MODULE = "mig_ddr3"
# Bytes that the controller's AXI port reaches.
MEMORY_BYTES = 1 << 30
# Lowest bit first; blanks between pads.
PADS = {
    "ddr3_addr": "AC12 AE8 AD8 AC10 AD9 AA13 AA10 AA11 Y10 Y11 AB8 AA8 AB12 AA12 AH9",
    "ddr3_ba": "AE9 AB10 AC11",
    "ddr3_cas_n": "AF11",
    "ddr3_ck_n": "AC9",
    "ddr3_ck_p": "AB9",
    "ddr3_cke": "AJ9",
    "ddr3_cs_n": "AH12",
    "ddr3_dm": "AD4 AF3 AH4 AF8",
    "ddr3_dq": "AD3 AC2 AC1 AC5 AC4 AD6 AE6 AC7 AF2 AE1 AF1 AE4 AE3 AE5 AF5 AF6 "
    "AJ4 AH6 AH5 AH2 AJ2 AJ1 AK1 AJ3 AF7 AG7 AJ6 AK6 AJ8 AK8 AK5 AK4",
    "ddr3_dqs_n": "AD1 AG3 AH1 AJ7",
    "ddr3_dqs_p": "AD2 AG4 AG2 AH7",
    "ddr3_odt": "AK9",
    "ddr3_ras_n": "AE11",
    "ddr3_reset_n": "AG5",
    "ddr3_we_n": "AG13",
}
# Names without an index although they have one bit.
SCALARS = ("ddr3_cas_n", "ddr3_ras_n", "ddr3_reset_n", "ddr3_we_n")
STANDARDS = {
    "ddr3_dq": "SSTL15_T_DCI",
    "ddr3_dqs_n": "DIFF_SSTL15_T_DCI",
    "ddr3_dqs_p": "DIFF_SSTL15_T_DCI",
    "ddr3_ck_n": "DIFF_SSTL15",
    "ddr3_ck_p": "DIFF_SSTL15",
    "ddr3_reset_n": "LVCMOS15",
}
# Its clock's pads; ports of the top are named otherwise than the controller's.
CLOCK_PORTS = {"sysclk_p": "AD12", "sysclk_n": "AD11"}

PROJECT = {
    "ModuleName": MODULE,
    "dci_inouts_inputs": "1",
    "dci_inputs": "1",
    "Debug_En": "OFF",
    "DataDepth_En": "1024",
    "LowPower_En": "ON",
    "XADC_En": "Enabled",
    "TargetFPGA": "xc7k325t-ffg900/-2",
    "Version": "4.2",
    "SystemClock": "Differential",
    "ReferenceClock": "Use System Clock",
    "SysResetPolarity": "ACTIVE LOW",
    "BankSelectionFlag": "FALSE",
    "InternalVref": "0",
    "dci_hr_inouts_inputs": "50 Ohms",
    "dci_cascade": "0",
}
CONTROLLER = {
    "MemoryDevice": "DDR3_SDRAM/Components/MT41J256m16XX-107",
    "TimePeriod": "1250",
    "VccAuxIO": "2.0V",
    "PHYRatio": "4:1",
    "InputClkFreq": "200",
    "UIExtraClocks": "0",
    "MMCM_VCO": "800",
    "MMCMClkOut0": " 1.000",
    **{f"MMCMClkOut{n}": "1" for n in range(1, 5)},
    "DataWidth": "32",
    "DeepMemory": "1",
    "DataMask": "1",
    "ECC": "Disabled",
    "Ordering": "Normal",
    "BankMachineCnt": "4",
    "CustomPart": "FALSE",
    "NewPartName": "",
    "RowAddress": "15",
    "ColAddress": "10",
    "BankAddress": "3",
    "MemoryVoltage": "1.5V",
    "C0_MEM_SIZE": str(MEMORY_BYTES),
    "UserMemoryAddressMap": "BANK_ROW_COLUMN",
}
# Nanoseconds; refresh interval in microseconds; CKE in nanoseconds.
TIMING = {
    **{"tcke": "5", "tfaw": "35", "tras": "34", "trcd": "13.91", "trefi": "7.8"},
    **{"trfc": "260", "trp": "13.91", "trrd": "6", "trtp": "7.5", "twtr": "7.5"},
}
# Element, the name that MIG gives it ("Temparature" is MIG's spelling), value.
MODES = [
    ("mrBurstLength", "Burst Length", "8 - Fixed"),
    ("mrBurstType", "Read Burst Type and Length", "Sequential"),
    ("mrCasLatency", "CAS Latency", "11"),
    ("mrMode", "Mode", "Normal"),
    ("mrDllReset", "DLL Reset", "No"),
    ("mrPdMode", "DLL control for precharge PD", "Slow Exit"),
    ("emrDllEnable", "DLL Enable", "Enable"),
    ("emrOutputDriveStrength", "Output Driver Impedance Control", "RZQ/7"),
    ("emrMirrorSelection", "Address Mirroring", "Disable"),
    ("emrCSSelection", "Controller Chip Select Pin", "Enable"),
    ("emrRTT", "RTT (nominal) - On Die Termination (ODT)", "RZQ/6"),
    ("emrPosted", "Additive Latency (AL)", "0"),
    ("emrOCD", "Write Leveling Enable", "Disabled"),
    ("emrDQS", "TDQS enable", "Enabled"),
    ("emrRDQS", "Qoff", "Output Buffer Enabled"),
    ("mr2PartialArraySelfRefresh", "Partial-Array Self Refresh", "Full Array"),
    ("mr2CasWriteLatency", "CAS write latency", "8"),
    ("mr2AutoSelfRefresh", "Auto Self Refresh", "Enabled"),
    ("mr2SelfRefreshTempRange", "High Temparature Self Refresh Rate", "Normal"),
    ("mr2RTTWR", "RTT_WR - Dynamic On Die Termination (ODT)", "Dynamic ODT off"),
]


def pins() -> dict[str, str]:
    """Port of the top, with its index, to pad: all that the memory controller brings."""
    found = dict(CLOCK_PORTS)
    for name, pads in PADS.items():
        listed = pads.split()
        found |= {name if name in SCALARS else f"{name}[{bit}]": pad for bit, pad in enumerate(listed)}
    return found


def mig_project(data_width: int, id_width: int) -> str:
    """The controller's project file (XML) for an AXI port of these widths."""
    project = ElementTree.Element("Project", NoOfControllers="1")

    def add(parent: ElementTree.Element, tag: str, text: str = "", /, **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, tag, attributes)
        element.text = text or None
        return element

    for name, text in PROJECT.items():
        add(project, name, text)
    controller = add(project, "Controller", number="0")
    for name, text in CONTROLLER.items():
        add(controller, name, text)
    selection = add(controller, "PinSelection")
    for port, pad in pins().items():
        name = port.partition("[")[0]
        if name in PADS:
            standard = STANDARDS.get(name, "SSTL15")
            fixed = {"IN_TERM": "", "SLEW": "", "VCCAUX_IO": "HIGH"}
            add(selection, "Pin", IOSTANDARD=standard, PADName=pad, name=port, **fixed)
    pads = f"{CLOCK_PORTS['sysclk_p']}/{CLOCK_PORTS['sysclk_n']}(CC_P/N)"
    add(add(controller, "System_Clock"), "Pin", Bank="33", PADName=pads, name="sys_clk_p/n")
    control = add(controller, "System_Control")
    for name in ("sys_rst", "init_calib_complete", "tg_compare_error"):
        add(control, "Pin", Bank="Select Bank", PADName="No connect", name=name)
    add(add(controller, "TimingParameters"), "Parameters", **TIMING)
    for element, name, text in MODES:
        add(controller, element, text, name=name)
    add(controller, "PortInterface", "AXI")
    axi = add(controller, "AXIParameters")
    add(axi, "C0_C_RD_WR_ARB_ALGORITHM", "RD_PRI_REG")
    add(axi, "C0_S_AXI_ADDR_WIDTH", str(MEMORY_BYTES.bit_length() - 1))
    add(axi, "C0_S_AXI_DATA_WIDTH", str(data_width))
    add(axi, "C0_S_AXI_ID_WIDTH", str(id_width))
    add(axi, "C0_S_AXI_SUPPORTS_NARROW_BURST", "0")
    ElementTree.indent(project)
    return f"<?xml version='1.0' encoding='UTF-8'?>\n{ElementTree.tostring(project, encoding='unicode')}\n"
