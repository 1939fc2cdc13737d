// oneDNN as an oracle: our results must agree with those of another library. Products and
// convolutions of small integers are exact in FP32, so there the results must be equal; others
// agree within bounds. Built if HALFSTEP_ONEDNN_DIR names oneDNN's folder.
#include "../compare.h"
#include "oneapi/dnnl/dnnl.hpp"

using namespace hs::test;
using dnnl::memory;

namespace {

const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc layout(const memory::dims& dims, const memory::dims& strides) {
  return {dims, memory::data_type::f32, strides};
}

memory::desc vector_of(int64_t count) { return layout({count}, {1}); }

memory holding(const memory::desc& desc, std::vector<float>& values) {
  return {desc, cpu(), values.data()};
}

void run(const dnnl::primitive& primitive, const std::unordered_map<int, memory>& arguments) {
  dnnl::stream stream(cpu());
  primitive.execute(stream, arguments);
  stream.wait();
}

// Random integers from -3 to 3.
std::vector<float> integers(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = static_cast<float>(random() % 7) - 3;
  return values;
}

std::vector<float> randoms(int64_t count, uint32_t seed) {
  return normals(static_cast<size_t>(count), seed);
}

std::vector<float> room(int64_t count) { return std::vector<float>(static_cast<size_t>(count)); }

void check_near(const std::vector<float>& ours, const std::vector<float>& theirs, double bound,
                const std::string& where) {
  std::vector<Expected> expected;
  for (const float value : theirs) expected.push_back({value, bound});
  check_close(ours, expected, HS_F32, where);
}

void check_product(Device& device, int64_t batch, int64_t m, int64_t n, int64_t k, bool ta,
                   bool tb) {
  std::vector<float> a = integers(batch * m * k, 1), b = integers(batch * k * n, 2);
  std::vector<float> c = room(batch * m * n);
  hs_matmul_desc desc{};
  desc.transpose_a = ta, desc.transpose_b = tb;
  desc.batch = batch, desc.m = m, desc.n = n, desc.k = k;
  desc.lda = ta ? m : k, desc.ldb = tb ? k : n, desc.ldc = n;
  desc.stride_a = m * k, desc.stride_b = k * n, desc.stride_c = m * n;
  desc.alpha = 1;
  Array<float> ours_a(device, a), ours_b(device, b), ours_c(device, c.size());
  CHECK_OK(hs_matmul(device.stream(), &desc, ours_a.address(), ours_b.address(), ours_c.address(),
                     0, 0, 0));
  const auto stored = [](memory::dims dims, int64_t ld, int64_t matrix, bool transposed) {
    return layout(dims, transposed ? memory::dims{matrix, 1, ld} : memory::dims{matrix, ld, 1});
  };
  const memory::desc a_desc = stored({batch, m, k}, desc.lda, m * k, ta);
  const memory::desc b_desc = stored({batch, k, n}, desc.ldb, k * n, tb);
  const memory::desc c_desc = stored({batch, m, n}, n, m * n, false);
  run(dnnl::matmul({cpu(), a_desc, b_desc, c_desc}), {{DNNL_ARG_SRC, holding(a_desc, a)},
                                                      {DNNL_ARG_WEIGHTS, holding(b_desc, b)},
                                                      {DNNL_ARG_DST, holding(c_desc, c)}});
  CHECK_THAT(ours_c.get() == c, shape_name({batch, m, n, k}));
}

// The descriptions of a convolution's NHWC images and KRSC weights for oneDNN.
struct Convolution {
  explicit Convolution(const hs_conv2d_desc& d)
      : p((d.h + 2 * d.pad_h - d.dilation_h * (d.r - 1) - 1) / d.stride_h + 1),
        q((d.w + 2 * d.pad_w - d.dilation_w * (d.s - 1) - 1) / d.stride_w + 1),
        x(layout({d.n, d.c, d.h, d.w}, {d.h * d.w * d.c, 1, d.w * d.c, d.c})),
        y(layout({d.n, d.k, p, q}, {p * q * d.k, 1, q * d.k, d.k})),
        strides{d.stride_h, d.stride_w},
        dilations{d.dilation_h - 1, d.dilation_w - 1},
        pads{d.pad_h, d.pad_w} {
    const int64_t c = d.c / d.groups, filter = d.r * d.s * c;
    weights = d.groups == 1 ? layout({d.k, c, d.r, d.s}, {filter, 1, d.s * c, c})
                            : layout({d.groups, d.k / d.groups, c, d.r, d.s},
                                     {d.k / d.groups * filter, filter, 1, d.s * c, c});
  }
  dnnl::convolution_forward::primitive_desc forward() const {
    return {cpu(),
            dnnl::prop_kind::forward_training,
            dnnl::algorithm::convolution_direct,
            x,
            weights,
            y,
            strides,
            dilations,
            pads,
            pads};
  }

  int64_t p, q;
  memory::desc x, y, weights;
  memory::dims strides, dilations, pads;
};

void check_convolution(Device& device, const hs_conv2d_desc& d) {
  const Convolution c(d);
  const std::string where =
      shape_name({d.n, d.h, d.w, d.c, d.k, d.r, d.s}) + " groups " + std::to_string(d.groups);
  std::vector<float> x = integers(d.n * d.h * d.w * d.c, 1);
  std::vector<float> weights = integers(d.k * d.r * d.s * d.c / d.groups, 2);
  std::vector<float> dy = integers(d.n * c.p * c.q * d.k, 3), y = room(d.n * c.p * c.q * d.k);
  std::vector<float> dx(x.size()), d_weights(weights.size());
  Array<float> our_x(device, x), our_weights(device, weights), our_dy(device, dy);
  Array<float> our_y(device, y.size()), our_dx(device, x.size());
  Array<float> our_d_weights(device, weights.size());
  hs_stream stream = device.stream();
  CHECK_OK(hs_conv2d(stream, &d, our_x.address(), our_weights.address(), 0, 0, our_y.address()));
  CHECK_OK(hs_conv2d_backward_data(stream, &d, our_dy.address(), our_weights.address(), 0,
                                   our_dx.address()));
  CHECK_OK(hs_conv2d_backward_weights(stream, &d, our_x.address(), our_dy.address(), 0,
                                      our_d_weights.address(), 0));

  const auto direct = dnnl::algorithm::convolution_direct;
  const auto forward = c.forward();
  run(dnnl::convolution_forward(forward), {{DNNL_ARG_SRC, holding(c.x, x)},
                                           {DNNL_ARG_WEIGHTS, holding(c.weights, weights)},
                                           {DNNL_ARG_DST, holding(c.y, y)}});
  run(dnnl::convolution_backward_data(
          {cpu(), direct, c.x, c.weights, c.y, c.strides, c.dilations, c.pads, c.pads, forward}),
      {{DNNL_ARG_DIFF_SRC, holding(c.x, dx)},
       {DNNL_ARG_WEIGHTS, holding(c.weights, weights)},
       {DNNL_ARG_DIFF_DST, holding(c.y, dy)}});
  run(dnnl::convolution_backward_weights(
          {cpu(), direct, c.x, c.weights, c.y, c.strides, c.dilations, c.pads, c.pads, forward}),
      {{DNNL_ARG_SRC, holding(c.x, x)},
       {DNNL_ARG_DIFF_WEIGHTS, holding(c.weights, d_weights)},
       {DNNL_ARG_DIFF_DST, holding(c.y, dy)}});
  CHECK_THAT(our_y.get() == y, where + " forward");
  CHECK_THAT(our_dx.get() == dx, where + " gradient of the data");
  CHECK_THAT(our_d_weights.get() == d_weights, where + " gradient of the weights");
}

void check_pooling(Device& device, const hs_pool2d_desc& d, dnnl::algorithm algorithm,
                   double bound) {
  const int64_t p = (d.h + 2 * d.pad_h - d.r) / d.stride_h + 1;
  const int64_t q = (d.w + 2 * d.pad_w - d.s) / d.stride_w + 1;
  std::vector<float> x = randoms(d.n * d.h * d.w * d.c, 1), dy = randoms(d.n * p * q * d.c, 2);
  std::vector<float> y(dy.size()), dx(x.size());
  Array<float> our_x(device, x), our_dy(device, dy), our_y(device, y.size());
  Array<float> our_dx(device, x.size());
  Array<uint8_t> index(device, y.size());
  const hs_ptr places = d.pool == HS_MAX_POOL ? index.address() : 0;
  CHECK_OK(hs_pool2d(device.stream(), &d, our_x.address(), our_y.address(), places));
  CHECK_OK(hs_pool2d_backward(device.stream(), &d, our_dy.address(), places, our_dx.address()));

  const memory::desc x_desc = layout({d.n, d.c, d.h, d.w}, {d.h * d.w * d.c, 1, d.w * d.c, d.c});
  const memory::desc y_desc = layout({d.n, d.c, p, q}, {p * q * d.c, 1, q * d.c, d.c});
  const memory::dims strides{d.stride_h, d.stride_w}, window{d.r, d.s}, none{0, 0};
  const memory::dims pads{d.pad_h, d.pad_w};
  const dnnl::pooling_forward::primitive_desc forward(cpu(), dnnl::prop_kind::forward_training,
                                                      algorithm, x_desc, y_desc, strides, window,
                                                      none, pads, pads);
  const memory workspace(forward.workspace_desc(), cpu());
  run(dnnl::pooling_forward(forward), {{DNNL_ARG_SRC, holding(x_desc, x)},
                                       {DNNL_ARG_DST, holding(y_desc, y)},
                                       {DNNL_ARG_WORKSPACE, workspace}});
  run(dnnl::pooling_backward(
          {cpu(), algorithm, x_desc, y_desc, strides, window, none, pads, pads, forward}),
      {{DNNL_ARG_DIFF_SRC, holding(x_desc, dx)},
       {DNNL_ARG_DIFF_DST, holding(y_desc, dy)},
       {DNNL_ARG_WORKSPACE, workspace}});
  const std::string where = shape_name({d.n, d.h, d.w, d.c}) + " pool " + std::to_string(d.pool);
  check_near(our_y.get(), y, bound, where);
  check_near(our_dx.get(), dx, bound, where + " gradient");
}

}  // namespace

TEST(products_are_equal) {
  on_devices([](Device& device) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        check_product(device, 1, 64, 64, 64, ta, tb);
        check_product(device, 1, 129, 65, 31, ta, tb);
        check_product(device, 1, 1, 100, 1000, ta, tb);
        check_product(device, 1, 1000, 100, 8, ta, tb);
        check_product(device, 37, 16, 16, 16, ta, tb);
        check_product(device, 3, 7, 5, 300, ta, tb);
      }
    }
  });
}

TEST(convolutions_are_equal) {
  on_devices([](Device& device) {
    check_convolution(device, {HS_F32, 4, 28, 28, 1, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1, HS_NONE});
    check_convolution(device, {HS_F32, 4, 14, 14, 32, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1, HS_NONE});
    check_convolution(device, {HS_F32, 2, 15, 17, 3, 20, 5, 5, 2, 2, 2, 2, 1, 1, 1, HS_NONE});
    check_convolution(device, {HS_F32, 2, 9, 12, 24, 40, 1, 1, 1, 1, 0, 0, 1, 1, 1, HS_NONE});
    check_convolution(device, {HS_F32, 2, 13, 11, 8, 12, 3, 3, 1, 1, 2, 2, 2, 2, 1, HS_NONE});
    check_convolution(device, {HS_F32, 2, 10, 10, 16, 32, 3, 3, 1, 1, 1, 1, 1, 1, 4, HS_NONE});
    check_convolution(device, {HS_F32, 2, 10, 10, 33, 33, 3, 3, 1, 1, 1, 1, 1, 1, 33, HS_NONE});
  });
}

TEST(pooling_agrees) {
  on_devices([](Device& device) {
    const auto excluding = dnnl::algorithm::pooling_avg_exclude_padding;
    const auto largest = dnnl::algorithm::pooling_max;
    check_pooling(device, {HS_MAX_POOL, HS_F32, 3, 28, 28, 32, 2, 2, 2, 2, 0, 0}, largest, 0);
    check_pooling(device, {HS_MAX_POOL, HS_F32, 2, 13, 15, 17, 3, 3, 2, 2, 1, 1}, largest, 1e-6);
    check_pooling(device, {HS_AVERAGE_POOL, HS_F32, 2, 13, 15, 17, 3, 3, 2, 2, 1, 1}, excluding,
                  1e-6);
    check_pooling(device, {HS_AVERAGE_POOL, HS_F32, 2, 7, 7, 64, 7, 7, 1, 1, 0, 0}, excluding,
                  1e-6);
  });
}

TEST(batch_normalisation_agrees) {
  on_devices([](Device& device) {
    const int64_t n = 6, side = 9, channels = 20, rows = n * side * side, count = rows * channels;
    std::vector<float> x = randoms(count, 1), dy = randoms(count, 2);
    std::vector<float> gamma = randoms(channels, 3), beta = randoms(channels, 4);
    std::vector<float> y(x.size()), dx(x.size()), mean = room(channels), variance = room(channels);
    std::vector<float> d_gamma = room(channels), d_beta = room(channels);
    hs_batch_norm_desc desc{};
    desc.rows = rows, desc.channels = channels, desc.eps = 1e-5f, desc.momentum = 1;
    Array<float> our_x(device, x), our_dy(device, dy), our_y(device, y.size());
    Array<float> our_dx(device, x.size()), our_gamma(device, gamma), our_beta(device, beta);
    const auto zeros = room(channels);
    Array<float> running_mean(device, zeros), running_variance(device, zeros);
    Array<float> saved_mean(device, zeros), saved_invstd(device, zeros);
    Array<float> our_d_gamma(device, zeros), our_d_beta(device, zeros);
    CHECK_OK(hs_batch_norm_training(device.stream(), &desc, our_x.address(), our_gamma.address(),
                                    our_beta.address(), 0, our_y.address(), running_mean.address(),
                                    running_variance.address(), saved_mean.address(),
                                    saved_invstd.address()));
    CHECK_OK(hs_batch_norm_backward(device.stream(), &desc, our_dy.address(), our_x.address(), 0,
                                    our_gamma.address(), saved_mean.address(),
                                    saved_invstd.address(), our_dx.address(), 0,
                                    our_d_gamma.address(), our_d_beta.address(), 0));

    const memory::desc image =
        layout({n, channels, side, side}, {side * side * channels, 1, side * channels, channels});
    const memory::desc one = vector_of(channels);
    const auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
    const dnnl::batch_normalization_forward::primitive_desc forward(
        cpu(), dnnl::prop_kind::forward_training, image, image, 1e-5f, flags);
    run(dnnl::batch_normalization_forward(forward), {{DNNL_ARG_SRC, holding(image, x)},
                                                     {DNNL_ARG_MEAN, holding(one, mean)},
                                                     {DNNL_ARG_VARIANCE, holding(one, variance)},
                                                     {DNNL_ARG_SCALE, holding(one, gamma)},
                                                     {DNNL_ARG_SHIFT, holding(one, beta)},
                                                     {DNNL_ARG_DST, holding(image, y)}});
    run(dnnl::batch_normalization_backward(
            {cpu(), dnnl::prop_kind::backward, image, image, image, 1e-5f, flags, forward}),
        {{DNNL_ARG_SRC, holding(image, x)},
         {DNNL_ARG_MEAN, holding(one, mean)},
         {DNNL_ARG_VARIANCE, holding(one, variance)},
         {DNNL_ARG_SCALE, holding(one, gamma)},
         {DNNL_ARG_DIFF_DST, holding(image, dy)},
         {DNNL_ARG_DIFF_SRC, holding(image, dx)},
         {DNNL_ARG_DIFF_SCALE, holding(one, d_gamma)},
         {DNNL_ARG_DIFF_SHIFT, holding(one, d_beta)}});
    check_near(our_y.get(), y, 1e-5, "y");
    check_near(our_dx.get(), dx, 1e-5, "dx");
    check_near(saved_mean.get(), mean, 1e-6, "mean");
    check_near(our_d_gamma.get(), d_gamma, 2e-4, "d_gamma");
    check_near(our_d_beta.get(), d_beta, 2e-4, "d_beta");
    for (float& v : variance) v *= static_cast<float>(rows) / static_cast<float>(rows - 1);
    check_near(running_variance.get(), variance, 1e-5, "running variance");
  });
}

TEST(softmax_and_layer_normalisation_agree) {
  on_devices([](Device& device) {
    const int64_t rows = 37, columns = 131;
    std::vector<float> x = randoms(rows * columns, 1), y(x.size());
    Array<float> our_x(device, x), our_y(device, y.size());
    const memory::desc matrix = layout({rows, columns}, {columns, 1});
    const hs_softmax_desc softmax{HS_F32, rows, columns, 1, 0, 0, 0};
    CHECK_OK(hs_softmax(device.stream(), &softmax, our_x.address(), our_y.address(), 0));
    run(dnnl::softmax_forward({cpu(), dnnl::prop_kind::forward_training,
                               dnnl::algorithm::softmax_accurate, matrix, matrix, 1}),
        {{DNNL_ARG_SRC, holding(matrix, x)}, {DNNL_ARG_DST, holding(matrix, y)}});
    check_near(our_y.get(), y, 1e-6, "softmax");

    hs_group_norm_desc norm{};
    norm.n = rows, norm.positions = 1, norm.channels = columns, norm.groups = 1, norm.eps = 1e-5f;
    CHECK_OK(hs_group_norm(device.stream(), &norm, our_x.address(), 0, 0, our_y.address(), 0, 0));
    const memory::desc one = vector_of(rows);
    std::vector<float> mean = room(rows), variance = room(rows);
    run(dnnl::layer_normalization_forward({cpu(), dnnl::prop_kind::forward_training, matrix, matrix,
                                           one, 1e-5f, dnnl::normalization_flags::none}),
        {{DNNL_ARG_SRC, holding(matrix, x)},
         {DNNL_ARG_MEAN, holding(one, mean)},
         {DNNL_ARG_VARIANCE, holding(one, variance)},
         {DNNL_ARG_DST, holding(matrix, y)}});
    check_near(our_y.get(), y, 1e-5, "layer norm");
  });
}

TEST_MAIN()
