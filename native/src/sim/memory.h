// Memory of the simulated device: every allocation ends at a page that cannot be touched.
//
// An allocation is aligned to 256 bytes and filled with NaN bits; the fewer than 256 bytes between
// its end and the guard page, and 64 bytes before it, are compared after every launch.
#ifndef HALFSTEP_SIM_MEMORY_H
#define HALFSTEP_SIM_MEMORY_H

#include <cstddef>
#include <string>

namespace hs::sim {

// `bytes` between two guard pages; null when the host has no memory.
void* allocate_guarded(std::size_t bytes);

// False if `address` is not the start of an allocation.
bool free_guarded(void* address);

// The sum of all that is allocated.
std::size_t allocated_bytes();

// Where an address lies, in words: "4 bytes past the end of an allocation of 400 bytes".
std::string locate(const void* address);

// True if [address, address + bytes) lies inside one allocation.
bool inside_allocation(const void* address, std::size_t bytes);

// Which band around an allocation was written; empty if none was. Each one is reported once.
std::string damaged_bands();

}  // namespace hs::sim

#endif  // HALFSTEP_SIM_MEMORY_H
