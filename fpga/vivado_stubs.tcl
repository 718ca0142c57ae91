# Vivado's commands for tclsh: they hold their arguments against what Vivado's command reference (UG835) allows, and write down
# what names the design. Anything else that is called is an error, so a misspelled command is found without Vivado.
#
#   tclsh fpga/vivado_stubs.tcl SCRIPT NOTES
#
# NOTES gets a line per fact, its words apart by tabs: port NAME, pin PORT PAD, cell PATTERN, netpin NAME.

set notes [open [lindex $argv 1] w]

proc note {args} {
  puts $::notes [join $args "\t"]
}

# Options with a value, options without, least and most positional arguments, and whether these are files that must exist.
array set known {
  create_project       {{-part} {-in_memory -force} 0 2 {}}
  current_project      {{} {} 0 1 {}}
  create_ip            {{-name -vendor -library -version -module_name -dir} {-force} 0 0 {}}
  get_ips              {{} {} 0 1 {}}
  generate_target      {{} {-force} 2 2 {}}
  synth_ip             {{} {-force} 1 1 {}}
  read_verilog         {{-library} {-sv} 1 1 files}
  read_mem             {{} {} 1 1 files}
  read_xdc             {{-cells -ref} {-unmanaged} 1 1 files}
  synth_design         {{-top -part -include_dirs -generic -flatten_hierarchy -directive} {} 0 0 {}}
  opt_design           {{-directive} {} 0 0 {}}
  place_design         {{-directive} {} 0 0 {}}
  phys_opt_design      {{-directive} {} 0 0 {}}
  route_design         {{-directive} {} 0 0 {}}
  write_checkpoint     {{} {-force} 1 1 {}}
  write_bitstream      {{} {-force} 1 1 {}}
  report_utilization   {{-file -hierarchical_depth} {-hierarchical} 0 0 {}}
  report_timing_summary {{-file -max_paths} {} 0 0 {}}
  report_cdc           {{-file} {-details} 0 0 {}}
  report_methodology   {{-file} {} 0 0 {}}
  report_drc           {{-file} {} 0 0 {}}
  report_power         {{-file} {} 0 0 {}}
  read_saif            {{-strip_path -out_file} {} 1 1 files}
  current_instance     {{} {} 0 1 {}}
  current_design       {{} {} 0 0 {}}
  get_timing_paths     {{-delay_type -max_paths} {} 0 0 {}}
  get_property         {{} {} 2 2 {}}
  set_property         {{-dict} {} 1 3 {}}
  get_ports            {{} {} 1 1 {}}
  get_cells            {{-filter} {-hierarchical -quiet} 0 1 {}}
  get_pins             {{-filter -of_objects} {-hierarchical -quiet} 0 1 {}}
  create_generated_clock {{-name} {} 1 1 {}}
  set_false_path       {{-from -to} {} 0 0 {}}
  set_max_delay        {{-from -to} {-datapath_only} 1 1 {}}
}

# Options of a call, by name, and its positional arguments as "rest".
proc parse {command words} {
  lassign $::known($command) valued flags least most files
  set found [dict create rest {}]
  while {[llength $words]} {
    set words [lassign $words word]
    if {[string match {-[a-z]*} $word]} {
      if {$word in $valued} {
        if {![llength $words]} {error "$command: $word has no value"}
        set words [lassign $words value]
        dict set found $word $value
      } elseif {$word in $flags} {
        dict set found $word 1
      } else {
        error "$command has no option $word"
      }
    } else {
      dict lappend found rest $word
    }
  }
  set count [llength [dict get $found rest]]
  if {$count < $least || $count > $most} {error "$command: $count arguments, $least to $most are right"}
  if {$files ne ""} {
    foreach path [concat {*}[dict get $found rest]] {
      if {![file isfile $path]} {error "$command: no file $path"}
    }
  }
  foreach option {-file} {
    if {[dict exists $found $option] && ![file isdirectory [file dirname [dict get $found $option]]]} {
      error "$command: no folder for [dict get $found $option]"
    }
  }
  return $found
}

# What a call gives back, and what it says of the design.
proc act {command found} {
  set rest [dict get $found rest]
  switch $command {
    create_ip {file mkdir [file join [dict get $found -dir] [dict get $found -module_name]]}
    read_xdc {uplevel #0 [list source [lindex $rest 0]]}
    synth_design {
      foreach folder [dict get $found -include_dirs] {
        if {![file isdirectory $folder]} {error "synth_design: no folder $folder"}
      }
    }
    get_ports {
      foreach port [lindex $rest 0] {note port $port}
      return [lindex $rest 0]
    }
    get_cells {
      if {[dict exists $found -filter]} {
        if {![regexp {^NAME =~ (\S+)$} [dict get $found -filter] whole pattern]} {
          error "get_cells: this check does not know the filter [dict get $found -filter]"
        }
      } else {
        set pattern [lindex $rest 0]
      }
      note cell $pattern
      return [list $pattern]
    }
    get_pins {
      if {[dict exists $found -of_objects]} {return [dict get $found -of_objects]}
      note netpin [lindex $rest 0]
      return $rest
    }
    set_property {
      if {[dict exists $found -dict]} {
        set values [dict get $found -dict]
        if {[dict exists $values PACKAGE_PIN]} {
          if {![dict exists $values IOSTANDARD]} {error "set_property: pin without IOSTANDARD: $values"}
          note pin [lindex $rest 0] [dict get $values PACKAGE_PIN]
        }
      } elseif {[llength $rest] != 3} {
        error "set_property: name, value and object"
      }
    }
    set_max_delay - set_false_path {
      foreach end {-from -to} {
        if {[dict exists $found $end] && [llength [dict get $found $end]] == 0} {error "$command: $end is empty"}
      }
    }
    get_property {return 0.0}
  }
  return $command
}

foreach command [array names known] {
  proc $command {args} [format {return [act %1$s [parse %1$s $args]]} $command]
}

# Tcl's own commands stay; what is neither Tcl's nor Vivado's is an error by itself, also in an interactive shell.
proc unknown {args} {
  error "unknown command '[lindex $args 0]'"
}

if {[catch {source [lindex $argv 0]} message options]} {
  puts stderr "[dict get $options -errorinfo]"
  puts stderr "error: $message"
  exit 1
}
close $notes
