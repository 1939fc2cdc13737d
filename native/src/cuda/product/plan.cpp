#include "cuda/product/plan.h"

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

std::string text_of(const char* operand, Feed feed, int width) {
  const std::string text = std::string(", ") + operand + " " + name_of(feed);
  return width == 0 ? text : text + " by " + std::to_string(width);
}

std::string counted(std::int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::string to_text(const ProductPlan& plan) {
  const TileSpec& tile = plan.tile;
  return std::string(name_of(tile.engine)) + " " + std::to_string(tile.m) + "x" +
         std::to_string(tile.n) + "x" + std::to_string(tile.k) + ", " +
         counted(tile.stages, "stage") + ", split " + std::to_string(plan.cut.splits) + ", " +
         counted(plan.blocks * plan.columns_of_blocks, "block") +
         text_of("A", plan.feed_a, plan.cut.width_a) + text_of("B", plan.feed_b, plan.cut.width_b);
}

}  // namespace hs::cuda
