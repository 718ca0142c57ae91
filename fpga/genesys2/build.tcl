# Vivado, without a project: from sources to bitstream and reports. Runs in the build folder, where settings.tcl (from
# fpga/genesys2/flow.py) says what to build:
#   part, top, sources, include_folders, generics, constraints, memory_project, memory_module, program, reports,
#   activity, activity_scope, accelerator
source settings.tcl

create_project -in_memory -part $part
set_property target_language Verilog [current_project]

# ----------------------------------------------------------------------------------------------------------------------
# Memory controller
# ----------------------------------------------------------------------------------------------------------------------
create_ip -name mig_7series -vendor xilinx.com -library ip -module_name $memory_module -dir [file normalize .] -force
file copy -force $memory_project $memory_module/mig_a.prj
set_property -dict [list \
  CONFIG.XML_INPUT_FILE mig_a.prj \
  CONFIG.RESET_BOARD_INTERFACE Custom \
  CONFIG.MIG_DONT_TOUCH_PARAM Custom \
  CONFIG.BOARD_MIG_PARAM Custom] [get_ips $memory_module]
generate_target all [get_ips $memory_module]
synth_ip [get_ips $memory_module]

# ----------------------------------------------------------------------------------------------------------------------
# Synthesis
# ----------------------------------------------------------------------------------------------------------------------
read_verilog -sv $sources
read_mem $program
set settings {}
foreach generic $generics {
  lappend settings -generic $generic
}
synth_design -top $top -part $part -include_dirs $include_folders {*}$settings

read_xdc $constraints
# A constraint on cells that are not there constrains nothing.
set file [open $constraints]
foreach {whole pattern} [regexp -all -inline {NAME =~ ([^\}]+)\}} [read $file]] {
  if {[llength [get_cells -hierarchical -filter "NAME =~ $pattern"]] == 0} {
    error "$constraints: no cell is named $pattern"
  }
}
close $file
write_checkpoint -force synthesized.dcp

# ----------------------------------------------------------------------------------------------------------------------
# Implementation
# ----------------------------------------------------------------------------------------------------------------------
opt_design
place_design
phys_opt_design
route_design
write_checkpoint -force routed.dcp

# ----------------------------------------------------------------------------------------------------------------------
# Reports
# ----------------------------------------------------------------------------------------------------------------------
report_utilization -hierarchical -file $reports/utilization.txt
report_timing_summary -max_paths 20 -file $reports/timing.txt
report_cdc -details -file $reports/cdc.txt
report_methodology -file $reports/methodology.txt
report_drc -file $reports/drc.txt
if {$activity ne ""} {
  current_instance $accelerator
  read_saif -strip_path $activity_scope -out_file $reports/activity_unmatched.txt $activity
  current_instance
}
report_power -file $reports/power.txt

# ----------------------------------------------------------------------------------------------------------------------
# Bitstream, if it can be trusted
# ----------------------------------------------------------------------------------------------------------------------
foreach {kind name} {max setup min hold} {
  set slack [get_property SLACK [get_timing_paths -delay_type $kind -max_paths 1]]
  puts "worst slack, $name: $slack ns"
  if {$slack < 0} {
    error "timing is not met ($name, $slack ns): see $reports/timing.txt; there is no bitstream"
  }
}
write_bitstream -force $top.bit
