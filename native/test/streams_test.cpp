// Two streams of one device: asynchronous copies, and waits between the streams. The simulated
// device does the work as late as possible or at once, so that a missing wait changes results.
#include <thread>

#include "device.h"
#include "sim/schedule.h"

using namespace hs::test;

namespace {

constexpr size_t kCount = 1000;
constexpr uint64_t kBytes = kCount * sizeof(float);

bool says(const char* words) { return std::strstr(hs_last_error(), words) != nullptr; }

// An array of floats in pinned host memory, all with one value.
class Pinned {
 public:
  Pinned(Device& device, float value) : device_(device) {
    CHECK_OK(hs_host_alloc(device.handle(), kBytes, &address_));
    fill(value);
  }
  ~Pinned() { CHECK_OK(hs_host_free(device_.handle(), address_)); }
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

  hs_ptr address() const { return address_; }
  void fill(float value) {
    for (size_t i = 0; i < kCount; i++) reinterpret_cast<float*>(address_)[i] = value;
  }

 private:
  Device& device_;
  hs_ptr address_ = 0;
};

// A stream that computes, a stream that copies, and a list that copies `table` to `result`.
struct Pipeline {
  explicit Pipeline(Device& d)
      : device(d),
        compute(d.stream()),
        table(d, std::vector<float>(kCount, 1.0f)),
        result(d, kCount) {
    CHECK_OK(hs_stream_create(d.handle(), &copies));
    CHECK_OK(hs_capture_begin(compute));
    CHECK_OK(hs_copy(compute, result.address(), table.address(), kBytes));
    CHECK_OK(hs_capture_end(compute, &list));
  }
  ~Pipeline() {
    CHECK_OK(hs_list_destroy(list));
    CHECK_OK(hs_stream_destroy(copies));
  }
  void upload(const Pinned& host) {
    CHECK_OK(hs_upload_async(copies, table.address(), host.address(), kBytes));
  }
  void wait(hs_stream stream, hs_stream other) { CHECK_OK(hs_stream_wait(stream, other)); }
  void launch() { CHECK_OK(hs_list_launch(compute, list, 1)); }
  void synchronize(hs_stream stream) { CHECK_OK(hs_stream_synchronize(stream)); }
  bool read(float value) { return result.get() == std::vector<float>(kCount, value); }

  Device& device;
  hs_stream compute, copies = nullptr;
  Array<float> table, result;
  hs_list list = nullptr;
};

// Runs the body on the simulated device with work done late, then at once.
template <class Body>
void on_sim(const Body& body) {
  on_devices([&](Device& device) {
    if (device.backend() != "sim") return;
    const auto before = hs::sim::schedule_options();
    for (bool late : {true, false}) {
      hs::sim::set_schedule({late ? hs::sim::Order::kForward : hs::sim::Order::kReverse, 0});
      Pipeline pipeline(device);
      body(pipeline, late);
    }
    hs::sim::set_schedule(before);
  });
}

}  // namespace

TEST(an_asynchronous_upload_has_arrived_once_its_stream_was_synchronized) {
  on_devices([](Device& device) {
    Pipeline p(device);
    Pinned host(device, 2);
    p.upload(host);
    p.synchronize(p.copies);
    host.fill(3);
    p.launch();
    CHECK(p.read(2));
  });
}

TEST(a_stream_that_waits_for_another_sees_what_that_one_did) {
  on_devices([](Device& device) {
    Pipeline p(device);
    Pinned host(device, 2);
    p.upload(host);
    p.wait(p.compute, p.copies);
    p.launch();
    CHECK(p.read(2));
    p.synchronize(p.copies);
    // The opposite order: the next copy waits for the launch.
    host.fill(3);
    p.launch();
    p.wait(p.copies, p.compute);
    p.upload(host);
    p.synchronize(p.copies);
    CHECK(p.read(2));
    p.wait(p.compute, p.compute);  // a stream need not wait for itself
    CHECK_OK(hs_upload_async(p.copies, 0, 0, 0));
  });
}

TEST(a_missing_wait_for_a_copy_shows_on_the_simulated_device) {
  on_sim([](Pipeline& p, bool late) {
    Pinned host(p.device, 2);
    p.upload(host);
    p.launch();
    CHECK(p.read(late ? 1 : 2));
  });
}

TEST(a_missing_wait_before_memory_is_overwritten_shows_on_the_simulated_device) {
  on_sim([](Pipeline& p, bool late) {
    Pinned host(p.device, 2);
    p.launch();
    p.upload(host);
    p.synchronize(p.copies);
    CHECK(p.read(late ? 2 : 1));
  });
}

TEST(a_host_buffer_that_is_filled_too_early_shows_on_the_simulated_device) {
  on_sim([](Pipeline& p, bool late) {
    Pinned host(p.device, 2);
    p.upload(host);
    p.wait(p.compute, p.copies);
    host.fill(3);
    p.launch();
    CHECK(p.read(late ? 3 : 2));
  });
}

TEST(a_wait_covers_what_was_called_before_it_alone) {
  on_sim([](Pipeline& p, bool late) {
    Pinned first(p.device, 2), second(p.device, 3);
    p.upload(first);
    p.wait(p.compute, p.copies);
    p.upload(second);
    p.launch();
    CHECK(p.read(late ? 2 : 3));
  });
}

TEST(what_a_stream_has_left_is_done_before_memory_is_freed_and_before_it_ends) {
  on_devices([](Device& device) {
    Pipeline p(device);
    hs_stream third = nullptr;
    CHECK_OK(hs_stream_create(device.handle(), &third));
    Pinned host(device, 2);
    p.wait(third, p.copies);
    p.upload(host);
    p.wait(p.compute, p.copies);
    CHECK_OK(hs_stream_destroy(third));
    p.launch();
    hs_ptr other = 0;
    CHECK_OK(hs_alloc(device.handle(), 64, &other));
    CHECK_OK(hs_upload_async(p.copies, other, host.address(), 64));
    CHECK_OK(hs_free(device.handle(), other));
    CHECK(p.read(2));
  });
}

TEST(a_stream_over_a_foreign_one_runs_in_its_order) {
  on_sim([](Pipeline& p, bool) {
    // `copies` stands for a stream of another library, which uses its native handle.
    uint64_t native = 0;
    CHECK_OK(hs_stream_native(p.copies, &native));
    hs_stream ours = nullptr;
    CHECK_OK(hs_stream_wrap(p.device.handle(), native, &ours));
    uint64_t again = 0;
    CHECK_OK(hs_stream_native(ours, &again));
    CHECK(again == native);
    // Calls on their stream and on ours need no wait between them.
    Pinned host(p.device, 2), more(p.device, 3);
    p.upload(host);
    CHECK_OK(hs_list_launch(ours, p.list, 1));
    p.upload(more);
    p.synchronize(ours);
    CHECK(p.read(2));
    CHECK_OK(hs_list_launch(ours, p.list, 1));
    CHECK_OK(hs_stream_destroy(ours));
    CHECK(p.read(3));
    // Their stream still works.
    p.upload(host);
    p.wait(p.compute, p.copies);
    p.launch();
    CHECK(p.read(2));
  });
}

TEST(a_stream_that_is_none_of_the_devices_is_refused) {
  on_devices([](Device& device) {
    hs_stream ours = nullptr;
    CHECK_REFUSED(hs_stream_wrap(nullptr, 1, &ours), "null");
    if (device.backend() == "cpu") {
      CHECK(hs_stream_wrap(device.handle(), 0, &ours) == HS_UNSUPPORTED && says("use device cuda"));
    } else {
      CHECK_REFUSED(hs_stream_wrap(device.handle(), 1, nullptr), "null");
    }
    if (device.backend() == "sim") {
      CHECK_REFUSED(hs_stream_wrap(device.handle(), 0x1234, &ours), "0x1234 is no stream");
    }
    CHECK(ours == nullptr);
  });
}

TEST(memory_and_lists_come_and_go_while_a_stream_records) {
  on_devices([](Device& device) {
    Pipeline p(device);
    hs_ptr before = 0, meanwhile = 0;
    hs_list first = nullptr, second = nullptr;
    CHECK_OK(hs_alloc(device.handle(), kBytes, &before));
    CHECK_OK(hs_capture_begin(p.compute));
    CHECK_OK(hs_fill(p.compute, HS_F32, p.result.address(), kCount, 4));
    CHECK_OK(hs_capture_end(p.compute, &first));
    CHECK_OK(hs_capture_begin(p.compute));
    CHECK_OK(hs_alloc(device.handle(), kBytes, &meanwhile));
    CHECK_OK(hs_fill(p.compute, HS_F32, meanwhile, kCount, 5));
    CHECK_OK(hs_free(device.handle(), before));
    CHECK_OK(hs_list_destroy(first));
    Pinned host(device, 2);
    p.upload(host);
    p.synchronize(p.copies);
    CHECK_OK(hs_copy(p.compute, p.result.address(), meanwhile, kBytes));
    CHECK_OK(hs_capture_end(p.compute, &second));
    int64_t calls = 0;
    CHECK_OK(hs_list_size(second, &calls));
    CHECK(calls == 2);
    CHECK_OK(hs_list_launch(p.compute, second, 1));
    CHECK(p.read(5));
    CHECK_OK(hs_free(device.handle(), meanwhile));
    CHECK_OK(hs_list_destroy(second));
  });
}

TEST(only_idle_streams_of_one_owner_and_device_wait) {
  on_devices([](Device& device) {
    Device elsewhere(device.backend());
    Pipeline p(device);
    Pinned host(device, 2);
    CHECK(hs_stream_wait(p.compute, elsewhere.stream()) == HS_INVALID_ARGUMENT);
    CHECK(says("of two devices") && says("synchronize the other one"));
    CHECK_REFUSED(hs_stream_wait(nullptr, p.copies), "stream is null");
    CHECK_REFUSED(hs_stream_wait(p.compute, nullptr), "stream is null");
    CHECK_REFUSED(hs_upload_async(p.copies, 0, host.address(), 4), "upload: an address is 0");
    CHECK_REFUSED(hs_upload_async(p.copies, p.table.address(), 0, 4), "upload: an address is 0");
    std::thread([&] {
      CHECK(hs_stream_wait(p.compute, p.copies) == HS_INVALID_STATE && says("another thread"));
      CHECK(hs_upload_async(p.copies, p.table.address(), host.address(), 4) == HS_INVALID_STATE);
    }).join();
    CHECK_OK(hs_stream_release(p.copies));
    CHECK(hs_stream_wait(p.compute, p.copies) == HS_INVALID_STATE && says("released"));
    CHECK_OK(hs_stream_adopt(p.copies));
    CHECK_OK(hs_capture_begin(p.copies));
    CHECK(hs_stream_wait(p.compute, p.copies) == HS_INVALID_STATE && says("wait while"));
    CHECK(hs_stream_wait(p.copies, p.compute) == HS_INVALID_STATE);
    CHECK(hs_upload_async(p.copies, p.table.address(), host.address(), 4) == HS_INVALID_STATE);
    CHECK_OK(hs_capture_end(p.copies, nullptr));
    CHECK_OK(hs_stream_wait(p.copies, p.compute));
  });
}

KERNEL_TEST_MAIN()
