// Devices, streams, memory and lists: their rules, and the errors when a rule is broken.
#include <thread>

#include "device.h"

using namespace hs::test;

namespace {

bool says(const char* words) { return std::strstr(hs_last_error(), words) != nullptr; }

hs_device_info query(hs_device device) {
  hs_device_info info{};
  CHECK_OK(hs_device_query(device, &info));
  return info;
}

}  // namespace

TEST(memory_is_accounted_for_and_close_frees_all) {
  on_devices([](Device& device) {
    hs_device open = nullptr;
    CHECK_OK(hs_device_open(device.backend().c_str(), 0, &open));
    hs_ptr first = 0, second = 0, pinned = 0;
    CHECK_OK(hs_alloc(open, 1000, &first));
    CHECK_OK(hs_alloc(open, 5 << 20, &second));
    CHECK_OK(hs_host_alloc(open, 64, &pinned));
    CHECK(first % 256 == 0 && second % 256 == 0 && pinned % 256 == 0 && first != second);
    CHECK(query(open).memory_used == 1000 + (5 << 20));
    CHECK_OK(hs_free(open, second));
    CHECK(query(open).memory_used == 1000 && query(open).memory_peak == 1000 + (5 << 20));
    hs_stream stream = nullptr;
    hs_list list = nullptr;
    CHECK_OK(hs_stream_create(open, &stream));
    CHECK_OK(hs_capture_begin(stream));
    CHECK_OK(hs_fill(stream, HS_U8, first, 1000, 1));
    CHECK_OK(hs_capture_end(stream, &list));
    // Closing the device frees the memory, the list and the stream, which is recording again (the
    // address sanitizer would report a leak or a second free).
    CHECK_OK(hs_capture_begin(stream));
    CHECK_OK(hs_fill(stream, HS_U8, first, 1000, 2));
    CHECK_OK(hs_device_close(open));
  });
}

TEST(addresses_that_were_not_given_out_are_not_freed) {
  on_devices([](Device& device) {
    Device other(device.backend());
    hs_ptr block = 0;
    CHECK_OK(hs_alloc(device.handle(), 64, &block));
    CHECK(hs_free(device.handle(), block + 1) == HS_INVALID_ARGUMENT && says("not given out"));
    CHECK(hs_free(other.handle(), block) == HS_INVALID_ARGUMENT);
    CHECK(hs_host_free(device.handle(), block) == HS_INVALID_ARGUMENT);
    CHECK_OK(hs_free(device.handle(), block));
    CHECK(hs_free(device.handle(), block) == HS_INVALID_ARGUMENT && says("free already"));
    CHECK_OK(hs_free(device.handle(), 0));
    hs_ptr none = 1;
    CHECK_OK(hs_alloc(device.handle(), 0, &none));
    CHECK(none == 0);
  });
}

TEST(the_memory_limit_holds) {
  on_devices([](Device& device) {
    CHECK_OK(hs_device_set_memory_limit(device.handle(), 1000));
    hs_ptr a = 0, b = 77;
    CHECK_OK(hs_alloc(device.handle(), 600, &a));
    CHECK(hs_alloc(device.handle(), 401, &b) == HS_OUT_OF_MEMORY && b == 77);
    CHECK(says("401 bytes") && says("600 are held") && says("limit is 1000"));
    CHECK_OK(hs_alloc(device.handle(), 400, &b));
    CHECK_OK(hs_device_set_memory_limit(device.handle(), 0));
    CHECK(hs_alloc(device.handle(), UINT64_MAX - 5, &b) == HS_OUT_OF_MEMORY);
    CHECK(hs_alloc(device.handle(), uint64_t{1} << 60, &b) == HS_OUT_OF_MEMORY);
  });
}

TEST(a_stream_serves_its_owner_alone) {
  on_devices([](Device& device) {
    Array<float> x(device, 8);
    hs_stream stream = device.stream();
    const auto on_another_thread = [](const auto& body) { std::thread(body).join(); };
    on_another_thread([&] {
      CHECK(hs_fill(stream, HS_F32, x.address(), 8, 1) == HS_INVALID_STATE);
      CHECK(says("belongs to another thread"));
      CHECK(hs_stream_synchronize(stream) == HS_INVALID_STATE);
      CHECK(hs_stream_adopt(stream) == HS_INVALID_STATE && says("must release it"));
      CHECK(hs_stream_release(stream) == HS_INVALID_STATE);
      CHECK(hs_stream_set_tf32(stream, 1) == HS_INVALID_STATE);
    });
    CHECK_OK(hs_stream_release(stream));
    CHECK(hs_fill(stream, HS_F32, x.address(), 8, 1) == HS_INVALID_STATE && says("released"));
    on_another_thread([&] {
      CHECK_OK(hs_stream_adopt(stream));
      CHECK_OK(hs_fill(stream, HS_F32, x.address(), 8, 3));
      CHECK_OK(hs_stream_synchronize(stream));
      CHECK_OK(hs_stream_release(stream));
    });
    CHECK_OK(hs_stream_adopt(stream));
    CHECK_OK(hs_stream_adopt(stream));  // adopting one's own stream changes nothing
    CHECK(x.get() == std::vector<float>(8, 3.0f));
    on_another_thread([&] { CHECK(hs_stream_share(stream) == HS_INVALID_STATE); });
    CHECK_OK(hs_stream_share(stream));
    on_another_thread([&] {
      CHECK_OK(hs_fill(stream, HS_F32, x.address(), 8, 4));
      CHECK_OK(hs_stream_synchronize(stream));
      CHECK(hs_stream_adopt(stream) == HS_INVALID_STATE && says("no thread owns it"));
    });
    CHECK(hs_stream_release(stream) == HS_INVALID_STATE && says("no thread owns it"));
    CHECK(x.get() == std::vector<float>(8, 4.0f));
  });
}

TEST(a_list_runs_on_its_own_device_alone_as_often_as_asked) {
  on_devices([](Device& device) {
    Device other(device.backend());
    hs_step_state initial{};
    Array<hs_step_state> state(device, std::vector{initial});
    hs_list list = nullptr;
    CHECK_OK(hs_capture_begin(device.stream()));
    CHECK_OK(hs_micro_step_end(device.stream(), state.address(), 5));
    CHECK_OK(hs_micro_step_end(device.stream(), state.address(), 2));
    CHECK_OK(hs_capture_end(device.stream(), &list));
    int64_t calls = 0;
    CHECK_OK(hs_list_size(list, &calls));
    CHECK(calls == 2);
    CHECK(hs_list_launch(other.stream(), list, 1) == HS_INVALID_ARGUMENT && says("another device"));
    CHECK(hs_list_launch(device.stream(), list, -1) == HS_INVALID_ARGUMENT && says("times is -1"));
    CHECK(hs_list_launch(device.stream(), nullptr, 1) == HS_INVALID_ARGUMENT);
    CHECK_OK(hs_list_launch(device.stream(), list, 0));
    CHECK(state.get()[0].cursor == 0);
    CHECK_OK(hs_list_launch(device.stream(), list, 100));
    CHECK(state.get()[0].cursor == 700 && state.get()[0].micro_step == 200);
    hs_stream second = nullptr;
    CHECK_OK(hs_stream_create(device.handle(), &second));
    CHECK_OK(hs_list_launch(second, list, 1));
    CHECK_OK(hs_stream_destroy(second));
    CHECK_OK(hs_list_destroy(list));
    CHECK(state.get()[0].cursor == 707);
  });
}

TEST(a_failed_call_leaves_the_recording_as_it_was) {
  on_devices([](Device& device) {
    Array<float> x(device, std::vector<float>(4, 0.0f));
    hs_list list = nullptr;
    CHECK_OK(hs_capture_begin(device.stream()));
    CHECK_OK(hs_fill(device.stream(), HS_F32, x.address(), 4, 2));
    CHECK_REFUSED(hs_fill(device.stream(), HS_F32, x.address(), -1, 9), "count is -1");
    CHECK_OK(hs_capture_end(device.stream(), &list));
    CHECK(x.get() == std::vector<float>(4, 0.0f));  // recorded, not run
    CHECK_OK(hs_list_launch(device.stream(), list, 1));
    CHECK(x.get() == std::vector<float>(4, 2.0f));
  });
}

TEST(what_makes_no_sense_while_recording_is_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 4);
    hs_stream stream = device.stream();
    float host[4] = {};
    const hs_ptr there = reinterpret_cast<hs_ptr>(host);
    hs_list list = nullptr;
    CHECK(hs_capture_end(stream, &list) == HS_INVALID_STATE && says("does not record"));
    CHECK_OK(hs_capture_begin(stream));
    CHECK(hs_capture_begin(stream) == HS_INVALID_STATE);
    CHECK(hs_upload(stream, x.address(), there, 16) == HS_INVALID_STATE && says("upload"));
    CHECK(hs_download(stream, there, x.address(), 16) == HS_INVALID_STATE && says("download"));
    CHECK(hs_stream_synchronize(stream) == HS_INVALID_STATE && says("end the capture first"));
    CHECK(hs_stream_release(stream) == HS_INVALID_STATE);
    CHECK(hs_stream_destroy(stream) == HS_INVALID_STATE);
    CHECK_OK(hs_capture_end(stream, nullptr));  // drops the recording
    CHECK_OK(hs_stream_synchronize(stream));
  });
}

TEST(null_handles_and_outputs_are_refused) {
  on_devices([](Device& device) {
    hs_ptr address = 0;
    CHECK_REFUSED(hs_device_close(nullptr), "device is null");
    CHECK_REFUSED(hs_device_query(nullptr, nullptr), "device is null");
    CHECK_REFUSED(hs_device_query(device.handle(), nullptr), "info is null");
    CHECK_REFUSED(hs_device_open(device.backend().c_str(), 0, nullptr), "device is null");
    CHECK_REFUSED(hs_alloc(nullptr, 1, &address), "device is null");
    CHECK_REFUSED(hs_alloc(device.handle(), 1, nullptr), "address is null");
    CHECK_REFUSED(hs_stream_create(nullptr, nullptr), "null");
    CHECK_REFUSED(hs_stream_synchronize(nullptr), "stream is null");
    CHECK_REFUSED(hs_stream_set_tf32(nullptr, 1), "stream is null");
    CHECK_REFUSED(hs_list_destroy(nullptr), "list is null");
    CHECK_REFUSED(hs_list_size(nullptr, nullptr), "null");
    CHECK_REFUSED(hs_upload(device.stream(), 0, 1, 4), "upload: an address is 0");
    CHECK_REFUSED(hs_download(device.stream(), 1, 0, 4), "download: an address is 0");
    CHECK_OK(hs_upload(device.stream(), 0, 0, 0));
  });
}

TEST(unknown_backends_and_ordinals_are_named) {
  hs_device device = nullptr;
  int32_t count = 0;
  CHECK(hs_device_open("tpu", 0, &device) == HS_NO_DEVICE && says("\"tpu\"") && says("noop"));
  CHECK(hs_device_open(nullptr, 0, &device) == HS_NO_DEVICE);
  CHECK(hs_device_open("cpu", 1, &device) == HS_NO_DEVICE && says("cpu:1"));
  CHECK(hs_device_open("cpu", -1, &device) == HS_NO_DEVICE);
  CHECK(device == nullptr);
  CHECK_OK(hs_device_count("cpu", &count));
  CHECK(count == 1);
}

TEST(the_number_of_threads_is_checked) {
  int32_t threads = 0;
  CHECK_REFUSED(hs_set_threads(-1), "threads is -1");
  CHECK_REFUSED(hs_set_threads(257), "threads is 257");
  CHECK_OK(hs_set_threads(3));
  CHECK_OK(hs_get_threads(&threads));
  CHECK(threads == 3);
  CHECK_OK(hs_set_threads(0));
  CHECK_OK(hs_get_threads(&threads));
  CHECK(threads >= 1);
  CHECK_REFUSED(hs_get_threads(nullptr), "null");
}

TEST(a_null_stream_is_the_CPU_from_any_thread) {
  std::thread([] {
    float x[3] = {};
    CHECK_OK(hs_fill(nullptr, HS_F32, reinterpret_cast<hs_ptr>(x), 3, 7));
    CHECK(x[0] == 7 && x[2] == 7);
  }).join();
}

TEST(the_noop_device_records_and_launches_but_computes_nothing) {
  Device noop("noop");
  Array<float> x(noop, 4);
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(noop.stream()));
  CHECK_OK(hs_fill(noop.stream(), HS_F32, x.address(), 4, 1));
  CHECK_REFUSED(hs_fill(noop.stream(), HS_F32, x.address(), -4, 1), "count is -4");
  CHECK_OK(hs_capture_end(noop.stream(), &list));
  CHECK_OK(hs_list_launch(noop.stream(), list, 10));
  CHECK(std::isnan(x.get()[0]));
}

TEST_MAIN()
