#include "cuda/product/plan.h"

#include <cstdio>

namespace hs::cuda {
namespace {

const char* name_of(Engine engine) {
  switch (engine) {
    case Engine::kDirect:
      return "direct";
    case Engine::kPacked:
      return "packed";
    case Engine::kWgmma:
      return "wgmma";
    case Engine::kMma:
      return "mma";
    default:
      return "fma";
  }
}

const char* name_of(Feed feed) {
  switch (feed) {
    case Feed::kKMajor:
      return "k-major";
    case Feed::kMnMajor:
      return "mn-major";
    case Feed::kWindows:
      return "windows";
    default:
      return "filters";
  }
}

}  // namespace

std::string to_text(const ProductPlan& plan) {
  char text[160];
  std::snprintf(text, sizeof text,
                "%s %dx%dx%d, %d stage%s, split %u, %lld blocks, A %s by %d, B %s by %d",
                name_of(plan.tile.engine), plan.tile.m, plan.tile.n, plan.tile.k, plan.tile.stages,
                plan.tile.stages == 1 ? "" : "s", plan.cut.splits,
                static_cast<long long>(plan.blocks * plan.columns_of_blocks), name_of(plan.feed_a),
                plan.cut.width_a, name_of(plan.feed_b), plan.cut.width_b);
  return text;
}

}  // namespace hs::cuda
