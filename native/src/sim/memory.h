// Memory of the simulated device: every allocation ends at a guard page, which cannot be accessed.
//
// An allocation is aligned to 256 bytes and filled with NaN bits; the fewer than 256 bytes between
// its end and the guard page, and 64 bytes before it, are compared after every launch.
#ifndef HALFSTEP_SIM_MEMORY_H
#define HALFSTEP_SIM_MEMORY_H

#include <cstddef>
#include <string>

namespace hs::sim {

// Allocates `bytes` between two guard pages; null if the host has no memory.
void* allocate_guarded(std::size_t bytes);

// Frees an allocation; returns false if `address` is not the beginning of one.
bool free_guarded(void* address);

// The total bytes of all allocations.
std::size_t allocated_bytes();

// Describes an address in words: "4 bytes past the end of an allocation of 400 bytes".
std::string locate(const void* address);

// True if [address, address + bytes) lies inside one allocation.
bool inside_allocation(const void* address, std::size_t bytes);

// Describes the bands around allocations that were written to; empty if none was. Each is reported
// once.
std::string damaged_bands();

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_MEMORY_H
