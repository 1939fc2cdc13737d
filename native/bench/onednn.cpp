#include "onednn.h"

#ifdef HALFSTEP_ONEDNN

#include <memory>

#include "oneapi/dnnl/dnnl.hpp"

namespace hs::bench {

std::function<void()> onednn_matmul(const MatmulArgs& args) {
  using dnnl::memory;
  const hs_matmul_desc& d = args.desc;
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto layout = [](memory::dims dims, int64_t stride, int64_t ld, bool transposed) {
    return memory::desc(dims, memory::data_type::f32,
                        transposed ? memory::dims{stride, 1, ld} : memory::dims{stride, ld, 1});
  };
  const memory::desc a = layout({d.batch, d.m, d.k}, d.stride_a, d.lda, d.transpose_a);
  const memory::desc b = layout({d.batch, d.k, d.n}, d.stride_b, d.ldb, d.transpose_b);
  const memory::desc c = layout({d.batch, d.m, d.n}, d.stride_c, d.ldc, false);
  const dnnl::matmul::primitive_desc primitive(engine, a, b, c);
  struct Call {
    dnnl::matmul matmul;
    std::unordered_map<int, memory> arguments;
  };
  auto call = std::make_shared<Call>();
  call->matmul = dnnl::matmul(primitive);
  call->arguments = {{DNNL_ARG_SRC, memory(a, engine, const_cast<void*>(args.a))},
                     {DNNL_ARG_WEIGHTS, memory(b, engine, const_cast<void*>(args.b))},
                     {DNNL_ARG_DST, memory(c, engine, args.c)}};
  return [call] {
    call->matmul.execute(stream, call->arguments);
    stream.wait();
  };
}

}  // namespace hs::bench

#else

namespace hs::bench {

std::function<void()> onednn_matmul(const MatmulArgs&) { return {}; }

}  // namespace hs::bench

#endif
