// Rows for the matrix product: square matrices, batches of small ones, the layers of networks.
#include <cstring>

#include "bench.h"
#include "onednn.h"

using namespace hs;
using namespace hs::bench;

namespace {

struct Shape {
  int64_t batch, m, n, k;
  bool transpose_a = false, transpose_b = false;
  bool bias_grad = false;
};

std::string name_of(const char* what, const Shape& s) {
  char text[120];
  std::snprintf(text, sizeof text, "matmul %s %lldx(%lld,%lld,%lld)%s%s%s", what,
                static_cast<long long>(s.batch), static_cast<long long>(s.m),
                static_cast<long long>(s.n), static_cast<long long>(s.k),
                s.transpose_a ? " At" : "", s.transpose_b ? " Bt" : "", s.bias_grad ? " +db" : "");
  return text;
}

void add(Rows& rows, const char* what, const Shape& s) {
  const std::string name = name_of(what, s);
  if (!rows.wants(name)) return;
  hs_matmul_desc d{};
  d.transpose_a = s.transpose_a;
  d.transpose_b = s.transpose_b;
  d.batch = s.batch;
  d.m = s.m;
  d.n = s.n;
  d.k = s.k;
  d.lda = s.transpose_a ? s.m : s.k;
  d.ldb = s.transpose_b ? s.k : s.n;
  d.ldc = s.n;
  d.stride_a = s.m * s.k;
  d.stride_b = s.k * s.n;
  d.stride_c = s.m * s.n;
  d.alpha = 1;
  const auto a = normal_floats(s.batch * d.stride_a), b = normal_floats(s.batch * d.stride_b);
  const auto c = normal_floats(s.batch * d.stride_c), grad = normal_floats(s.m);
  const MatmulArgs args{
      d, a.get(), b.get(), c.get(), nullptr, nullptr, s.bias_grad ? grad.get() : nullptr};
  const double floats =
      static_cast<double>(s.batch) * static_cast<double>(s.m * s.k + s.k * s.n + s.m * s.n);
  rows.add({.name = name,
            .flops = 2.0 * static_cast<double>(s.batch * s.m) * static_cast<double>(s.n * s.k),
            .bytes = floats * 4 < 4e6 ? 0 : floats * 4,  // data that fits in the caches may stay
            .run = [args, a, b, c, grad] { kernels().matmul(nullptr, args); },
            .peer = onednn_matmul(args)});
}

}  // namespace

BENCHMARKS(matmul) {
  for (const Shape& s :
       {Shape{1, 1024, 1024, 1024}, Shape{1, 1024, 1024, 1024, false, true},
        Shape{1, 1024, 1024, 1024, true, false}, Shape{1, 512, 512, 512}, Shape{1, 256, 256, 256},
        Shape{1, 2048, 2048, 2048}, Shape{64, 128, 128, 128}, Shape{64, 128, 128, 128, false, true},
        Shape{8, 256, 256, 256}, Shape{512, 64, 64, 64}, Shape{1024, 32, 32, 32},
        Shape{4096, 16, 16, 16}, Shape{1024, 20, 20, 20}}) {
    add(rows, "square", s);
  }
  for (int64_t batch : {1, 8, 16, 32, 64, 128, 256, 1024}) {
    add(rows, "mlp forward", {1, batch, 100, 1000, false, true});
    add(rows, "mlp gradient", {1, 100, 1000, batch, true, false, true});
  }
  for (int64_t batch : {1, 64, 1024}) {
    add(rows, "mlp forward 2", {1, batch, 2, 100, false, true});
    add(rows, "mlp gradient 2", {1, 2, 100, batch, true, false, true});
    add(rows, "mlp input 2", {1, batch, 100, 2});
  }
  const int64_t layers[] = {784, 256, 128, 10};
  for (int i = 0; i < 3; ++i) {
    const int64_t in = layers[i], out = layers[i + 1];
    add(rows, "digits forward", {1, 64, out, in, false, true});
    add(rows, "digits gradient", {1, out, in, 64, true, false, true});
    if (i > 0) add(rows, "digits input", {1, 64, in, out});
  }
  for (const Shape& s : {Shape{1, 1, 4096, 4096}, Shape{1, 1, 4096, 4096, false, true},
                         Shape{1, 4096, 1, 4096}, Shape{1, 16, 4096, 1024, false, true},
                         Shape{1, 16, 4096, 1024}, Shape{1, 4096, 16, 1024}}) {
    add(rows, "thin", s);
  }
}
