// Gathers a batch by index, converts it and normalises it. Bound by memory: each chosen row is read
// once and written once; 8 bytes per F32 element, 5 from U8.
#include "numerics/step.h"

#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpanElements = 16 << 10;
constexpr int64_t kFewChannels = 16;

// scale and shift. If there are few channels, `scales` and `shifts` repeat them for kLanes pixels:
// vector j of a row uses vector j % channels of these.
struct Affine {
  const float* scale;
  const float* shift;
  int64_t channels;
  float scales[kFewChannels * kLanes];
  float shifts[kFewChannels * kLanes];
};

void prepare(const GatherArgs& args, Affine* affine) {
  affine->scale = args.scale;
  affine->shift = args.shift;
  affine->channels = args.desc.channels;
  if (args.scale == nullptr || affine->channels > kFewChannels) return;
  for (int64_t i = 0; i < affine->channels * kLanes; i++) {
    affine->scales[i] = args.scale[i % affine->channels];
    affine->shifts[i] = args.shift[i % affine->channels];
  }
}

template <class From, class To>
HS_INLINE void convert_row(const From* src, To* dst, int64_t count) {
  for_vectors(0, count,
              [=](int64_t i, auto lanes) { store(dst + i, load(src + i, lanes), lanes); });
}

template <class From, class To>
HS_INLINE void few_channels_row(const From* src, To* dst, int64_t count, const Affine& affine) {
  const int64_t period = affine.channels * kLanes;
  int64_t at = 0;
  for_vectors(0, count, [&](int64_t i, auto lanes) {
    store(dst + i, load(src + i, lanes) * load(affine.scales + at) + load(affine.shifts + at),
          lanes);
    at = at + kLanes == period ? 0 : at + kLanes;
  });
}

template <class From, class To>
HS_INLINE void many_channels_row(const From* src, To* dst, int64_t count, const Affine& affine) {
  for (int64_t pixel = 0; pixel < count; pixel += affine.channels) {
    for_vectors(0, affine.channels, [&](int64_t c, auto lanes) {
      store(dst + pixel + c,
            load(src + pixel + c, lanes) * load(affine.scale + c, lanes) +
                load(affine.shift + c, lanes),
            lanes);
    });
  }
}

template <class From, class To>
void gather_row(const void* src, void* dst, int64_t count, const Affine& affine) {
  const From* from = static_cast<const From*>(src);
  To* to = static_cast<To*>(dst);
  if (affine.scale == nullptr) {
    convert_row(from, to, count);
  } else if (affine.channels <= kFewChannels) {
    few_channels_row(from, to, count, affine);
  } else {
    many_channels_row(from, to, count, affine);
  }
}

// Copies I32 rows unchanged: tokens and labels, whose rows are short.
void gather_words(const void* src, void* dst, int64_t count, const Affine&) {
  const int32_t* from = static_cast<const int32_t*>(src);
  int32_t* to = static_cast<int32_t*>(dst);
  for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

using GatherRow = void (*)(const void*, void*, int64_t, const Affine&);

struct RowKernel {
  GatherRow run;
  int64_t src_bytes, dst_bytes;  // bytes of an element
};

template <class From>
RowKernel row_kernel_from(hs_dtype dst_type) {
  RowKernel kernel{};
  with_storage(dst_type, [&](auto type) {
    using To = typename decltype(type)::type;
    kernel = {gather_row<From, To>, sizeof(From), sizeof(To)};
  });
  return kernel;
}

RowKernel row_kernel(const hs_gather_desc& desc) {
  if (desc.src_type == HS_I32) return {gather_words, sizeof(int32_t), sizeof(int32_t)};
  return desc.src_type == HS_U8 ? row_kernel_from<uint8_t>(desc.dst_type)
                                : row_kernel_from<float>(desc.dst_type);
}

}  // namespace

void gather(const GatherArgs& args) {
  const hs_gather_desc& desc = args.desc;
  if (desc.batch == 0 || desc.row_size == 0) return;
  Affine affine;
  prepare(args, &affine);
  const RowKernel kernel = row_kernel(desc);
  const uint8_t* src = static_cast<const uint8_t*>(args.src);
  uint8_t* dst = static_cast<uint8_t*>(args.dst);
  const int64_t src_row = desc.row_size * kernel.src_bytes;
  const int64_t dst_row = desc.row_size * kernel.dst_bytes;
  const int64_t places = args.order != nullptr ? desc.order_size : desc.src_rows;
  const int64_t start = args.state != nullptr ? ring_place(args.state->cursor, places) : 0;
  const int64_t span = desc.row_size < kSpanElements ? kSpanElements / desc.row_size : 1;
  for_spans(desc.batch, span, static_cast<double>(src_row + dst_row) * kNsPerByte,
            [&](int64_t begin, int64_t end) {
              int64_t place = (start + begin) % places;
              for (int64_t b = begin; b < end; b++) {
                const int64_t row = args.order != nullptr ? args.order[place] : place;
                if (++place == places) place = 0;
                if (row >= 0 && row < desc.src_rows) {
                  kernel.run(src + row * src_row, dst + b * dst_row, desc.row_size, affine);
                  continue;
                }
                __builtin_memset(dst + b * dst_row, 0, static_cast<uint64_t>(dst_row));
                if (args.state != nullptr) {
                  __atomic_fetch_or(&args.state->error, HS_ERROR_INDEX, __ATOMIC_RELAXED);
                }
              }
            });
}

}  // namespace hs::cpu::HS_ISA
