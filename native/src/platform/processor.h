// The processor that this process runs on.
#ifndef HALFSTEP_PLATFORM_PROCESSOR_H
#define HALFSTEP_PLATFORM_PROCESSOR_H

#include <cstddef>

namespace hs::platform {

// Whether kernels compiled for `isa`, an instruction set of this build, can run here: the processor
// must have it, and the operating system must save its registers.
bool runs(const char* isa);

// Writes the processor's name, as shown to users.
void processor_name(char* name, size_t size);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_PROCESSOR_H
