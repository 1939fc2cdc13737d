// The processor that this process runs on.
#ifndef HALFSTEP_PLATFORM_PROCESSOR_H
#define HALFSTEP_PLATFORM_PROCESSOR_H

#include <cstddef>

namespace hs::platform {

// Whether the processor, and the operating system that saves its registers, can run kernels that
// were compiled for `isa`, an instruction set of this build.
bool runs(const char* isa);

// The processor's name for people.
void processor_name(char* name, size_t size);

}  // namespace hs::platform

#endif  // HALFSTEP_PLATFORM_PROCESSOR_H
