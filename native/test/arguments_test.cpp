// Properties of all calls: they refuse sizes that no memory can hold and impossible addresses, take
// empty operands even if other extents are huge, and report if the host has no memory.
#include <initializer_list>

#include "device.h"

using namespace hs::test;

namespace {

constexpr int64_t kMost = int64_t{1} << 58, kHuge = std::numeric_limits<int64_t>::max();
constexpr float kOne[64] = {1};

// A call with one size for all its extents and one address for all its operands.
struct Call {
  const char* name;
  hs_status (*run)(hs_stream, int64_t size, hs_ptr at);
};

const Call kFlat[] = {
    {"fill", [](hs_stream s, int64_t n, hs_ptr at) { return hs_fill(s, HS_F32, at, n, 0); }},
    {"cast",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_cast(s, HS_F32, at, HS_F16, at, n); }},
    {"random_normal",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_random_normal(s, at, n, 1, 1, 0, 1); }},
    {"random_uniform",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_random_uniform(s, at, n, 1, 1, 0, 1); }},
    {"activation_forward",
     [](hs_stream s, int64_t n, hs_ptr at) {
       return hs_activation_forward(s, HS_RELU, HS_F32, n, at, at);
     }},
    {"activation_backward",
     [](hs_stream s, int64_t n, hs_ptr at) {
       return hs_activation_backward(s, HS_RELU, HS_F32, n, at, at, at);
     }},
    {"elementwise", [](hs_stream s, int64_t n,
                       hs_ptr at) { return hs_elementwise(s, HS_ADD, HS_F32, n, n, at, at, at); }},
    {"scale_add",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_scale_add(s, HS_F32, n, 1, at, 0, at); }},
    {"dropout", [](hs_stream s, int64_t n,
                   hs_ptr at) { return hs_dropout(s, HS_F32, n, 0, 1, 1, at, at, at); }},
    {"pointwise_loss",
     [](hs_stream s, int64_t n, hs_ptr at) {
       return hs_pointwise_loss(s, HS_MSE, HS_F32, 1, n, 1, at, at, 0, at);
     }},
    {"gradient_statistics",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_gradient_statistics(s, n, at, 0, at); }},
    {"gradient_check",
     [](hs_stream s, int64_t n, hs_ptr at) { return hs_gradient_check(s, n, at, at, 1, 0); }},
    {"optimizer_step",
     [](hs_stream s, int64_t n, hs_ptr at) {
       hs_optimizer_desc d{};
       d.rule = HS_SGD;
       d.learning_rate = 1;
       d.weight_units = 1;
       d.copy_type = HS_F32;
       return hs_optimizer_step(s, &d, n, at, at, 0, 0, 0, 0, 0, 0, 0, 0);
     }},
};

// A call whose operands have two extents or more: `a` and `b` are two of them.
struct WideCall {
  const char* name;
  hs_status (*run)(hs_stream, int64_t a, int64_t b, hs_ptr at);
};

const WideCall kWide[] = {
    {"gather",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_gather_desc d{HS_F32, HS_F32, 1, b, a, 1, 1};
       return hs_gather(s, &d, at, 0, 0, 0, 0, at);
     }},
    {"matmul",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_matmul_desc d{HS_F32, HS_F32, 0, 0, 1, a, 1, b, b, 1, 1, 0, 0, 0, 1, 0, HS_NONE, 0};
       return hs_matmul(s, &d, at, at, at, 0, 0, 0);
     }},
    {"cross_entropy",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_cross_entropy_desc d{HS_F32, a, b > INT32_MAX ? INT32_MAX : b, 0, -1, 1};
       return hs_cross_entropy(s, &d, at, at, 0, 0, 0, 0);
     }},
    {"batch_norm_inference",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_batch_norm_desc d{HS_F32, a, b, 1e-5f, 0.1f, HS_NONE};
       return a == 0 ? HS_OK : hs_batch_norm_inference(s, &d, at, at, at, 0, at, at, at);
     }},
    {"group_norm",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_group_norm_desc d{HS_F32, a, 2, b, 1, 1e-5f};
       return hs_group_norm(s, &d, at, 0, 0, at, 0, 0);
     }},
    {"group_norm",  // one position: layer normalisation
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_group_norm_desc d{HS_F32, a, 1, b, 1, 1e-5f};
       return hs_group_norm(s, &d, at, 0, 0, at, 0, 0);
     }},
    {"group_norm_backward",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_group_norm_desc d{HS_F32, a, 2, b, 1, 1e-5f};
       return hs_group_norm_backward(s, &d, at, at, 0, at, at, at, 0, 0, 0);
     }},
    {"softmax",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_softmax_desc d{HS_F32, a, b, 1, 0, 0, 0};
       return hs_softmax(s, &d, at, at, 0);
     }},
    {"softmax_backward",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_softmax_desc d{HS_F32, a, b, 1, 0, 0, 0};
       return hs_softmax_backward(s, &d, at, at, at);
     }},
    {"reduce",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_reduce_desc d{HS_SUM, HS_F32, HS_F32, a, 3, b, 0};
       return hs_reduce(s, &d, at, at, 0);
     }},
    {"reduce_backward",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_reduce_desc d{HS_SUM, HS_F32, HS_F32, a, 3, b, 0};
       return hs_reduce_backward(s, &d, at, 0, at);
     }},
    {"permute",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const int64_t extents[] = {a, b};
       const int32_t order[] = {1, 0};
       return hs_permute(s, HS_F32, 2, extents, order, at, at);
     }},
    {"conv2d",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_conv2d_desc d{HS_F32, a, b, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, HS_NONE};
       return hs_conv2d(s, &d, at, at, 0, 0, at);
     }},
    {"conv2d_backward_data",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       // The strides leave one output and have 2^62 phases, nearly all of them empty.
       const hs_conv2d_desc d{HS_F32,    a,         b, 1, 1, 1, 1, 1,
                              INT32_MAX, INT32_MAX, 0, 0, 1, 1, 1, HS_NONE};
       return hs_conv2d_backward_data(s, &d, at, at, 0, at);
     }},
    {"pool2d",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_pool2d_desc d{HS_MAX_POOL, HS_F32, a, b, b > 1 ? 4 : 1, 1, 1, 1, 1, 1, 0, 0};
       return hs_pool2d(s, &d, at, at, 0);
     }},
    {"pool2d_backward",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_pool2d_desc d{HS_AVERAGE_POOL, HS_F32, a, 4, b, 1, 1, 1, 1, 1, 0, 0};
       return hs_pool2d_backward(s, &d, at, 0, at);
     }},
    {"resize",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_resize_desc d{HS_F32, a, 4, b, 1, 2, 2};
       return hs_resize(s, &d, at, at);
     }},
    {"resize_backward",
     [](hs_stream s, int64_t a, int64_t b, hs_ptr at) {
       const hs_resize_desc d{HS_F32, a, 2, 2, 1, 4, b};
       return hs_resize_backward(s, &d, at, at);
     }},
};

std::string shown(int64_t size) { return std::to_string(size) + " elements: " + hs_last_error(); }

}  // namespace

TEST(counts_that_no_memory_can_hold_are_refused) {
  on_devices([](Device& device) {
    Array<double> memory(device, 64);
    for (const Call& call : kFlat) {
      for (int64_t size : {int64_t{-1}, kMost + 1, int64_t{1} << 61, int64_t{1} << 62, kHuge}) {
        const hs_status status = call.run(device.stream(), size, memory.address());
        CHECK_THAT(status == HS_INVALID_ARGUMENT, call.name + (" of " + shown(size)));
      }
      CHECK_THAT(call.run(device.stream(), 0, memory.address()) == HS_OK, hs_last_error());
    }
    CHECK_REFUSED(hs_copy(device.stream(), memory.address(), memory.address(), UINT64_MAX), "copy");
  });
}

TEST(extents_that_no_memory_can_hold_are_refused) {
  on_devices([](Device& device) {
    Array<double> memory(device, 64);
    for (const WideCall& call : kWide) {
      for (int64_t size : {kMost / 2 + 1, int64_t{1} << 61, kHuge}) {
        const hs_status status = call.run(device.stream(), 4, size, memory.address());
        if (std::strcmp(call.name, "cross_entropy") !=
            0) {  // its number of classes has another limit
          CHECK_THAT(status == HS_INVALID_ARGUMENT, call.name + (" of " + shown(size)));
        }
        const hs_status other = call.run(device.stream(), size, 4, memory.address());
        CHECK_THAT(other == HS_INVALID_ARGUMENT, call.name + (" of " + shown(size)));
      }
    }
  });
}

TEST(nothing_happens_to_empty_operands_however_large_their_other_extents) {
  on_devices([](Device& device) {
    for (const WideCall& call : kWide) {
      const bool has_weights =
          std::strncmp(call.name, "conv2d", 6) == 0 || std::strcmp(call.name, "matmul") == 0;
      Array<float> weights(device, std::vector<float>(kOne, kOne + 1));
      for (int64_t size : {int64_t{1} << 40, int64_t{1} << 55}) {
        const hs_ptr at = has_weights ? weights.address() : 0;
        const hs_status status = call.run(device.stream(), 0, size, at);
        // GPUs count the elements of an image in 31 bits.
        const bool unsupported = status == HS_UNSUPPORTED && device.backend() != "cpu";
        CHECK_THAT(status == HS_OK || unsupported, call.name + (": " + shown(size)));
      }
      CHECK_THAT(weights.get()[0] == 1, call.name);
    }
  });
}

TEST(rows_beyond_all_memory_are_not_copied) {
  on_devices([](Device& device) {
    Array<uint8_t> memory(device, 64);
    const hs_ptr at = memory.address();
    const auto call = [&](int64_t rows, uint64_t bytes, uint64_t src_pitch, uint64_t dst_pitch) {
      return hs_copy_rows(device.stream(), rows, bytes, at, src_pitch, at, dst_pitch);
    };
    const uint64_t wraps = (uint64_t{1} << 62) + 1;  // times 4 it wraps round to 4
    CHECK_REFUSED(call(5, 4, wraps, wraps),
                  "copy_rows: 5 rows of 4 bytes at pitches of 4611686018");
    CHECK_REFUSED(call(kHuge, 4, 0, 4), "copy_rows");
    CHECK_REFUSED(call(1, UINT64_MAX, 0, 0), "copy_rows");
    CHECK_OK(call(0, UINT64_MAX, UINT64_MAX, UINT64_MAX));
  });
}

TEST(numbers_that_are_no_addresses_are_refused_by_name) {
  on_devices([](Device& device) {
    Array<float> memory(device, 64);
    const hs_stream s = device.stream();
    const hs_ptr at = memory.address();
    for (const Call& call : kFlat) {
      for (hs_ptr low : {hs_ptr{0}, hs_ptr{1}, hs_ptr{16}, hs_ptr{4095}}) {
        CHECK_THAT(call.run(s, 4, low) == HS_INVALID_ARGUMENT, call.name);
      }
    }
    for (const WideCall& call : kWide) {
      for (hs_ptr low : {hs_ptr{0}, hs_ptr{1}, hs_ptr{4095}}) {
        CHECK_THAT(call.run(s, 2, 2, low) == HS_INVALID_ARGUMENT, call.name);
      }
    }
    CHECK_REFUSED(hs_scale_add(s, HS_F32, 4, 1, 0, 1, at), "scale_add: x is 0: it is not optional");
    CHECK_REFUSED(hs_scale_add(s, HS_F32, 4, 1, at, 1, 16),
                  "scale_add: y is 16, which is no address");
    const hs_reduce_desc maximum{HS_MAX, HS_F32, HS_F32, 1, 2, 1, 0};
    CHECK_REFUSED(hs_reduce(s, &maximum, at, at, 8), "reduce: index is 8");
  });
}

TEST(scratch_that_the_host_does_not_have_is_an_error) {
  // Only on the CPU: the simulated device and GPUs need no scratch here.
  Device device("cpu");
  Array<float> x(device, std::vector<float>(16, 1.0f)), y(device, std::vector<float>(16, 2.0f));
  const hs_resize_desc tall{HS_F32, 1, 1, 1, 1, int64_t{1} << 44, 1};
  CHECK(hs_resize(device.stream(), &tall, x.address(), y.address()) == HS_OUT_OF_MEMORY);
  CHECK_THAT(
      std::strstr(hs_last_error(), "bytes that the call needs besides its operands") != nullptr,
      hs_last_error());
  // The same in a list; afterwards the stream and the threads work as before.
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(device.stream()));
  CHECK_OK(hs_resize(device.stream(), &tall, x.address(), y.address()));
  CHECK_OK(hs_capture_end(device.stream(), &list));
  CHECK(hs_list_launch(device.stream(), list, 1) == HS_OUT_OF_MEMORY);
  CHECK_OK(hs_list_destroy(list));
  CHECK(y.get() == std::vector<float>(16, 2.0f));
  CHECK_OK(hs_set_threads(3));
  CHECK_OK(hs_scale_add(device.stream(), HS_F32, 16, 3, x.address(), 0, y.address()));
  CHECK_OK(hs_set_threads(0));
  CHECK(y.get() == std::vector<float>(16, 3.0f));
}

TEST(strides_beyond_the_image_cost_nothing) {
  on_devices([](Device& device) {
    const hs_conv2d_desc d{HS_F32,    1,         2, 2, 1, 1, 1, 1,
                           INT32_MAX, INT32_MAX, 0, 0, 1, 1, 1, HS_NONE};
    Array<float> dy(device, std::vector<float>{3}), weights(device, std::vector<float>{2});
    Array<float> dx(device, 4);
    CHECK_OK(hs_conv2d_backward_data(device.stream(), &d, dy.address(), weights.address(), 0,
                                     dx.address()));
    CHECK(dx.get() == (std::vector<float>{6, 0, 0, 0}));
  });
}

TEST(windows_far_beyond_the_image_average_what_lies_in_it) {
  // There is only one output, since the GPU's kernel counts padded elements in 31 bits.
  const int32_t wide = (1 << 29) + 1;
  const hs_pool2d_desc d{HS_AVERAGE_POOL, HS_F32, 1, 2, 2, 1, wide, wide, 1, 1, wide / 2, wide / 2};
  on_devices([&](Device& device) {
    Array<float> x(device, std::vector<float>{1, 2, 3, 6}), y(device, 4), dx(device, 4);
    const hs_status status = hs_pool2d(device.stream(), &d, x.address(), y.address(), 0);
    if (device.backend() != "cpu") {
      CHECK(status == HS_UNSUPPORTED);
      return;
    }
    CHECK_OK(status);
    CHECK(y.get() == (std::vector<float>{3, 3, 3, 3}));
    CHECK_OK(hs_pool2d_backward(device.stream(), &d, y.address(), 0, dx.address()));
    CHECK(dx.get() == (std::vector<float>{3, 3, 3, 3}));
  });
}

KERNEL_TEST_MAIN()
