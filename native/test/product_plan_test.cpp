// The plans that the CUDA backend chooses for products: each check gives a product, a device and
// the expected plan. No GPU is needed.
#include "cuda/product/choose.h"
#include "test.h"

using namespace hs::cuda;

namespace {

constexpr Stream kH100{
    .multiprocessors = 132, .max_cluster = 8, .warpgroups = true, .shared_bytes = 232448};
constexpr Stream kA100{.multiprocessors = 108, .shared_bytes = 166912};
constexpr Stream kTiny{.multiprocessors = 1, .shared_bytes = 49152};

Product matrices(hs_dtype type, int64_t m, int64_t n, int64_t k, int64_t batch = 1) {
  Product p;
  p.type = type;
  p.m = m;
  p.n = n;
  p.k = k;
  p.batch = batch;
  return p;
}

Product tf32(Product p) {
  p.tf32 = true;
  return p;
}

Product transposed(Product p, bool a, bool b) {
  p.transpose_a = a;
  p.transpose_b = b;
  return p;
}

Product with_bias_grad(Product p) {
  p.bias_grad = true;
  return p;
}

Product aligned(Product p, size_t a, size_t b) {
  p.aligned_a = a;
  p.aligned_b = b;
  return p;
}

// The products of a convolution with `pixels` pixels, `outputs` output channels and windows of
// `values` values: forward, and its gradients.
Product forward(hs_dtype type, int64_t pixels, int64_t outputs, int64_t values, int64_t channels) {
  Product p = transposed(matrices(type, pixels, outputs, values), false, true);
  p.operands = Operands::kForward;
  p.channels = channels;
  return p;
}

Product data(hs_dtype type, int64_t pixels, int64_t inputs, int64_t values, int64_t channels) {
  Product p = matrices(type, pixels, inputs, values);
  p.operands = Operands::kData;
  p.channels = channels;
  return p;
}

Product weights(hs_dtype type, int64_t outputs, int64_t values, int64_t pixels, int64_t channels) {
  Product p = transposed(matrices(type, outputs, values, pixels), true, false);
  p.operands = Operands::kWeights;
  p.channels = channels;
  return p;
}

void check(const Product& product, const Stream& device, const std::string& expected) {
  const std::string plan = to_text(choose(product, device));
  CHECK_THAT(plan == expected, "expected '" + expected + "', got '" + plan + "'");
}

// As check(), without the part of the plan that describes the operands.
void check_tile(const Product& product, const Stream& device, const std::string& expected) {
  const std::string plan = to_text(choose(product, device));
  const std::string tile = plan.substr(0, plan.find(", A "));
  CHECK_THAT(tile == expected, "expected '" + expected + "', got '" + tile + "'");
}

}  // namespace

TEST(types_and_devices_choose_the_engine) {
  const Product bf16 = matrices(HS_BF16, 4096, 4096, 4096),
                f32 = matrices(HS_F32, 4096, 4096, 4096);
  check(bf16, kH100,
        "wgmma 128x256x64, 4 stages, split 1, 512 blocks, A k-major by 8, B mn-major by 8");
  check(bf16, kA100,
        "mma 128x128x32, 4 stages, split 1, 1024 blocks, A k-major by 8, B mn-major by 8");
  check(f32, kH100,
        "fma 128x128x8, 2 stages, split 1, 1024 blocks, A k-major by 4, B mn-major by 4");
  check(tf32(f32), kH100,
        "mma 128x128x16, 4 stages, split 1, 1024 blocks, A k-major by 4, B mn-major by 4");
  check(tf32(bf16), kH100,  // TF32 only concerns FP32
        "wgmma 128x256x64, 4 stages, split 1, 512 blocks, A k-major by 8, B mn-major by 8");
  check(matrices(HS_F16, 4096, 4096, 4096), kA100,
        "mma 128x128x32, 4 stages, split 1, 1024 blocks, A k-major by 8, B mn-major by 8");
}

// Only small tiles, and none of warpgroups, fit in 48 KB; all but the widest fit in 99 KB.
TEST(tiles_fit_into_shared_memory) {
  const Product bf16 = matrices(HS_BF16, 4096, 4096, 4096),
                f32 = matrices(HS_F32, 4096, 4096, 4096);
  check_tile(bf16, kTiny, "mma 64x64x32, 4 stages, split 1, 4096 blocks");
  check_tile(tf32(f32), kTiny, "mma 64x64x16, 4 stages, split 1, 4096 blocks");
  check_tile(f32, kTiny, "fma 64x64x16, 2 stages, split 1, 4096 blocks");
  Stream small = kH100;
  small.shared_bytes = 49152;
  check_tile(bf16, small, "mma 64x64x32, 4 stages, split 1, 4096 blocks");
  small.shared_bytes = 101376;
  check_tile(bf16, small, "wgmma 128x128x64, 3 stages, split 1, 1024 blocks");
}

TEST(layouts_say_how_operands_lie) {
  const Product p = matrices(HS_BF16, 512, 512, 64, 128);
  const std::string tile = "wgmma 128x128x64, 3 stages, split 1, 2048 blocks, ";
  check(p, kH100, tile + "A k-major by 8, B mn-major by 8");
  check(transposed(p, true, false), kH100, tile + "A mn-major by 8, B mn-major by 8");
  check(transposed(p, false, true), kH100, tile + "A k-major by 8, B k-major by 8");
  check(transposed(p, true, true), kH100, tile + "A mn-major by 8, B k-major by 8");
}

TEST(tiles_follow_the_shape_and_the_number_of_multiprocessors) {
  // Batches: 128 medium tiles are too few for 132 multiprocessors and enough for 108.
  check_tile(matrices(HS_BF16, 256, 256, 256, 32), kH100,
             "wgmma 64x64x64, 3 stages, split 1, 512 blocks");
  check_tile(matrices(HS_BF16, 256, 256, 256, 32), kA100,
             "mma 128x128x32, 4 stages, split 1, 128 blocks");
  // Few columns, then few rows.
  check_tile(matrices(HS_BF16, 4096, 64, 4096), kH100,
             "wgmma 128x64x64, 4 stages, split 8, 256 blocks");
  check_tile(matrices(HS_BF16, 16, 4096, 7168), kH100,
             "wgmma 64x256x64, 4 stages, split 8, 128 blocks");
  check_tile(matrices(HS_BF16, 64, 7168, 2048), kH100,
             "wgmma 64x64x64, 3 stages, split 4, 448 blocks");
  check_tile(matrices(HS_BF16, 64, 7168, 2048), kA100,
             "mma 64x64x32, 4 stages, split 2, 224 blocks");
  // One more than half of a tile.
  check_tile(matrices(HS_BF16, 65, 129, 256, 132), kH100,
             "wgmma 128x256x64, 4 stages, split 1, 132 blocks");
  check_tile(matrices(HS_BF16, 65, 128, 256, 132), kH100,
             "wgmma 128x128x64, 3 stages, split 1, 132 blocks");
  check_tile(matrices(HS_BF16, 65, 129, 255, 132), kH100,
             "wgmma 128x128x64, 3 stages, split 1, 264 blocks");
  check_tile(matrices(HS_F32, 65, 65, 100, 132), kH100,
             "fma 128x128x8, 2 stages, split 1, 132 blocks");
  check_tile(matrices(HS_F32, 64, 65, 100, 132), kH100,
             "fma 64x64x16, 2 stages, split 1, 264 blocks");
}

TEST(few_tiles_share_a_long_sum) {
  // The gradient of the weights of a layer with 784 inputs, for a batch of 512.
  const Product dw = with_bias_grad(transposed(matrices(HS_BF16, 256, 784, 512), true, false));
  check_tile(dw, kH100, "wgmma 64x64x64, 3 stages, split 2, 104 blocks");
  check_tile(dw, kA100, "mma 64x64x32, 4 stages, split 4, 208 blocks");
  check_tile(matrices(HS_F32, 10, 10, 100000), kH100,
             "fma 64x64x16, 2 stages, split 261, 261 blocks");
  check_tile(tf32(matrices(HS_F32, 10, 10, 100000)), kH100,
             "mma 64x64x16, 4 stages, split 391, 391 blocks");
  check_tile(matrices(HS_F32, 10, 10, 100000), kTiny, "fma 64x64x16, 2 stages, split 2, 2 blocks");
  // Each block gets at least four depths.
  check_tile(matrices(HS_F32, 10, 10, 127), kH100, "fma 64x64x16, 2 stages, split 2, 2 blocks");
  check_tile(matrices(HS_F32, 10, 10, 112), kH100, "fma 64x64x16, 2 stages, split 1, 1 block");

  const ProductPlan plan = choose(matrices(HS_F32, 10, 10, 100000), kH100);
  CHECK(plan.cut.split_k == 24 * 16 && plan.cut.tiles_m == 1 && plan.cut.tiles_n == 1);
  CHECK(plan.workspace_bytes == size_t{261} * 256 * 17 * sizeof(float));
  CHECK(choose(dw, kTiny).workspace_bytes == 0);
}

TEST(small_matrices_are_packed_where_there_are_many) {
  check(matrices(HS_BF16, 16, 16, 16, 20000), kH100,
        "packed 16x16x16, 4 stages, split 1, 792 blocks, A k-major by 8, B mn-major by 8");
  check_tile(matrices(HS_F16, 17, 9, 3, 20000), kA100,
             "packed 32x32x32, 3 stages, split 1, 432 blocks");
  check_tile(matrices(HS_BF16, 64, 64, 64, 20000), kA100,
             "packed 64x64x64, 3 stages, split 1, 216 blocks");
  check_tile(matrices(HS_BF16, 64, 64, 64, 20000), kH100,
             "wgmma 64x64x64, 3 stages, split 1, 20000 blocks");
  check_tile(matrices(HS_BF16, 33, 32, 32, 20000), kH100,
             "wgmma 64x64x64, 3 stages, split 1, 20000 blocks");
  check_tile(matrices(HS_BF16, 32, 32, 32, 132), kH100,
             "packed 32x32x32, 3 stages, split 1, 33 blocks");
  // Not packed: too few matrices; a bias gradient; FP32.
  check_tile(matrices(HS_BF16, 32, 32, 32, 131), kH100,
             "wgmma 64x64x64, 3 stages, split 1, 131 blocks");
  check_tile(with_bias_grad(matrices(HS_BF16, 16, 16, 16, 1)), kTiny,
             "mma 64x64x32, 4 stages, split 1, 1 block");
  check_tile(matrices(HS_F32, 16, 16, 16, 20000), kH100,
             "fma 64x64x16, 2 stages, split 1, 20000 blocks");
}

TEST(empty_sums_and_empty_columns_have_blocks) {
  check_tile(matrices(HS_BF16, 5, 7, 0), kH100, "wgmma 64x64x64, 3 stages, split 1, 1 block");
  // A product without columns, which only has a bias gradient.
  check_tile(with_bias_grad(transposed(matrices(HS_BF16, 500, 0, 3000), true, true)), kA100,
             "mma 64x64x32, 4 stages, split 19, 152 blocks");
}

TEST(convolutions_are_products_of_windows) {
  // 64 x 14 x 14 x 256 to 256, 3 x 3.
  check(forward(HS_BF16, 12544, 256, 2304, 256), kH100,
        "wgmma 128x256x64, 4 stages, split 1, 98 blocks, A windows by 8, B k-major by 8");
  check(data(HS_BF16, 12544, 256, 2304, 256), kH100,
        "wgmma 128x256x64, 4 stages, split 1, 98 blocks, A windows by 8, B filters by 8");
  check(weights(HS_BF16, 256, 2304, 12544, 256), kH100,
        "wgmma 128x256x64, 4 stages, split 7, 126 blocks, A mn-major by 8, B windows by 8");
  check(weights(HS_BF16, 256, 2304, 12544, 256), kA100,
        "mma 64x64x32, 4 stages, split 2, 288 blocks, A mn-major by 8, B windows by 8");
  // Flat tiles are only for matrices.
  check_tile(forward(HS_BF16, 49, 4096, 7168, 512), kH100,
             "wgmma 64x64x64, 3 stages, split 8, 512 blocks");
  // 32 groups of one channel.
  Product depthwise = forward(HS_F32, 200704, 1, 9, 32);
  depthwise.batch = 32;
  check_tile(depthwise, kH100, "fma 64x64x16, 2 stages, split 1, 100352 blocks");
}

TEST(windows_of_few_values_are_computed_directly) {
  // MNIST: 28 x 28 x 1 to 32.
  check(forward(HS_BF16, 200704, 32, 9, 1), kH100,
        "direct 128x64x9, 1 stage, split 1, 660 blocks, A windows, B k-major");
  check(weights(HS_BF16, 32, 9, 200704, 1), kH100,
        "direct 32x9x512, 1 stage, split 132, 132 blocks, A mn-major, B windows");
  // CIFAR-10: 32 x 32 x 3 to 64; TF32 changes nothing.
  check_tile(forward(HS_F32, 102400, 64, 27, 3), kA100,
             "direct 128x64x27, 1 stage, split 1, 540 blocks");
  check_tile(tf32(weights(HS_F32, 64, 27, 102400, 3)), kA100,
             "direct 32x27x512, 1 stage, split 54, 108 blocks");
  check_tile(forward(HS_F16, 1000, 1024, 32, 2), kTiny,
             "direct 128x64x32, 1 stage, split 1, 80 blocks");
  // Not direct: the gradient of the data; one value too many; channels that fill chunks; too many
  // outputs; groups.
  check_tile(data(HS_BF16, 200704, 1, 288, 1), kA100,
             "mma 64x64x32, 4 stages, split 1, 3136 blocks");
  check_tile(forward(HS_BF16, 200704, 32, 33, 1), kA100,
             "mma 64x64x32, 4 stages, split 1, 3136 blocks");
  check_tile(forward(HS_BF16, 200704, 32, 8, 8), kA100,
             "mma 64x64x32, 4 stages, split 1, 3136 blocks");
  check_tile(forward(HS_F32, 10, 1025, 9, 1), kA100, "fma 64x64x16, 2 stages, split 1, 17 blocks");
  Product groups = forward(HS_F32, 10, 4, 9, 2);
  groups.batch = 2;
  check_tile(groups, kA100, "fma 64x64x16, 2 stages, split 1, 2 blocks");
}

TEST(copies_are_as_wide_as_addresses_and_strides_are_aligned) {
  const Product p = matrices(HS_BF16, 131, 67, 33);
  const std::string tile = "mma 64x64x32, 4 stages, split 1, 6 blocks, ";
  check(aligned(p, 16, 8), kA100, tile + "A k-major by 8, B mn-major by 4");
  check(aligned(p, 4, 2), kA100, tile + "A k-major by 2, B mn-major by 1");
  const Product f32 = matrices(HS_F32, 131, 67, 33);
  check(aligned(f32, 8, 4), kA100,
        "fma 64x64x16, 2 stages, split 1, 6 blocks, A k-major by 2, B mn-major by 1");
}

// describe() of the arguments of a call.
TEST(descriptions_follow_the_arguments) {
  const auto at = [](uintptr_t address) { return reinterpret_cast<void*>(address); };
  hs::MatmulArgs args{};
  args.desc.type = HS_BF16;
  args.desc.batch = 1;
  args.desc.m = 10;
  args.desc.n = 20;
  args.desc.k = 30;
  args.desc.lda = 32;
  args.desc.ldb = 20;
  args.desc.ldc = 20;
  args.desc.stride_a = 321;
  args.desc.stride_b = 0;
  args.desc.stride_c = 202;
  args.a = at(0x1000);
  args.b = at(0x2000);
  args.c = at(0x3000);
  args.bias_grad = static_cast<float*>(at(0x4000));
  Product p = describe(args, Operands::kMatrices, 0);
  CHECK(p.type == HS_BF16 && p.m == 10 && p.n == 20 && p.k == 30 && p.batch == 1 && p.bias_grad);
  CHECK(!p.transpose_a && !p.transpose_b && !p.tf32);
  CHECK(p.aligned_a == 16 && p.aligned_b == 8 && p.whole_c);  // strides of one matrix do not matter
  args.desc.batch = 2;
  p = describe(args, Operands::kMatrices, 0);
  CHECK(p.aligned_a == 2 && p.aligned_b == 8 && !p.whole_c);
  args.desc.stride_a = 320;
  args.a = at(0x1004);
  args.desc.stride_c = 200;
  CHECK(describe(args, Operands::kMatrices, 0).aligned_a == 4);
  CHECK(describe(args, Operands::kMatrices, 0).whole_c);
  args.aux = at(0x3008);
  CHECK(!describe(args, Operands::kMatrices, 0).whole_c);

  // Groups of 6 and 10 channels: windows and filters begin at the first channel of a group.
  hs::MatmulArgs conv{};
  conv.desc.type = HS_F16;
  conv.desc.batch = 2;
  conv.desc.n = 6;
  conv.desc.stride_a = 10;
  conv.desc.stride_b = 10 * 9 * 6;
  conv.a = at(0x1000);
  conv.b = at(0x2000);
  p = describe(conv, Operands::kData, 12);
  CHECK(p.aligned_a == 4 && p.aligned_b == 4 && !p.transpose_a && !p.transpose_b);
  conv.desc.stride_b = 6;
  conv.desc.lda = 20;
  p = describe(conv, Operands::kWeights, 12);
  CHECK(p.aligned_a == 4 && p.aligned_b == 4 && p.transpose_a && !p.transpose_b);
  conv.desc.stride_a = 8;
  conv.desc.ldb = 9 * 8;
  conv.desc.stride_b = 16 * 9 * 8;
  p = describe(conv, Operands::kForward, 16);
  CHECK(p.aligned_a == 16 && p.aligned_b == 16 && p.transpose_b && p.channels == 16);
}

TEST_MAIN()
