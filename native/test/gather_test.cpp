// Gathering a batch by index: conversion, normalisation, an order that wraps round, bad indices.
#include "device.h"

using namespace hs::test;

namespace {

struct Shape {
  int64_t src_rows, row_size, batch, order_size, channels;
  int64_t cursor;
};

// Rows of one element; one below and one above the widths of vectors; few channels that do and do
// not divide the width, many channels, one per element; a cursor that wraps round; batches larger
// than a tile.
constexpr Shape kCases[] = {
    {5, 1, 7, 5, 1, 0},           {9, 3, 4, 9, 3, 7},      {4, 15, 3, 4, 1, 2},
    {4, 16, 3, 4, 16, 1},         {4, 17, 9, 4, 17, 3},    {6, 33, 5, 6, 3, 5},
    {6, 63, 5, 3, 7, 2},          {8, 784, 33, 20, 1, 15}, {3, 300, 4, 3, 20, 0},
    {10, 1000, 64, 10, 1000, 9},  {7, 1024, 5, 7, 64, 6},  {2, 20000, 3, 2, 1, 1},
    {300, 10, 5000, 300, 10, 17}, {5, 0, 3, 5, 1, 0},      {5, 8, 0, 5, 1, 0}};

std::vector<int32_t> make_order(const Shape& c) {
  std::vector<int32_t> order(static_cast<size_t>(c.order_size));
  for (size_t i = 0; i < order.size(); i++) {
    order[i] = static_cast<int32_t>((i * 7 + 3) % static_cast<size_t>(c.src_rows));
  }
  return order;
}

// Gathers with and without an order and normalisation and checks each element.
template <class From>
void check_gather(Device& device, const Shape& c, hs_dtype from, const std::vector<From>& values) {
  Array<From> src(device, values, 1);
  const std::vector<int32_t> order = make_order(c);
  Array<int32_t> order_memory(device, order, 1);
  const std::vector<float> scale = normals(static_cast<size_t>(c.channels), 1, 1, 2);
  const std::vector<float> shift = normals(static_cast<size_t>(c.channels), 2);
  Array<float> scale_memory(device, scale, 1), shift_memory(device, shift, 1);
  hs_step_state initial{};
  initial.cursor = c.cursor;
  Array<hs_step_state> state(device, std::vector{initial});
  const size_t count = static_cast<size_t>(c.batch * c.row_size);
  for (const StorageType& to : kStorageTypes) {
    for (bool ordered : {true, false}) {
      for (bool scaled : {true, false}) {
        StorageArray dst(device, to.type, count, 1);
        const hs_gather_desc desc = {from,    to.type,      c.src_rows, c.row_size,
                                     c.batch, c.order_size, c.channels};
        CHECK_OK(hs_gather(device.stream(), &desc, src.address(),
                           ordered ? order_memory.address() : 0, state.address(),
                           scaled ? scale_memory.address() : 0, scaled ? shift_memory.address() : 0,
                           dst.address()));
        const std::vector<float> results = dst.get();
        size_t wrong = 0;
        for (size_t i = 0; i < count; i++) {
          const int64_t b = static_cast<int64_t>(i) / c.row_size;
          const int64_t e = static_cast<int64_t>(i) % c.row_size;
          const int64_t row = ordered ? order[static_cast<size_t>((c.cursor + b) % c.order_size)]
                                      : (c.cursor + b) % c.src_rows;
          const double x = static_cast<double>(values[static_cast<size_t>(row * c.row_size + e)]);
          const size_t channel = static_cast<size_t>(e % c.channels);
          const double factor = scaled ? scale[channel] : 1.0, offset = scaled ? shift[channel] : 0;
          const double expected = x * factor + offset;
          const double bound = scaled ? 0x1p-23 * (std::abs(x * factor) + std::abs(offset)) : 0;
          const double rounding = to.type == HS_F32 ? 0 : to.unit * std::abs(expected) + 0x1p-25;
          if (!(std::abs(results[i] - expected) <= bound + rounding)) wrong++;
        }
        CHECK_THAT(wrong == 0, std::to_string(wrong) + " of " + std::to_string(count) + " in " +
                                   to.name + ", rows of " + std::to_string(c.row_size));
      }
    }
  }
  CHECK(state.get()[0].error == 0 && state.get()[0].cursor == c.cursor);
}

}  // namespace

TEST(rows_come_by_their_index_converted_and_normalised) {
  on_devices([](Device& device) {
    for (const Shape& c : kCases) {
      const size_t count = static_cast<size_t>(c.src_rows * c.row_size);
      check_gather(device, c, HS_F32, normals(count, 3));
      std::vector<uint8_t> bytes(count);
      for (size_t i = 0; i < count; i++) bytes[i] = static_cast<uint8_t>(i * 37 + i / 256);
      check_gather(device, c, HS_U8, bytes);
    }
  });
}

TEST(tokens_and_labels_come_as_they_are) {
  on_devices([](Device& device) {
    for (const Shape& c : kCases) {
      std::vector<int32_t> values(static_cast<size_t>(c.src_rows * c.row_size));
      for (size_t i = 0; i < values.size(); i++) values[i] = static_cast<int32_t>(i * 2654435761u);
      Array<int32_t> src(device, values), order(device, make_order(c));
      Array<int32_t> dst(device, static_cast<size_t>(c.batch * c.row_size), 1);
      const hs_gather_desc desc = {HS_I32,  HS_I32,       c.src_rows, c.row_size,
                                   c.batch, c.order_size, 0};
      CHECK_OK(hs_gather(device.stream(), &desc, src.address(), order.address(), 0, 0, 0,
                         dst.address()));
      const std::vector<int32_t> result = dst.get(), indices = order.get();
      for (size_t i = 0; i < result.size(); i++) {
        const size_t width = static_cast<size_t>(c.row_size);
        const size_t row = static_cast<size_t>(indices[i / width % indices.size()]);
        CHECK(result[i] == values[row * width + i % width]);
      }
    }
  });
}

TEST(an_index_outside_gives_a_row_of_zeros_and_the_sticky_error) {
  on_devices([](Device& device) {
    for (int32_t bad : {-1, 4, INT32_MAX, INT32_MIN}) {
      for (int64_t width : {1, 10, 1000}) {
        const size_t row = static_cast<size_t>(width);
        Array<float> src(device, std::vector<float>(4 * row, 1.0f)), dst(device, 3 * row);
        Array<int32_t> order(device, {0, bad, 3});
        Array<float> scale(device, std::vector{1.0f}), shift(device, std::vector{5.0f});
        hs_step_state initial{};
        initial.error = HS_ERROR_LABEL;  // an earlier error bit, which must stay set
        Array<hs_step_state> state(device, std::vector{initial});
        const hs_gather_desc desc = {HS_F32, HS_F32, 4, width, 3, 3, 1};
        CHECK_OK(hs_gather(device.stream(), &desc, src.address(), order.address(), state.address(),
                           scale.address(), shift.address(), dst.address()));
        const std::vector<float> result = dst.get();
        for (size_t i = 0; i < result.size(); i++) CHECK(result[i] == (i / row == 1 ? 0 : 6));
        CHECK(state.get()[0].error == (HS_ERROR_LABEL | HS_ERROR_INDEX));
      }
    }
  });
}

TEST(a_negative_cursor_takes_rows_of_the_order_all_the_same) {
  on_devices([](Device& device) {
    hs_step_state state{};
    state.cursor = -1;
    Array<hs_step_state> memory(device, std::vector{state});
    Array<float> src(device, std::vector<float>{10, 11, 12}), dst(device, 2);
    Array<int32_t> order(device, std::vector<int32_t>{2, 0, 1});
    const hs_gather_desc desc = {HS_F32, HS_F32, 3, 1, 2, 3, 1};
    CHECK_OK(hs_gather(device.stream(), &desc, src.address(), order.address(), memory.address(), 0,
                       0, dst.address()));
    CHECK(dst.get() == (std::vector<float>{11, 12}));
    CHECK(memory.get()[0].error == 0);
  });
}

TEST(results_depend_on_neither_threads_nor_capture) {
  on_devices([](Device& device) {
    const Shape c = {300, 1000, 512, 300, 1000, 17};
    Array<float> src(device, normals(300 * 1000, 4)), dst(device, 512 * 1000);
    Array<int32_t> order(device, make_order(c));
    Array<float> scale(device, normals(1000, 5)), shift(device, normals(1000, 6));
    const hs_gather_desc desc = {HS_F32, HS_F32, 300, 1000, 512, 300, 1000};
    check_same_everywhere(
        device,
        [&](hs_stream stream) {
          CHECK_OK(hs_gather(stream, &desc, src.address(), order.address(), 0, scale.address(),
                             shift.address(), dst.address()));
        },
        [&] { return dst.get(); });
  });
}

TEST(arguments_that_make_no_sense_are_refused) {
  on_devices([](Device& device) {
    Array<float> x(device, 8);
    const hs_ptr at = x.address();
    const auto call = [&](hs_gather_desc d, hs_ptr src, hs_ptr scale, hs_ptr shift) {
      return hs_gather(device.stream(), &d, src, at, 0, scale, shift, at);
    };
    CHECK_REFUSED(hs_gather(device.stream(), nullptr, at, at, 0, 0, 0, at), "desc is null");
    CHECK_REFUSED(call({HS_F64, HS_F32, 2, 2, 2, 2, 1}, at, 0, 0), "gather from F64 to F32");
    CHECK_REFUSED(call({HS_I32, HS_F32, 2, 2, 2, 2, 1}, at, 0, 0), "gather from I32 to F32");
    CHECK_REFUSED(call({HS_F32, HS_F32, 0, 2, 2, 2, 1}, at, 0, 0), "src_rows 0");
    CHECK_REFUSED(call({HS_F32, HS_F32, 2, -2, 2, 2, 1}, at, 0, 0), "row_size -2");
    CHECK_REFUSED(call({HS_F32, HS_F32, 2, 2, 2, 0, 1}, at, 0, 0), "order_size is 0");
    CHECK_REFUSED(call({HS_F32, HS_F32, 2, 2, 2, 2, 1}, at, at, 0), "scale and shift");
    CHECK_REFUSED(call({HS_F32, HS_F32, 2, 3, 2, 2, 2}, at, at, at), "2 channels do not divide");
    CHECK_REFUSED(call({HS_F32, HS_F32, 2, 2, 2, 2, 1}, 0, 0, 0), "src is 0");
  });
}

KERNEL_TEST_MAIN()
