# Pins and constraints of genesys2_top.
#
# Pins are those of Digilent's Genesys-2-Master.xdc. sysclk_p, sysclk_n and ddr3_* are not here: the memory controller brings
# their pins, standards and the clock of sysclk_p (board.py).

# ----------------------------------------------------------------------------------------------------------------------
# Pins
# ----------------------------------------------------------------------------------------------------------------------
set_property -dict {PACKAGE_PIN R19 IOSTANDARD LVCMOS33} [get_ports cpu_resetn]
set_property -dict {PACKAGE_PIN Y23 IOSTANDARD LVCMOS33} [get_ports uart_rx_out]
set_property -dict {PACKAGE_PIN Y20 IOSTANDARD LVCMOS33} [get_ports uart_tx_in]
set_property -dict {PACKAGE_PIN T28 IOSTANDARD LVCMOS33} [get_ports {led[0]}]
set_property -dict {PACKAGE_PIN V19 IOSTANDARD LVCMOS33} [get_ports {led[1]}]
set_property -dict {PACKAGE_PIN U30 IOSTANDARD LVCMOS33} [get_ports {led[2]}]
set_property -dict {PACKAGE_PIN U29 IOSTANDARD LVCMOS33} [get_ports {led[3]}]
set_property -dict {PACKAGE_PIN V20 IOSTANDARD LVCMOS33} [get_ports {led[4]}]
set_property -dict {PACKAGE_PIN V26 IOSTANDARD LVCMOS33} [get_ports {led[5]}]
set_property -dict {PACKAGE_PIN W24 IOSTANDARD LVCMOS33} [get_ports {led[6]}]
set_property -dict {PACKAGE_PIN W23 IOSTANDARD LVCMOS33} [get_ports {led[7]}]
set_property -dict {PACKAGE_PIN W19 IOSTANDARD LVCMOS33} [get_ports fan_pwm]

# ----------------------------------------------------------------------------------------------------------------------
# Clocks: ui_clk follows from the controller's, this gives the host's a name
# ----------------------------------------------------------------------------------------------------------------------
create_generated_clock -name host_clk [get_pins u_mmcm/CLKOUT0]

# Slow or asynchronous pins.
set_false_path -from [get_ports {cpu_resetn uart_tx_in}]
set_false_path -to [get_ports {uart_rx_out led[*] fan_pwm}]

# ----------------------------------------------------------------------------------------------------------------------
# Between ui_clk and host_clk
# ----------------------------------------------------------------------------------------------------------------------
# Pointers in Gray code: all bits within one period of the faster clock, 5 ns.
set_max_delay -datapath_only 5.0 \
  -from [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/write_gray_q_reg[*]}] \
  -to [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/u_write_gray/meta_q_reg[*]}]
set_max_delay -datapath_only 5.0 \
  -from [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/read_gray_q_reg[*]}] \
  -to [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/u_read_gray/meta_q_reg[*]}]
# Entries are read two cycles after they are written, or later.
set_max_delay -datapath_only 5.0 \
  -from [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/storage_reg*}] \
  -to [get_cells -hierarchical -filter {NAME =~ u_system/u_host/u_crossing/*/out_data_q_reg[*]}]
# Interrupts.
set_max_delay -datapath_only 5.0 \
  -from [get_cells -hierarchical -filter {NAME =~ u_system/irq_q_reg[*]}] \
  -to [get_cells -hierarchical -filter {NAME =~ u_system/u_irq/meta_q_reg[*]}]
# Resets begin at any time; their end comes through three flip-flops.
set_false_path -to [get_pins -of_objects [get_cells -hierarchical -filter {NAME =~ u_memory_reset/reset_q_reg[*]}] \
  -filter {REF_PIN_NAME == CLR}]
set_false_path -to [get_pins -of_objects [get_cells -hierarchical -filter {NAME =~ u_ui_reset/reset_q_reg[*]}] \
  -filter {REF_PIN_NAME == CLR}]
set_false_path -to [get_pins -of_objects [get_cells -hierarchical -filter {NAME =~ u_host_reset/reset_q_reg[*]}] \
  -filter {REF_PIN_NAME == CLR}]

# ----------------------------------------------------------------------------------------------------------------------
# Configuration
# ----------------------------------------------------------------------------------------------------------------------
set_property CFGBVS VCCO [current_design]
set_property CONFIG_VOLTAGE 3.3 [current_design]
set_property BITSTREAM.GENERAL.COMPRESS true [current_design]
