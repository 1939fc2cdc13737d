// Operations on the elements of two arrays, the second of which may repeat, and a scaled sum.
// Bound by memory: 12 bytes per F32 element, 8 if the second array repeats. Floor: bytes /
// (memory bandwidth).
#include "cpu/kernels/columns.h"
#include "cpu/kernels/kernels.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kSpan = 16 << 10;

template <hs_binary op>
HS_INLINE vf combine(vf a, vf b) {
  switch (op) {
    case HS_ADD:
      return a + b;
    case HS_SUBTRACT:
      return a - b;
    case HS_DIVIDE:
      return a / b;
    case HS_MAXIMUM:  // a NaN in a is chosen by a != a, a NaN in b since a > b is then false
      return (a > b) | (a != a) ? a : b;
    case HS_MINIMUM:
      return (a < b) | (a != a) ? a : b;
    case HS_GREATER:
      return a < b ? set1(0.0f) : a == b ? set1(0.5f) : set1(1.0f);
    case HS_LESS:
      return a > b ? set1(0.0f) : a == b ? set1(0.5f) : set1(1.0f);
    default:
      return a * b;
  }
}

template <hs_binary op, class T>
void run_alike(const ElementwiseArgs& args) {
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  T* y = static_cast<T*>(args.y);
  for_spans(args.count, kSpan, 3 * sizeof(T) * kNsPerByte, [=](int64_t begin, int64_t end) {
    for_vectors(begin, end, [=](int64_t i, auto lanes) {
      store(y + i, combine<op>(load(a + i, lanes), load(b + i, lanes)), lanes);
    });
  });
}

// For a `b` that repeats and is long enough to fill vectors.
template <hs_binary op, class T>
void run_rows(const ElementwiseArgs& args) {
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  T* y = static_cast<T*>(args.y);
  const int64_t period = args.period;
  for_spans(args.count, kSpan, 2 * sizeof(T) * kNsPerByte, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin, column = begin % period; i < end; column = 0) {
      const int64_t run = end - i < period - column ? end - i : period - column;
      for_vectors(0, run, [=](int64_t j, auto lanes) {
        store(y + i + j, combine<op>(load(a + i + j, lanes), load(b + column + j, lanes)), lanes);
      });
      i += run;
    }
  });
}

// For a `b` that repeats and is short: copies of it fill a wide row.
template <hs_binary op, class T>
void run_joined(const ElementwiseArgs& args) {
  const T* a = static_cast<const T*>(args.a);
  const T* b = static_cast<const T*>(args.b);
  T* y = static_cast<T*>(args.y);
  const Columns columns = join_columns(args.period);
  float row[kLeastWidth * kLanes];
  for (int64_t i = 0; i < args.period; i++) row[i] = load_one(b + i);
  repeat_columns(columns, row, 0, row);
  const int64_t span = (kSpan + columns.width - 1) / columns.width * columns.width;
  for_spans(args.count, span, 2 * sizeof(T) * kNsPerByte, [&](int64_t begin, int64_t end) {
    for_columns(columns, end - begin, [&](int64_t i, int64_t column, auto lanes) {
      store(y + begin + i, combine<op>(load(a + begin + i, lanes), load(row + column, lanes)),
            lanes);
    });
  });
}

template <hs_binary op>
void run(const ElementwiseArgs& args) {
  with_storage(args.type, [&](auto type) {
    using T = typename decltype(type)::type;
    if (args.period == args.count) {
      run_alike<op, T>(args);
    } else if (args.period >= kLeastWidth) {
      run_rows<op, T>(args);
    } else {
      run_joined<op, T>(args);
    }
  });
}

}  // namespace

void elementwise(const ElementwiseArgs& args) {
  if (args.count == 0) return;
  switch (args.op) {
    case HS_ADD:
      return run<HS_ADD>(args);
    case HS_SUBTRACT:
      return run<HS_SUBTRACT>(args);
    case HS_DIVIDE:
      return run<HS_DIVIDE>(args);
    case HS_MAXIMUM:
      return run<HS_MAXIMUM>(args);
    case HS_MINIMUM:
      return run<HS_MINIMUM>(args);
    case HS_GREATER:
      return run<HS_GREATER>(args);
    case HS_LESS:
      return run<HS_LESS>(args);
    default:
      return run<HS_MULTIPLY>(args);
  }
}

void scale_add(const ScaleAddArgs& args) {
  with_storage(args.type, [&](auto type) {
    using T = typename decltype(type)::type;
    const T* x = static_cast<const T*>(args.x);
    T* y = static_cast<T*>(args.y);
    const float alpha = args.alpha, beta = args.beta;
    for_spans(args.count, kSpan, 3 * sizeof(T) * kNsPerByte, [=](int64_t begin, int64_t end) {
      for_vectors(begin, end, [=](int64_t i, auto lanes) {
        const vf scaled = alpha * load(x + i, lanes);
        store(y + i, beta == 0 ? scaled : scaled + beta * load(y + i, lanes), lanes);
      });
    });
  });
}

}  // namespace hs::cpu::HS_ISA
