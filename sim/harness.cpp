// SPDX-License-Identifier: Apache-2.0
//
// The simulated accelerator as a C library: one instance of sim/tops/system.sv with memory that belongs to the caller.
//
// Between two calls the clock is low and all outputs are settled. Instances are independent of each other; one instance
// is used by one thread at a time.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "Vsystem.h"
#include "Vsystem__Dpi.h"
#include "verilated.h"
#if VM_TRACE_SAIF
#include "verilated_saif_c.h"
using Trace = VerilatedSaifC;
#elif VM_TRACE
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif

#define API extern "C" __attribute__((visibility("default")))

namespace {

constexpr int kBeatBytes = BUS_W / 8;
constexpr int kHostBytes = HOST_W / 8;
// Cycles after which an access to a register counts as unanswered.
constexpr int kPatience = 100000;
constexpr int kUnanswered = -1;
// Picoseconds, at 200 MHz.
constexpr int kHalfCycle = 2500;

// A 32-bit lane of a host port of 32, 64 or 128 bits.
void set_lane(uint32_t& port, int, uint32_t value) { port = value; }
void set_lane(uint64_t& port, int lane, uint32_t value) { port = uint64_t(value) << 32 * lane; }
void set_lane(VlWide<4>& port, int lane, uint32_t value) { port[lane] = value; }
uint32_t get_lane(uint32_t port, int) { return port; }
uint32_t get_lane(uint64_t port, int lane) { return uint32_t(port >> 32 * lane); }
uint32_t get_lane(const VlWide<4>& port, int lane) { return port[lane]; }

}  // namespace

struct System {
  VerilatedContext context;
  Vsystem top{&context};
  uint8_t* memory;
  uint64_t base, bytes;
  uint64_t cycles = 0;
  std::string error;
#if VM_TRACE
  std::unique_ptr<Trace> trace;
#endif

  System(uint8_t* memory, uint64_t base, uint64_t bytes) : memory(memory), base(base), bytes(bytes) {
#if VM_TRACE
    context.traceEverOn(true);
#endif
  }

  // Verilator takes what it destroys out of the thread's context, which is that of the last instance made.
  ~System() { Verilated::threadContextp(&context); }

  void cycle() {
    dump();
    top.clk_i = 1;
    top.eval();
    dump();
    top.clk_i = 0;
    top.eval();
    cycles++;
  }

  // Half a cycle in the waveform.
  void dump() {
#if VM_TRACE
    if (trace) trace->dump(context.time());
    context.timeInc(kHalfCycle);
#endif
  }

  uint8_t* beat(const char* what, uint64_t index) {
    const uint64_t address = index * kBeatBytes, offset = address - base;
    if (address >= base && offset + kBeatBytes <= bytes) return memory + offset;
    if (error.empty()) {
      char text[100];
      snprintf(text, sizeof text, "the accelerator %s address 0x%llx, where there is no memory", what,
               static_cast<unsigned long long>(address));
      error = text;
    }
    return nullptr;
  }
};

// The instance whose memory the simulator means.
static thread_local System* running = nullptr;

void memory_read(long long index, svBitVecVal* data) {
  if (const uint8_t* beat = running->beat("reads", index)) std::memcpy(data, beat, kBeatBytes);
  else std::memset(data, 0, kBeatBytes);
}

void memory_write(long long index, const svBitVecVal* data, const svBitVecVal* strobe) {
  uint8_t* beat = running->beat("writes", index);
  if (!beat) return;
  const uint8_t* from = reinterpret_cast<const uint8_t*>(data);
  for (int lane = 0; lane < kBeatBytes; lane++) {
    if (strobe[lane / 32] >> lane % 32 & 1) beat[lane] = from[lane];
  }
}

// What stops a simulation stops the run with a message, not the process.
void vl_finish(const char*, int, const char*) {}
void vl_stop(const char* file, int line, const char*) { vl_fatal(file, line, "", "an assertion failed"); }
void vl_fatal(const char* file, int line, const char*, const char* message) {
  if (!running || !running->error.empty()) return;
  running->error = std::string(file) + ":" + std::to_string(line) + ": " + message;
}

// An instance, not reset yet; memory[i] is the byte at address base + i.
API System* system_create(uint8_t* memory, uint64_t base, uint64_t bytes) { return new System(memory, base, bytes); }

API void system_destroy(System* system) { delete system; }

// What went wrong in the simulation, or an empty text.
API const char* system_error(const System* system) { return system->error.c_str(); }

// Cycles since the instance was made.
API uint64_t system_cycles(const System* system) { return system->cycles; }

API int system_irq(const System* system) { return system->top.irq_o; }

// Runs so many cycles, fewer after an error. Returns the number.
API uint64_t system_step(System* system, uint64_t cycles) {
  running = system;
  uint64_t done = 0;
  for (; done < cycles && system->error.empty(); done++) system->cycle();
  return done;
}

// Runs until the interrupt is high, for at most so many cycles, fewer after an error. Returns the number.
API uint64_t system_run_until_irq(System* system, uint64_t most) {
  running = system;
  uint64_t done = 0;
  for (; done < most && !system->top.irq_o && system->error.empty(); done++) system->cycle();
  return done;
}

// Resets the hardware, and forgets an error.
API void system_reset(System* system) {
  Vsystem& top = system->top;
  system->error.clear();
  top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_bready = top.s_axi_arvalid = top.s_axi_rready = 0;
  top.s_axi_awlen = top.s_axi_arlen = 0;
  top.s_axi_awsize = top.s_axi_arsize = 2;
  top.s_axi_awburst = top.s_axi_arburst = 1;
  top.s_axi_awid = top.s_axi_arid = 0;
  top.s_axi_wlast = 1;
  top.clk_i = 0;
  top.rst_ni = 0;
  running = system;
  top.eval();
  for (int i = 0; i < 16; i++) system->cycle();
  top.rst_ni = 1;
  top.eval();
}

// Reads a 32-bit register by byte offset. Returns the AXI response, or -1 when none came.
API int system_read_register(System* system, uint64_t offset, uint32_t* value) {
  Vsystem& top = system->top;
  running = system;
  top.s_axi_araddr = offset;
  top.s_axi_arvalid = 1;
  top.s_axi_rready = 1;
  int response = kUnanswered;
  for (int i = 0; i < kPatience && response == kUnanswered; i++) {
    top.eval();
    const bool taken = top.s_axi_arvalid && top.s_axi_arready;
    if (top.s_axi_rvalid) {
      response = top.s_axi_rresp;
      *value = get_lane(top.s_axi_rdata, offset % kHostBytes / 4);
    }
    system->cycle();
    if (taken) top.s_axi_arvalid = 0;
  }
  top.s_axi_rready = 0;
  top.eval();
  return response;
}

// Writes a 32-bit register by byte offset. Returns the AXI response, or -1 when none came.
API int system_write_register(System* system, uint64_t offset, uint32_t value) {
  Vsystem& top = system->top;
  running = system;
  const int lane = offset % kHostBytes / 4;
  top.s_axi_awaddr = offset;
  set_lane(top.s_axi_wdata, lane, value);
  top.s_axi_wstrb = 0xf << 4 * lane;
  top.s_axi_awvalid = top.s_axi_wvalid = top.s_axi_bready = 1;
  int response = kUnanswered;
  for (int i = 0; i < kPatience && response == kUnanswered; i++) {
    top.eval();
    const bool address_taken = top.s_axi_awvalid && top.s_axi_awready;
    const bool data_taken = top.s_axi_wvalid && top.s_axi_wready;
    if (top.s_axi_bvalid) response = top.s_axi_bresp;
    system->cycle();
    if (address_taken) top.s_axi_awvalid = 0;
    if (data_taken) top.s_axi_wvalid = 0;
  }
  top.s_axi_bready = 0;
  top.eval();
  return response;
}

// Writes a waveform, or the switching activity, to path from now on, or ends it (null). Returns whether the library can.
API int system_trace(System* system, const char* path) {
#if VM_TRACE
  if (system->trace) system->trace->close();
  system->trace.reset();
  if (path) {
    system->trace = std::make_unique<Trace>();
    system->top.trace(system->trace.get(), 99);
    system->trace->open(path);
  }
  return 1;
#else
  return 0;
#endif
}
