// SPDX-License-Identifier: Apache-2.0
//
// Hosts that a board can be built with.

package host_pkg;

  localparam int Vega = 0;
  localparam int Ibex = 1;

endpackage : host_pkg
