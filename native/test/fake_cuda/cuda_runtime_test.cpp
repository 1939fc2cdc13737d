// Tests the CUDA plug-in's calls of the CUDA runtime, against a fake runtime (fake.h).
#include <thread>

#include "device.h"
#include "fake_cuda/fake.h"

using namespace hs::test;

namespace {

bool says(const char* words) { return std::strstr(hs_last_error(), words) != nullptr; }

uint64_t used(hs_device device) {
  hs_device_info info{};
  CHECK_OK(hs_device_query(device, &info));
  return info.memory_used;
}

// Numbers of floats for which "fill" asks for 200 and 60 KiB of shared memory: both more than 48.
constexpr int64_t kMany = 200 * 256, kSome = 60 * 256;

// A new process with one or more GPUs, one open device and a stream.
struct Process {
  explicit Process(int devices = 1, int ordinal = 0) {
    fake_cuda::reset(devices);
    CHECK_OK(hs_set_cuda_plugin(HALFSTEP_FAKE_PLUGIN));
    CHECK_OK(hs_device_open("cuda", ordinal, &device));
    CHECK_OK(hs_stream_create(device, &stream));
    CHECK_OK(hs_alloc(device, kMany * sizeof(float), &x));
  }
  ~Process() {
    if (device != nullptr) CHECK_OK(hs_device_close(device));
    CHECK(fake_cuda::last_error() == cudaSuccess);
    fake_cuda::reset();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void close() {
    CHECK_OK(hs_device_close(device));
    device = nullptr;
  }
  hs_status fill(float value, int64_t count = kSome) {
    return hs_fill(stream, HS_F32, x, count, value);
  }
  // Runs a kernel that needs `bytes` bytes of workspace and writes 1 to the first element.
  hs_status reduce(uint64_t bytes) { return hs_copy(stream, x, x + 64 * 1024, bytes); }
  float first() {
    float value = 0;
    CHECK_OK(hs_download(stream, reinterpret_cast<hs_ptr>(&value), x, sizeof value));
    return value;
  }

  hs_device device = nullptr;
  hs_stream stream = nullptr;
  hs_ptr x = 0;
};

}  // namespace

TEST(threads_that_launch_a_kernel_with_different_shared_memory_do_not_disturb_each_other) {
  Process process;
  hs_device device = process.device;
  // Another thread launches the same kernel after the first thread has prepared its launch and
  // before it launches.
  fake_cuda::before_next_launch([device] {
    std::thread([device] {
      hs_stream stream = nullptr;
      hs_ptr y = 0;
      CHECK_OK(hs_stream_create(device, &stream));
      CHECK_OK(hs_alloc(device, kSome * sizeof(float), &y));
      CHECK_OK(hs_fill(stream, HS_F32, y, kSome, 2));
      CHECK_OK(hs_stream_destroy(stream));
    }).join();
  });
  CHECK_OK(process.fill(1, kMany));
  CHECK(process.first() == 1);
}

TEST(the_limit_of_shared_memory_is_set_once_for_each_kernel_and_device) {
  Process process(4, 2);  // devices that no other test uses
  CHECK_OK(process.fill(1, 10));
  CHECK(fake_cuda::calls_of("cudaFuncSetAttribute") == 0);
  for (int i = 0; i < 3; i++) CHECK_OK(process.fill(1, i == 1 ? kMany : kSome));
  CHECK(fake_cuda::calls_of("cudaFuncSetAttribute") == 1);
  hs_device other = nullptr;
  hs_stream stream = nullptr;
  hs_ptr y = 0;
  CHECK_OK(hs_device_open("cuda", 3, &other));
  CHECK_OK(hs_stream_create(other, &stream));
  CHECK_OK(hs_alloc(other, kMany * sizeof(float), &y));
  for (int i = 0; i < 3; i++) CHECK_OK(hs_fill(stream, HS_F32, y, kMany, 1));
  CHECK(fake_cuda::calls_of("cudaFuncSetAttribute") == 2);
  CHECK_OK(hs_device_close(other));
}

TEST(memory_and_lists_come_and_go_while_a_stream_records) {
  Process process;
  hs_list before = nullptr, list = nullptr;
  hs_ptr other = 0, pinned = 0;
  hs_stream second = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.fill(1));
  CHECK_OK(hs_capture_end(process.stream, &before));
  CHECK_OK(hs_alloc(process.device, 64, &other));

  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.fill(2));
  CHECK_OK(hs_free(process.device, other));
  CHECK_OK(hs_alloc(process.device, 64, &other));
  CHECK_OK(hs_host_alloc(process.device, 64, &pinned));
  CHECK_OK(hs_host_free(process.device, pinned));
  CHECK_OK(hs_list_destroy(before));
  CHECK_OK(hs_stream_create(process.device, &second));
  CHECK_OK(hs_upload(second, other, reinterpret_cast<hs_ptr>(&process), 8));
  CHECK_OK(hs_stream_destroy(second));
  CHECK_OK(process.fill(3));
  CHECK_OK(hs_capture_end(process.stream, &list));
  int64_t calls = 0;
  CHECK_OK(hs_list_size(list, &calls));
  CHECK(calls == 2);
  CHECK_OK(hs_list_launch(process.stream, list, 1));
  CHECK(process.first() == 3);
}

TEST(a_call_that_fails_while_recording_leaves_the_recording_as_it_was) {
  Process process;
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.fill(2));
  fake_cuda::fail_next("cudaLaunchKernelExC", cudaErrorInvalidConfiguration);
  CHECK(process.fill(3) == HS_UNSUPPORTED);
  fake_cuda::fail_next("cudaMalloc", cudaErrorMemoryAllocation);
  CHECK(process.reduce(100) == HS_OUT_OF_MEMORY);
  CHECK_OK(hs_capture_end(process.stream, &list));
  int64_t calls = 0;
  CHECK_OK(hs_list_size(list, &calls));
  CHECK(calls == 1);
  CHECK_OK(hs_list_launch(process.stream, list, 1));
  CHECK(process.first() == 2);
}

TEST(a_list_holds_the_workspace_that_its_kernels_ask_for_and_it_is_counted) {
  Process process;
  const uint64_t before = used(process.device);
  const size_t allocated = fake_cuda::allocated();
  CHECK(allocated == before);  // a stream has no workspace before its first kernel that needs one
  hs_list lists[8] = {};
  for (hs_list& list : lists) {
    CHECK_OK(hs_capture_begin(process.stream));
    CHECK_OK(process.fill(1));
    CHECK_OK(hs_capture_end(process.stream, &list));
  }
  CHECK(used(process.device) == before && fake_cuda::allocated() == allocated);

  hs_list large = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  for (uint64_t bytes : {1000, 100000, 2000, 1000000}) CHECK_OK(process.reduce(bytes));
  CHECK_OK(hs_capture_end(process.stream, &large));
  const uint64_t held = used(process.device) - before;
  CHECK_THAT(held >= 1000000 && held < 1500000, std::to_string(held));
  CHECK(fake_cuda::allocated() == allocated + held);
  for (int i = 0; i < 2; i++) {  // the counters are zero at first and afterwards
    CHECK_OK(hs_list_launch(process.stream, large, 1));
    CHECK(process.first() == 1);
  }
  CHECK_OK(hs_list_destroy(large));
  CHECK(used(process.device) == before && fake_cuda::allocated() == allocated);
  for (hs_list list : lists) CHECK_OK(hs_list_destroy(list));

  hs_list dropped = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000000));
  CHECK_OK(hs_capture_end(process.stream, nullptr));
  CHECK(used(process.device) == before && fake_cuda::allocated() == allocated);
  CHECK(dropped == nullptr);
}

TEST(lists_and_their_stream_do_not_share_a_workspace) {
  Process process;
  hs_list list = nullptr;
  CHECK_OK(process.reduce(1000000));
  const size_t allocated = fake_cuda::allocated();
  CHECK_OK(process.reduce(900000));
  CHECK(fake_cuda::allocated() == allocated);
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000));
  CHECK_OK(hs_capture_end(process.stream, &list));
  CHECK(fake_cuda::allocated() == allocated + 64 * 1024);
  CHECK_OK(process.reduce(1000));
  CHECK(process.first() == 1 && fake_cuda::allocated() == allocated + 64 * 1024);
}

TEST(the_memory_limit_holds_for_what_lists_need) {
  Process process;
  const uint64_t before = used(process.device);
  const size_t allocated = fake_cuda::allocated();
  CHECK_OK(hs_device_set_memory_limit(process.device, before + 500000));
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000000));
  CHECK(hs_capture_end(process.stream, &list) == HS_OUT_OF_MEMORY && list == nullptr);
  CHECK(says("were asked for on cuda") && says("the limit is"));
  CHECK(used(process.device) == before && fake_cuda::allocated() == allocated);
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(100000));
  CHECK_OK(hs_capture_end(process.stream, &list));
  CHECK_OK(hs_list_launch(process.stream, list, 1));
  CHECK(process.first() == 1);
  hs_ptr more = 0;
  CHECK(hs_alloc(process.device, 450000, &more) == HS_OUT_OF_MEMORY);
}

TEST(an_error_that_does_not_stay_leaves_the_device_usable) {
  Process process;
  const struct {
    cudaError_t error;
    hs_status status;
    const char* words;
  } cases[] = {
      {cudaErrorInvalidValue, HS_UNSUPPORTED, "fill: invalid argument (cudaErrorInvalidValue)"},
      {cudaErrorInvalidConfiguration, HS_UNSUPPORTED, "blocks of 1 x 1 x 1 threads"},
      {cudaErrorLaunchOutOfResources, HS_UNSUPPORTED, "61440 bytes of shared memory"},
      {cudaErrorCooperativeLaunchTooLarge, HS_UNSUPPORTED, "too many blocks in cooperative launch"},
      {cudaErrorStreamCaptureInvalidated, HS_INVALID_STATE, "previous error during capture"},
      {cudaErrorMemoryAllocation, HS_OUT_OF_MEMORY, "CUDA: fill"},
      {cudaErrorDevicesUnavailable, HS_NO_DEVICE, "CUDA: fill"},
  };
  for (const auto& [error, status, words] : cases) {
    fake_cuda::fail_next("cudaLaunchKernelExC", error);
    const hs_status got = process.fill(1);
    CHECK_THAT(got == status, std::to_string(error) + " became " + std::to_string(got));
    CHECK_THAT(says(words), hs_last_error());
    CHECK(!says("restart") && !says("takes no more calls"));
    CHECK(fake_cuda::last_error() == cudaSuccess);
    CHECK_OK(process.fill(2));
    CHECK(process.first() == 2);
  }
  fake_cuda::fail_next("cudaMemcpyAsync", cudaErrorInvalidValue);
  float value = 0;
  CHECK(hs_download(process.stream, reinterpret_cast<hs_ptr>(&value), process.x, 4) ==
        HS_INVALID_ARGUMENT);
  CHECK(process.first() == 2);
}

TEST(an_error_that_stays_ends_the_use_of_the_device_and_asks_for_a_new_process) {
  for (cudaError_t error : {cudaErrorIllegalAddress, cudaErrorMisalignedAddress, cudaErrorAssert,
                            cudaErrorLaunchFailure, cudaErrorLaunchTimeout}) {
    Process process;
    fake_cuda::fail_next("cudaStreamSynchronize", error);
    CHECK(hs_stream_synchronize(process.stream) == HS_DEVICE_FAILED && says("restart this one"));
    CHECK(process.fill(1) == HS_DEVICE_FAILED && says("failed before") && says("restart this one"));
    CHECK_OK(hs_free(process.device, process.x));
    process.close();
    CHECK(hs_device_open("cuda", 0, &process.device) == HS_DEVICE_FAILED);
    CHECK(process.device == nullptr && says("restart this one"));
    fake_cuda::reset();
  }
}

TEST(a_foreign_stream_is_taken_in_and_left_as_it_is) {
  Process process(2);
  uint64_t native = 0;
  CHECK_OK(hs_stream_native(process.stream, &native));
  hs_stream ours = nullptr;
  CHECK_OK(hs_stream_wrap(process.device, native, &ours));
  CHECK_OK(hs_fill(ours, HS_F32, process.x, kSome, 3));
  CHECK(process.first() == 3);
  const int streams = fake_cuda::streams();
  CHECK_OK(hs_stream_destroy(ours));
  CHECK(fake_cuda::streams() == streams);
  CHECK_OK(process.fill(2));
  CHECK(process.first() == 2);
  // CUDA's default stream belongs to no particular device.
  CHECK_OK(hs_stream_wrap(process.device, 0, &ours));
  CHECK_OK(hs_stream_destroy(ours));
  hs_device other = nullptr;
  CHECK_OK(hs_device_open("cuda", 1, &other));
  ours = nullptr;
  CHECK(hs_stream_wrap(other, native, &ours) == HS_INVALID_ARGUMENT && ours == nullptr);
  CHECK(says("of CUDA device 0, and this is device 1"));
  CHECK_OK(hs_device_close(other));
}

TEST(a_recording_that_foreign_calls_spoilt_is_dropped_and_the_stream_goes_on) {
  Process process;
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000));
  fake_cuda::spoil_captures();
  CHECK(process.fill(1) == HS_INVALID_STATE);
  CHECK(hs_capture_end(process.stream, &list) == HS_INVALID_STATE && list == nullptr);
  CHECK(fake_cuda::allocated() == used(process.device));
  CHECK_OK(process.fill(2));
  CHECK(process.first() == 2);
}

TEST(what_is_freed_by_a_thread_that_never_used_CUDA_makes_no_context_on_another_device) {
  Process process(2, 1);
  hs_list list = nullptr;
  hs_ptr pinned = 0;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000));
  CHECK_OK(hs_capture_end(process.stream, &list));
  CHECK_OK(hs_host_alloc(process.device, 64, &pinned));
  const auto on_a_new_thread = [](const auto& body) {
    std::thread(body).join();
    CHECK(fake_cuda::contexts() == std::set<int>{1});
  };
  on_a_new_thread([&] { CHECK_OK(hs_list_destroy(list)); });
  on_a_new_thread([&] { CHECK_OK(hs_free(process.device, process.x)); });
  on_a_new_thread([&] { CHECK_OK(hs_host_free(process.device, pinned)); });
  on_a_new_thread([&] { used(process.device); });
  CHECK_OK(hs_stream_release(process.stream));
  on_a_new_thread([&] {
    CHECK_OK(hs_stream_adopt(process.stream));
    CHECK_OK(hs_stream_destroy(process.stream));
  });
  CHECK_OK(hs_stream_create(process.device, &process.stream));
  CHECK_OK(hs_alloc(process.device, 64, &process.x));
  CHECK_OK(hs_capture_begin(process.stream));
  on_a_new_thread([&] { process.close(); });
  CHECK(fake_cuda::allocated() == 0);
}

TEST(a_device_that_is_closed_while_a_stream_records_leaves_nothing) {
  Process process;
  CHECK_OK(hs_capture_begin(process.stream));
  CHECK_OK(process.reduce(1000000));
  process.close();
  CHECK(fake_cuda::captures() == 0 && fake_cuda::streams() == 0);
  CHECK_THAT(fake_cuda::allocated() == 0, std::to_string(fake_cuda::allocated()));
}

TEST_MAIN()
