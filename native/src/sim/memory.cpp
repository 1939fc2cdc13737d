#include "sim/memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>

namespace hs::sim {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;  // the alignment that hs_alloc promises
constexpr std::size_t kBand = 64;        // bytes before an allocation that must not change
constexpr unsigned char kPoison = 0xff;  // all bits 1 are NaN in every floating-point type
// The bands hold another NaN, 0xffdf, so that a poisoned value that is written to a band is
// noticed.
constexpr unsigned char kBandBytes[] = {0xdf, 0xff};

struct Allocation {
  std::size_t bytes;
  unsigned char* mapping;
  std::size_t mapped;
  unsigned char* begin() const { return mapping + mapped - kPage - rounded(); }
  std::size_t rounded() const { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }
};

std::mutex mutex;

std::map<std::uintptr_t, Allocation>& allocations() {
  static auto* all = new std::map<std::uintptr_t, Allocation>;  // outlives every thread
  return *all;
}

std::uintptr_t number(const void* address) { return reinterpret_cast<std::uintptr_t>(address); }

void fill_band(unsigned char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) from[i] = kBandBytes[number(from + i) % 2];
}

// The first byte that differs from the one that fill_band wrote, or null.
const unsigned char* first_changed(const unsigned char* from, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; ++i) {
    if (from[i] != kBandBytes[number(from + i) % 2]) return from + i;
  }
  return nullptr;
}

void fill_bands(const Allocation& a) {
  fill_band(a.begin() - kBand, kBand);
  fill_band(a.begin() + a.bytes, a.rounded() - a.bytes);
}

std::string bytes_of(std::size_t n) { return std::to_string(n) + (n == 1 ? " byte" : " bytes"); }

std::string relative(const Allocation& a, std::uintptr_t at) {
  std::uintptr_t begin = number(a.begin());
  std::string where;
  if (at < begin) {
    where = bytes_of(begin - at) + " before";
  } else if (at >= begin + a.bytes) {
    where = bytes_of(at - begin - a.bytes) + " past the end of";
  } else {
    where = "byte " + std::to_string(at - begin) + " of";
  }
  return where + " an allocation of " + bytes_of(a.bytes);
}

}  // namespace

void* allocate_guarded(std::size_t bytes) {
  Allocation a{bytes, nullptr, 0};
  std::size_t usable = (a.rounded() + kBand + kPage - 1) / kPage * kPage;
  a.mapped = usable + 2 * kPage;
  void* mapping = mmap(nullptr, a.mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  a.mapping = static_cast<unsigned char*>(mapping);
  if (mprotect(a.mapping + kPage, usable, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, a.mapped);
    return nullptr;
  }
  std::memset(a.begin(), kPoison, a.bytes);
  fill_bands(a);
  std::lock_guard lock(mutex);
  allocations()[number(a.begin())] = a;
  return a.begin();
}

bool free_guarded(void* address) {
  std::lock_guard lock(mutex);
  auto found = allocations().find(number(address));
  if (found == allocations().end()) return false;
  munmap(found->second.mapping, found->second.mapped);
  allocations().erase(found);
  return true;
}

std::size_t allocated_bytes() {
  std::lock_guard lock(mutex);
  std::size_t sum = 0;
  for (const auto& [begin, a] : allocations()) sum += a.bytes;
  return sum;
}

std::string locate(const void* address) {
  std::lock_guard lock(mutex);
  for (const auto& [begin, a] : allocations()) {
    if (address >= a.mapping && address < a.mapping + a.mapped) {
      return relative(a, number(address));
    }
  }
  return "in no allocation of the device";
}

bool inside_allocation(const void* address, std::size_t bytes) {
  std::lock_guard lock(mutex);
  auto after = allocations().upper_bound(number(address));
  if (after == allocations().begin()) return false;
  const Allocation& a = std::prev(after)->second;
  std::size_t offset = number(address) - number(a.begin());
  return offset <= a.bytes && bytes <= a.bytes - offset;
}

std::string damaged_bands() {
  std::lock_guard lock(mutex);
  for (const auto& [begin, a] : allocations()) {
    const unsigned char* changed = first_changed(a.begin() - kBand, kBand);
    if (!changed) changed = first_changed(a.begin() + a.bytes, a.rounded() - a.bytes);
    if (!changed) continue;
    std::string where = relative(a, number(changed));
    fill_bands(a);
    return where;
  }
  return "";
}

}  // namespace hs::sim
