// Helpers for tests of kernels on a device: arrays between guard bands, which are poisoned before
// use.
//
// Every test of a kernel calls the C ABI and runs on each backend that the environment variable
// HALFSTEP_TEST_DEVICES names, separated by commas; without it on "cpu". For "cuda"
// HALFSTEP_CUDA_PLUGIN is the path of the plug-in.
#ifndef HALFSTEP_TEST_DEVICE_H
#define HALFSTEP_TEST_DEVICE_H

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "cpu/isa.h"
#include "halfstep.h"
#include "numerics/conversions.h"
#include "test.h"

#define CHECK_OK(call) CHECK_THAT((call) == HS_OK, hs_last_error())

namespace hs::test {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

// An open device with one stream; the destructor closes both.
class Device {
 public:
  explicit Device(const std::string& backend) : backend_(backend) {
    if (const char* plugin = std::getenv("HALFSTEP_CUDA_PLUGIN")) {
      CHECK_OK(hs_set_cuda_plugin(plugin));
    }
    CHECK_OK(hs_device_open(backend.c_str(), 0, &device_));
    CHECK_OK(hs_stream_create(device_, &stream_));
  }
  ~Device() { CHECK_OK(hs_device_close(device_)); }
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  hs_device handle() const { return device_; }
  hs_stream stream() const { return stream_; }
  const std::string& backend() const { return backend_; }

 private:
  std::string backend_;
  hs_device device_ = nullptr;
  hs_stream stream_ = nullptr;
};

// `count` elements of T in device memory. The bytes around them must not change; the elements are
// NaN (all bits set) until they are written. `shift` moves the address by that many elements, so
// that it is not aligned.
template <class T>
class Array {
 public:
  Array(Device& device, size_t count, size_t shift = 0)
      : device_(device), count_(count), before_(kGuard + shift * sizeof(T)) {
    std::vector<uint8_t> image(bytes(), kGuardByte);
    std::memset(image.data() + before_, 0xff, count * sizeof(T));
    CHECK_OK(hs_alloc(device.handle(), image.size(), &block_));
    CHECK_OK(
        hs_upload(device.stream(), block_, reinterpret_cast<hs_ptr>(image.data()), image.size()));
  }
  Array(Device& device, const std::vector<T>& values, size_t shift = 0)
      : Array(device, values.size(), shift) {
    set(values);
  }
  ~Array() {
    get();
    CHECK_OK(hs_free(device_.handle(), block_));
  }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  hs_ptr address() const { return block_ + before_; }
  size_t count() const { return count_; }

  void set(const std::vector<T>& values) {
    CHECK(values.size() == count_);
    CHECK_OK(hs_upload(device_.stream(), address(), reinterpret_cast<hs_ptr>(values.data()),
                       count_ * sizeof(T)));
  }

  // The elements; checks the guard bands.
  std::vector<T> get() const {
    std::vector<uint8_t> image(bytes());
    CHECK_OK(hs_stream_synchronize(device_.stream()));
    CHECK_OK(hs_download(device_.stream(), reinterpret_cast<hs_ptr>(image.data()), block_,
                         image.size()));
    size_t spoilt = 0;
    for (size_t i = 0; i < image.size(); i++) {
      const bool outside = i < before_ || i >= before_ + count_ * sizeof(T);
      if (outside && image[i] != kGuardByte) spoilt++;
    }
    CHECK_THAT(spoilt == 0, std::to_string(spoilt) + " bytes beside the array were written");
    std::vector<T> values(count_);
    if (count_ > 0) std::memcpy(values.data(), image.data() + before_, count_ * sizeof(T));
    return values;
  }

 private:
  static constexpr size_t kGuard = 256;
  static constexpr uint8_t kGuardByte = 0xa5;

  size_t bytes() const { return before_ + count_ * sizeof(T) + kGuard; }

  Device& device_;
  size_t count_, before_;
  hs_ptr block_ = 0;
};

// Calls body(device) for each backend under test.
template <class Body>
void on_devices(const Body& body) {
  const char* wanted = std::getenv("HALFSTEP_TEST_DEVICES");
  std::istringstream names(wanted != nullptr ? wanted : "cpu");
  int devices = 0;
  for (std::string name; std::getline(names, name, ','); devices++) {
    Device device(name);
    body(device);
  }
  CHECK(devices > 0);
}

// Whether a shape of `count` elements is left out on this device: the simulated one takes a second
// for a few million elements.
inline bool is_left_out(const Device& device, size_t count) {
  const char* largest = std::getenv("HALFSTEP_TEST_LARGEST");
  const size_t most = largest != nullptr ? std::strtoull(largest, nullptr, 10) : 200000;
  return device.backend() == "sim" && count > most;
}

// The main of a test that also runs once for each instruction set. The exit status 77 means
// "skipped".
#define KERNEL_TEST_MAIN()                              \
  int main(int argc, char** argv) {                     \
    if (const char* problem = hs::cpu::isa_problem()) { \
      std::printf("skipped: %s\n", problem);            \
      return 77;                                        \
    }                                                   \
    return hs::test::run(argc, argv);                   \
  }

// Whether two arrays are bitwise equal.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Runs body with 1, 2 and 3 threads and recorded in a list; each run must give the same bits as the
// first. body(stream) makes the calls, result() reads their result.
template <class Body, class Result>
void check_same_everywhere(Device& device, const Body& body, const Result& result) {
  body(device.stream());
  const auto expected = result();
  for (int32_t threads : {1, 2, 3}) {
    CHECK_OK(hs_set_threads(threads));
    body(device.stream());
    CHECK_THAT(same_bits(result(), expected), std::to_string(threads) + " threads");
  }
  CHECK_OK(hs_set_threads(0));
  hs_list list = nullptr;
  CHECK_OK(hs_capture_begin(device.stream()));
  body(device.stream());
  CHECK_OK(hs_capture_end(device.stream(), &list));
  CHECK_OK(hs_list_launch(device.stream(), list, 1));
  CHECK_THAT(same_bits(result(), expected), "captured");
  CHECK_OK(hs_list_destroy(list));
}

// Checks that the call fails with HS_INVALID_ARGUMENT and a message that contains `words`.
inline void check_refused(const char* file, int line, hs_status status, const char* words) {
  if (status != HS_INVALID_ARGUMENT || std::strstr(hs_last_error(), words) == nullptr) {
    fail(file, line,
         "expected a refusal with \"" + std::string(words) + "\", got status " +
             std::to_string(status) + ", \"" + hs_last_error() + "\"");
  }
}
#define CHECK_REFUSED(call, words) hs::test::check_refused(__FILE__, __LINE__, call, words)

// The storage types: their numbers in the ABI, and conversions of single values.
struct StorageType {
  hs_dtype type;
  const char* name;
  double unit;  // unit roundoff
};
inline constexpr StorageType kStorageTypes[] = {
    {HS_F32, "F32", 0x1p-24}, {HS_BF16, "BF16", 0x1p-8}, {HS_F16, "F16", 0x1p-11}};

// An array of a storage type that is read and written as floats.
class StorageArray {
 public:
  StorageArray(Device& device, hs_dtype type, size_t count, size_t shift = 0)
      : type_(type),
        words_(device, type == HS_F32 ? count : 0, shift),
        halves_(device, type == HS_F32 ? 0 : count, shift) {}
  // Rounds `values` to the type; get() returns the rounded values.
  StorageArray(Device& device, hs_dtype type, const std::vector<float>& values, size_t shift = 0)
      : StorageArray(device, type, values.size(), shift) {
    set(values);
  }

  hs_ptr address() const { return type_ == HS_F32 ? words_.address() : halves_.address(); }

  void set(const std::vector<float>& values) {
    if (type_ == HS_F32) return words_.set(values);
    std::vector<uint16_t> halves(values.size());
    for (size_t i = 0; i < values.size(); i++) {
      halves[i] = type_ == HS_BF16 ? bf16_from_float(values[i]) : f16_from_float(values[i]);
    }
    halves_.set(halves);
  }

  std::vector<float> get() const {
    if (type_ == HS_F32) return words_.get();
    std::vector<float> values;
    for (uint16_t h : halves_.get()) {
      values.push_back(type_ == HS_BF16 ? float_from_bf16(h) : float_from_f16(h));
    }
    return values;
  }

 private:
  hs_dtype type_;
  Array<float> words_;
  Array<uint16_t> halves_;
};

// While it lives, products of F32 on the device's stream may round their operands to TF32 if
// `allowed`.
class Tf32 {
 public:
  Tf32(Device& device, bool allowed)
      : stream_(device.stream()), rounds_(allowed && device.backend() != "cpu") {
    CHECK_OK(hs_stream_set_tf32(stream_, allowed));
  }
  ~Tf32() { CHECK_OK(hs_stream_set_tf32(stream_, 0)); }
  Tf32(const Tf32&) = delete;
  Tf32& operator=(const Tf32&) = delete;

  // The operands of F32 as products use them: rounded to TF32 if that is allowed.
  std::vector<float> seen(std::vector<float> values) const {
    for (float& value : values) value = rounds_ ? tf32_from_float(value) : value;
    return values;
  }

 private:
  hs_stream stream_;
  bool rounds_;
};

inline std::vector<float> normals(size_t count, uint32_t seed, float deviation = 1,
                                  float mean = 0) {
  std::mt19937 bits(seed);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(bits);
  return values;
}

// Sizes for kernels that go through an array element by element: 0, 1, one below, at and one above
// the vector widths and their multiples, odd numbers, and more than a tile's span.
inline constexpr size_t kSizes[] = {0,  1,  2,  3,  7,  8,   9,    15,    16,    17,    31,
                                    32, 33, 63, 64, 65, 127, 1000, 16383, 16384, 16385, 100003};

}  // namespace hs::test

#endif  // HALFSTEP_TEST_DEVICE_H
