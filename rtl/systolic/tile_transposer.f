# Tile transposer
rtl/systolic/tile_transposer.sv
