// Embedding: copies the rows of a table that tokens name; and the gradient of the table. Bound by
// memory: forward reads and writes each row, 8 bytes per F32 element; backward reads dy once and
// writes the table's gradient once, all of it (beta 0) or only the rows that have a token.
//
// Backward sorts the places of the tokens by token, with a counting sort, which keeps their order.
// Then each row of the table adds up the rows of dy at its own places, in order, so that no two
// tiles write the same row.
#include "cpu/kernels/kernels.h"
#include "cpu/kernels/storage.h"

namespace hs::cpu::HS_ISA {
namespace {

constexpr int64_t kTileElements = 16 << 10;
constexpr int64_t kBlock = 256;  // columns of a row that one tile adds up, in an array of sums

bool contains(int64_t vocabulary, int32_t token) { return token >= 0 && token < vocabulary; }

// Sorts the places by token: starts[t] is the index in `places` at which those of token t begin,
// and starts[vocabulary] is the number of places.
void sort_places(const EmbeddingBackwardArgs& args, int32_t* starts, int32_t* places) {
  const int64_t vocabulary = args.vocabulary;
  __builtin_memset(starts, 0, static_cast<uint64_t>(vocabulary + 1) * sizeof(int32_t));
  for (int64_t i = 0; i < args.count; i++) {
    if (contains(vocabulary, args.tokens[i])) starts[args.tokens[i]]++;
  }
  int32_t end = 0;  // starts[t] is at first the end of t's places, and decreases with each place
  for (int64_t t = 0; t < vocabulary; t++) starts[t] = end += starts[t];
  starts[vocabulary] = end;
  for (int64_t i = args.count - 1; i >= 0; i--) {
    const int32_t token = args.tokens[i];
    if (contains(vocabulary, token)) places[--starts[token]] = static_cast<int32_t>(i);
  }
}

// Computes columns [begin, end) of one row: d_row = beta * d_row + the sum of dy over its places.
template <class T>
HS_INLINE void add_places(const T* dy, int64_t width, const int32_t* places, int32_t count,
                          float beta, int64_t begin, int64_t end, float* d_row) {
  float sums[kBlock];
  float* const out = d_row + begin;
  const int64_t columns = end - begin;
  for_vectors(0, columns, [&](int64_t c, auto lanes) { store(sums + c, vf{}, lanes); });
  for (int32_t p = 0; p < count; p++) {
    const T* const row = dy + places[p] * width + begin;
    for_vectors(0, columns, [&](int64_t c, auto lanes) {
      store(sums + c, load(sums + c, lanes) + load(row + c, lanes), lanes);
    });
  }
  for_vectors(0, columns, [&](int64_t c, auto lanes) {
    const vf sum = load(sums + c, lanes);
    store(out + c, beta == 0 ? sum : beta * load(out + c, lanes) + sum, lanes);
  });
}

template <class T>
void run_backward(const EmbeddingBackwardArgs& args, const int32_t* starts, const int32_t* places) {
  const T* const dy = static_cast<const T*>(args.dy);
  const int64_t width = args.width, blocks = (width + kBlock - 1) / kBlock;
  const int64_t block = width < kBlock ? width : kBlock;
  const int64_t span = (kTileElements + block - 1) / block;  // rows of the table in a tile
  const int64_t spans = (args.vocabulary + span - 1) / span;
  const double cost = static_cast<double>(args.vocabulary + args.count) *
                      static_cast<double>(width * 4) * kNsPerByte;
  parallel_for(spans * blocks, cost, [&](int64_t tile) {
    const int64_t begin = tile % blocks * kBlock, first = tile / blocks * span;
    const int64_t end = begin + kBlock < width ? begin + kBlock : width;
    const int64_t last = first + span < args.vocabulary ? first + span : args.vocabulary;
    for (int64_t t = first; t < last; t++) {
      const int32_t count = starts[t + 1] - starts[t];
      if (count == 0 && args.beta == 1) continue;
      add_places(dy, width, places + starts[t], count, args.beta, begin, end,
                 args.d_table + t * width);
    }
  });
}

}  // namespace

void embedding(const EmbeddingArgs& args) {
  const int64_t size = args.type == HS_F32 ? 4 : 2;
  const int64_t row_bytes = args.width * size;
  const uint8_t* const table = static_cast<const uint8_t*>(args.table);
  uint8_t* const y = static_cast<uint8_t*>(args.y);
  for_spans(args.count, (kTileElements + args.width - 1) / args.width,
            static_cast<double>(2 * row_bytes) * kNsPerByte + 5, [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; i++) {
                const int32_t token = args.tokens[i];
                if (contains(args.vocabulary, token)) {
                  __builtin_memcpy(y + i * row_bytes, table + token * row_bytes,
                                   static_cast<uint64_t>(row_bytes));
                  continue;
                }
                __builtin_memset(y + i * row_bytes, 0, static_cast<uint64_t>(row_bytes));
                if (args.state != nullptr) {
                  __atomic_fetch_or(&args.state->error, HS_ERROR_INDEX, __ATOMIC_RELAXED);
                }
              }
            });
}

void embedding_backward(const EmbeddingBackwardArgs& args) {
  int32_t* const starts = args.workspace;
  int32_t* const places = args.workspace + args.vocabulary + 1;
  sort_places(args, starts, places);
  with_storage(args.type, [&](auto type) {
    run_backward<typename decltype(type)::type>(args, starts, places);
  });
}

}  // namespace hs::cpu::HS_ISA
