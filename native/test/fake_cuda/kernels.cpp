// The two kernels of the fake plug-in, which the plug-in's own code launches.
#include "cuda/kernels.h"

#include <cstring>

#include "cuda/runtime/launch.h"
#include "fake_cuda/fake.h"

namespace hs::cuda {
namespace {

using fake_cuda::Arguments;

void write(const Arguments& given) {
  for (std::size_t i = 0; i < given.count; i++) given.at[i] = given.value;
}

// Writes `value`, or -1 if the counters of the workspace are not zero.
void write_with_workspace(const Arguments& given) {
  bool zero = true;
  for (std::size_t i = 0; i < kCounterBytes / sizeof(unsigned); i++) {
    zero = zero && given.workspace[i] == 0;
  }
  std::memset(reinterpret_cast<char*>(given.workspace) + kCounterBytes, 7, given.partial_bytes);
  for (std::size_t i = 0; i < given.count; i++) given.at[i] = zero ? given.value : -1;
}

hs_status launch_fake(const Stream& stream, const LaunchShape& shape,
                      void (*kernel)(const Arguments&), Arguments given) {
  void* arguments[] = {&given};
  return launch_kernel(stream, shape, reinterpret_cast<const void*>(kernel), arguments);
}

// A block asks for as many bytes of shared memory as it fills.
hs_status fill_fake(void* stream, const FillArgs& args) {
  const Arguments given{static_cast<float*>(args.dst), static_cast<std::size_t>(args.count),
                        static_cast<float>(args.value), nullptr, 0};
  const LaunchShape shape{.name = "fill", .shared_bytes = given.count * sizeof(float)};
  return launch_fake(as_stream(stream), shape, write, given);
}

// Writes 1 to the first float of `dst`; asks for args.bytes bytes of partial results.
hs_status copy_fake(void* stream, const CopyArgs& args) {
  Arguments given{static_cast<float*>(args.dst), 1, 1, nullptr, args.bytes};
  void* workspace = nullptr;
  if (hs_status status = reserve_workspace(as_stream(stream), args.bytes, &workspace);
      status != HS_OK) {
    return status;
  }
  given.workspace = static_cast<unsigned*>(workspace);
  return launch_fake(as_stream(stream), {.name = "copy"}, write_with_workspace, given);
}

}  // namespace

KernelTable kernel_table() {
  KernelTable table{};
  table.fill = fill_fake;
  table.copy = copy_fake;
  return table;
}

}  // namespace hs::cuda
