/*
 * halfstep.h: the C ABI of Halfstep, a library of kernels for training neural networks.
 *
 * Programs outside the library (Java through JavaCPP, Python through ctypes, C) use this header and
 * nothing else. These rules hold for all functions:
 *
 * Status     Every function returns hs_status. A function that fails leaves its outputs untouched;
 *            only a kernel that returns HS_OUT_OF_MEMORY may have written some of them.
 *            hs_last_error() then tells the calling thread what was given, what was expected and
 *            what to do. No function throws, prints or exits.
 * Memory     An hs_ptr is an address in device memory, as an integer (like CUdeviceptr); none is
 *            below 4096. On the CPU it may be the address of any memory of the process. No array
 *            has more than 2^58 elements. Apart from the limit of 4096, addresses are not checked.
 *            Tensors are dense and row-major, activations NHWC, unless strides are given. Memory
 *            behind pointers called "host" is read or written during the call.
 * Streams    Calls on a stream run in the order in which they are made. On the CPU they have
 *            finished when the function returns; on CUDA they are asynchronous until
 *            hs_stream_synchronize or a download. Only the thread that owns a stream may use it;
 *            hs_stream_release and hs_stream_adopt pass it to another thread. After
 *            hs_stream_share the caller must make sure that one thread at a time uses it. A kernel
 *            call with a null stream runs on the CPU at once, from any thread.
 * Lists      Between hs_capture_begin and hs_capture_end calls are recorded, not run. A recorded
 *            list keeps addresses and sizes. Values that change from step to step lie in device
 *            memory (hs_step_state, the schedule, the order of the samples).
 * Aliasing   An output must not overlap an input unless the function says "may alias".
 * Results    The same input on the same device gives the same bits, whatever the number of threads.
 *            Accumulation, statistics and losses are FP32 or wider for every storage type.
 */
#ifndef HALFSTEP_H
#define HALFSTEP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HS_API __attribute__((visibility("default")))

/* Raised when a signature, a struct or the meaning of a function changes. */
#define HS_ABI_VERSION 5

/* ------------------------------------------------------------------------- status and errors */

typedef int32_t hs_status;
enum {
  HS_OK = 0,
  HS_INVALID_ARGUMENT = 1, /* a shape, type or value that is not allowed */
  HS_INVALID_STATE = 2,    /* a call at the wrong time or from the wrong thread */
  HS_OUT_OF_MEMORY = 3,    /* the device's memory, or the limit set for it, does not suffice */
  HS_UNSUPPORTED = 4,      /* a valid call that this device or this library cannot carry out */
  HS_NO_DEVICE = 5,        /* no such backend, device or driver */
  HS_DEVICE_FAILED = 6     /* the device reported an error: from then on it takes only calls that
                              free, destroy or close; others return this status, with its cause */
};

/* The message of the calling thread's last failure; "" before the first. Valid until the thread's
 * next failure. */
HS_API const char* hs_last_error(void);

/* HS_OK if the library speaks the caller's HS_ABI_VERSION, otherwise HS_UNSUPPORTED with both
 * versions in the message. */
HS_API hs_status hs_check_abi(int32_t caller_version);

/* The library's version and build, such as "1.2.3 (gcc 12.2.0)". Never fails. */
HS_API const char* hs_version(void);

/* ------------------------------------------------------------------------------------- types */

typedef uint64_t hs_ptr; /* an address in a device's memory; 0 means "none" where that is allowed */

typedef int32_t hs_dtype;
enum { HS_F32 = 0, HS_BF16 = 1, HS_F16 = 2, HS_I32 = 3, HS_U8 = 4, HS_I64 = 5, HS_F64 = 6 };

typedef int32_t hs_activation;
enum {
  HS_NONE = 0,
  HS_RELU = 1,
  HS_GELU = 2, /* exact: x * Phi(x), with erf (Hendrycks and Gimpel, 2016) */
  HS_SIGMOID = 3,
  HS_TANH = 4,
  HS_ABS = 5,
  HS_SQRT = 6, /* NaN below 0 */
  HS_EXP = 7,
  HS_LOG = 8 /* natural; -infinity at 0, NaN below */
};

typedef struct hs_device_t* hs_device;
typedef struct hs_stream_t* hs_stream;
typedef struct hs_list_t* hs_list;

/* ----------------------------------------------------------------------------------- devices */

typedef struct hs_device_info {
  char backend[16]; /* "cpu", "cuda", "noop" */
  char name[128];   /* the chip's own name */
  char detail[128]; /* CPU: the instruction set in use; CUDA: compute capability, driver */
  int32_t ordinal;
  int32_t threads;           /* CPU: threads of the pool; CUDA: multiprocessors */
  uint64_t memory_total;     /* bytes; CPU: no more than the cgroup's limit */
  uint64_t memory_available; /* bytes the device could still give, not counting memory_limit */
  uint64_t memory_limit;     /* the most bytes that may be held at once; 0: no limit is set */
  uint64_t memory_used;      /* bytes held by hs_alloc and, on CUDA, by lists */
  uint64_t memory_peak;      /* the most bytes held at once */
} hs_device_info;

/* The number of devices of backend "cpu", "cuda" or "noop" (which records and launches calls but
 * computes nothing, to measure the cost of a call). HS_NO_DEVICE, with the reason in the message,
 * if the backend has none. */
HS_API hs_status hs_device_count(const char* backend, int32_t* count);

/* Opens device `ordinal` of a backend. A device may be opened several times; each hs_device has its
 * own memory, streams and lists, and closing it frees them. */
HS_API hs_status hs_device_open(const char* backend, int32_t ordinal, hs_device* device);

/* Waits for the device, frees all its memory, streams and lists, and closes it. */
HS_API hs_status hs_device_close(hs_device device);

HS_API hs_status hs_device_query(hs_device device, hs_device_info* info);

/* Limits the bytes that hs_alloc and lists may hold at once on this device; 0 lifts the limit. */
HS_API hs_status hs_device_set_memory_limit(hs_device device, uint64_t bytes);

/* Sets the path of the CUDA plug-in (libhalfstep_cuda.so). Call it before the first use of the
 * backend "cuda". */
HS_API hs_status hs_set_cuda_plugin(const char* path);

/* Sets the number of threads of the process's one pool, counting the caller's: 1 ... 256, or 0 for
 * the default (the processors that this process may use, limited by the cgroup's quota). Results do
 * not depend on it. */
HS_API hs_status hs_set_threads(int32_t threads);
HS_API hs_status hs_get_threads(int32_t* threads);

/* ------------------------------------------------------------------------------------ memory */

/* Allocates `bytes` of device memory, aligned to 256 bytes, with undefined contents. For 0 bytes
 * the address is 0. */
HS_API hs_status hs_alloc(hs_device device, uint64_t bytes, hs_ptr* address);

/* Frees memory that hs_alloc returned; 0 is ignored. Waits for the device where it must. */
HS_API hs_status hs_free(hs_device device, hs_ptr address);

/* Allocates host memory from which copies to the device are fastest (pinned on CUDA), aligned to
 * 256 bytes. */
HS_API hs_status hs_host_alloc(hs_device device, uint64_t bytes, hs_ptr* address);
HS_API hs_status hs_host_free(hs_device device, hs_ptr address);

/* ------------------------------------------------------------------ streams and command lists */

HS_API hs_status hs_stream_create(hs_device device, hs_stream* stream);
HS_API hs_status hs_stream_destroy(hs_stream stream);

/* Waits until all calls on the stream have finished. Reports a failure of any call since the last
 * hs_stream_synchronize. */
HS_API hs_status hs_stream_synchronize(hs_stream stream);

/* Calls made on `stream` from now on run after all calls made on `other` so far; the host does not
 * wait. Both streams belong to one device, the calling thread owns both, and neither is
 * recording. */
HS_API hs_status hs_stream_wait(hs_stream stream, hs_stream other);

/* hs_stream_release: the owner gives the stream up. hs_stream_adopt: the calling thread becomes the
 * owner of a stream that was released. */
HS_API hs_status hs_stream_release(hs_stream stream);
HS_API hs_status hs_stream_adopt(hs_stream stream);

/* From now on no thread owns the stream: any thread may use it, one at a time. This is for
 * languages whose threads move between the system's threads; they check the owner themselves. */
HS_API hs_status hs_stream_share(hs_stream stream);

/* The stream's handle in its platform: on CUDA the CUstream (cudaStream_t), valid until the stream
 * is destroyed. Foreign code can make its own calls on it, between ours; a capture records them
 * too. HS_UNSUPPORTED where the platform has no streams, as on the CPU. */
HS_API hs_status hs_stream_native(hs_stream stream, uint64_t* native);

/* Makes an hs_stream from a stream that foreign code made on the same device: on CUDA a CUstream
 * (cudaStream_t); 0 is the legacy default stream, on which nothing can be recorded. Our calls and
 * the foreign ones run in the order in which they were made. The foreign code still owns its
 * stream: hs_stream_destroy waits for it but does not destroy it, and it must outlive ours.
 * HS_UNSUPPORTED as for hs_stream_native. */
HS_API hs_status hs_stream_wrap(hs_device device, uint64_t native, hs_stream* stream);

/* Sets whether matrix products and convolutions of HS_F32 that are run or recorded on this stream
 * from now on may round their operands to TF32 (10 bits of mantissa, to nearest) on devices with
 * TF32 units (CUDA). Sums, bias, bias gradients and results stay FP32. A new stream has 0. On the
 * CPU this has no effect. */
HS_API hs_status hs_stream_set_tf32(hs_stream stream, int32_t allowed);

/* Copies between host memory and the device. When it returns, an upload has read `host`, and a
 * download has written it. Not while recording. */
HS_API hs_status hs_upload(hs_stream stream, hs_ptr device, hs_ptr host, uint64_t bytes);
HS_API hs_status hs_download(hs_stream stream, hs_ptr host, hs_ptr device, uint64_t bytes);

/* As hs_upload, but may return before the copy has ended. `host` lies in memory from hs_host_alloc
 * and must not be changed until the stream has been synchronized. Not while recording. */
HS_API hs_status hs_upload_async(hs_stream stream, hs_ptr device, hs_ptr host, uint64_t bytes);

/* Records the calls that follow into a list instead of running them. A call that fails is not
 * recorded, and the recording goes on. hs_capture_end with a null `list` drops the recording. */
HS_API hs_status hs_capture_begin(hs_stream stream);
HS_API hs_status hs_capture_end(hs_stream stream, hs_list* list);

/* Runs a list `times` times in sequence, on a stream of the device it was recorded on. */
HS_API hs_status hs_list_launch(hs_stream stream, hs_list list, int32_t times);
HS_API hs_status hs_list_destroy(hs_list list);

/* The number of kernel calls in a list. */
HS_API hs_status hs_list_size(hs_list list, int64_t* calls);

/* -------------------------------------------------------------- the state of a training run */

/* The state that a recorded step reads and advances. It lies in device memory; at the start of a
 * run all of it is zero except loss_scale. One *step* is one effective batch, made of one or more
 * micro-batches. */
typedef struct hs_step_state {
  int64_t step;           /* steps ended, performed or skipped: index into the ring */
  int64_t performed;      /* optimizer steps performed: selects the row of the schedule */
  int64_t micro_step;     /* micro-batches ended since the start: part of dropout's counter */
  int64_t cursor;         /* where the next micro-batch begins in the order of the samples */
  int64_t schedule_base;  /* the value of `performed` for which row 0 of the schedule holds */
  int64_t schedule_rows;  /* rows in the schedule */
  double loss_sum;        /* this step so far: sum of the weighted losses */
  double weight;          /* this step so far: sum of their weights */
  double correct;         /* this step so far: rows whose largest logit is the label's */
  double rows;            /* this step so far: rows that were not ignored */
  float loss_scale;       /* loss gradients are multiplied by it; 1 without loss scaling */
  int32_t growth_tracker; /* steps with finite gradients since the scale last changed */
  int32_t skipped_in_row; /* steps skipped in a row, up to the last one that ended */
  int32_t nonfinite;      /* 1: this step's gradients hold an infinity or a NaN */
  float gradient_norm;    /* norm of this step's unscaled gradients, before clipping */
  float multiplier;       /* each gradient is multiplied by it: unscaling times clipping */
  uint32_t error;         /* HS_ERROR_... bits, set until cleared; meanwhile steps are skipped */
  uint32_t reserved;
} hs_step_state;

enum {
  HS_ERROR_LABEL = 1,   /* a class label was outside [0, classes) and not the ignored one */
  HS_ERROR_INDEX = 2,   /* an index in the order, or a token, was outside the table */
  HS_ERROR_SCHEDULE = 4 /* the schedule had no row for this step, which was skipped */
};

/* A row of the schedule: the values for one performed step. */
typedef struct hs_schedule_row {
  float learning_rate;
  float momentum; /* SGD's and LARS's momentum, Adam's beta1 */
} hs_schedule_row;

/* The record of one step, which hs_step_end writes to the ring at index step % capacity. */
typedef struct hs_step_record {
  int64_t step;
  double loss_sum, weight, correct, rows;
  float learning_rate;
  float loss_scale;    /* the scale that this step used */
  float gradient_norm; /* 0 where it was not measured */
  int32_t skipped;     /* 1: not finite gradients or an error in the state; nothing was updated */
} hs_step_record;

/* Dynamic loss scaling with the semantics of PyTorch's GradScaler. The numbers are PyTorch's
 * defaults. */
typedef struct hs_scaler {
  float growth;     /* 2 */
  float backoff;    /* 0.5 */
  int32_t interval; /* 2000: finite steps after which the scale grows */
  float minimum;    /* the scale does not fall below it */
} hs_scaler;

/* Ends a micro-batch of `rows` samples: cursor += rows, micro_step += 1. */
HS_API hs_status hs_micro_step_end(hs_stream stream, hs_ptr state, int64_t rows);

/* Ends a step: writes its record to ring[step % capacity], updates the loss scale (unless `scaler`
 * is null), adds 1 to `step` and, unless the step was skipped, to `performed`, and clears the
 * step's sums. `schedule` may be 0. */
HS_API hs_status hs_step_end(hs_stream stream, hs_ptr state, hs_ptr schedule,
                             const hs_scaler* scaler, hs_ptr ring, int64_t capacity);

/* ---------------------------------------------------------------- fills, copies, conversions */

/* dst[i] = value, converted to `type`. */
HS_API hs_status hs_fill(hs_stream stream, hs_dtype type, hs_ptr dst, int64_t count, double value);

HS_API hs_status hs_copy(hs_stream stream, hs_ptr dst, hs_ptr src, uint64_t bytes);

/* dst[i] = src[i], converted to nearest, ties to even: from F32, BF16, F16, U8 or I32 to F32, BF16
 * or F16. */
HS_API hs_status hs_cast(hs_stream stream, hs_dtype src_type, hs_ptr src, hs_dtype dst_type,
                         hs_ptr dst, int64_t count);

/* Fills dst, F32, with random numbers of Philox4x32-10 (Salmon et al., 2011) with the key `seed`
 * and the counter (index / 4, sequence): dst[i] does not depend on `count`. Normal: mean +
 * deviation * Box-Muller. Uniform: in [low, high). */
HS_API hs_status hs_random_normal(hs_stream stream, hs_ptr dst, int64_t count, uint64_t seed,
                                  uint64_t sequence, float mean, float deviation);
HS_API hs_status hs_random_uniform(hs_stream stream, hs_ptr dst, int64_t count, uint64_t seed,
                                   uint64_t sequence, float low, float high);

/* ------------------------------------------------------------------------ a batch by its index */

typedef struct hs_gather_desc {
  hs_dtype src_type;  /* U8, F32 or I32 */
  hs_dtype dst_type;  /* F32, BF16 or F16; I32 from I32 */
  int64_t src_rows;   /* rows of src */
  int64_t row_size;   /* elements of a row */
  int64_t batch;      /* rows of dst */
  int64_t order_size; /* number of indices in `order`; the cursor starts again after the last */
  int64_t channels; /* elements of scale and shift; divides row_size; element i uses i % channels */
} hs_gather_desc;

/* dst[b] = src[order[(cursor + b) % order_size]] * scale + shift, for b in [0, batch). `order` is
 * I32 [order_size]; 0: order[i] = i. `state` holds the cursor (0: the cursor is 0) and receives
 * HS_ERROR_INDEX if an index lies outside [0, src_rows); the row of dst is then zero. `scale` and
 * `shift` are F32 [channels], or both 0: values are only converted. */
HS_API hs_status hs_gather(hs_stream stream, const hs_gather_desc* desc, hs_ptr src, hs_ptr order,
                           hs_ptr state, hs_ptr scale, hs_ptr shift, hs_ptr dst);

/* ------------------------------------------------------------------------------------- matmul */

typedef struct hs_matmul_desc {
  hs_dtype type;          /* of A and B: F32, BF16 or F16 */
  hs_dtype out_type;      /* of C and aux: F32, or `type` */
  int32_t transpose_a;    /* 0: A is stored [m, k]; 1: [k, m] */
  int32_t transpose_b;    /* 0: B is stored [k, n]; 1: [n, k] */
  int64_t batch, m, n, k; /* batch >= 1 */
  int64_t lda, ldb, ldc;  /* elements from one stored row to the next */
  int64_t stride_a, stride_b,
      stride_c;      /* elements from one matrix to the next; A and B: 0 = one matrix for all */
  float alpha, beta; /* beta = 0: C is not read */
  hs_activation activation; /* NONE, RELU or GELU, after the bias */
  float bias_grad_beta;     /* 0: bias_grad is not read */
} hs_matmul_desc;

/* C = activation(alpha * op(A) * op(B) + beta * C + bias) for each matrix of the batch, where op
 * transposes if transpose_a or transpose_b says so. `bias` is F32 [n] or 0. `aux`, laid out as C,
 * receives the values before the activation (GELU's backward needs them); or 0. `bias_grad` is F32
 * [m] or 0, and needs batch = 1: bias_grad = sum over k of op(A) + bias_grad_beta * bias_grad,
 * which is the gradient of a bias if op(A) is the transposed dY. */
HS_API hs_status hs_matmul(hs_stream stream, const hs_matmul_desc* desc, hs_ptr a, hs_ptr b,
                           hs_ptr c, hs_ptr bias, hs_ptr aux, hs_ptr bias_grad);

/* ------------------------------------------------------------------------------- convolution */

/* 2-D convolution (cross-correlation, as in every framework), NHWC, `groups` dividing both channel
 * counts. x [n, h, w, c], weights [k, r, s, c / groups] (KRSC), y [n, p, q, k] with
 * p = (h + 2 pad_h - dilation_h (r - 1) - 1) / stride_h + 1 rounded down, q likewise. */
typedef struct hs_conv2d_desc {
  hs_dtype type; /* of x, weights, y, dx and dy; d_weights is F32 */
  int64_t n, h, w, c;
  int64_t k, r, s;
  int32_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w, groups;
  hs_activation activation; /* forward: NONE, RELU or GELU, after the bias */
} hs_conv2d_desc;

/* y = activation(conv(x, weights) + bias). `bias` is F32 [k] or 0. `aux`, laid out as y, receives
 * the values before the activation (GELU's backward needs them); or 0. */
HS_API hs_status hs_conv2d(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr x, hs_ptr weights,
                           hs_ptr bias, hs_ptr aux, hs_ptr y);

/* dx = gradient of the input + beta * dx; beta 0: dx is not read. `dy` is the gradient of
 * conv(x, weights) + bias, before the activation; desc->activation is ignored. */
HS_API hs_status hs_conv2d_backward_data(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr dy,
                                         hs_ptr weights, float beta, hs_ptr dx);

/* d_weights = gradient of the weights + beta * d_weights, F32; d_bias likewise, F32 [k] or 0. beta
 * 0: neither is read. */
HS_API hs_status hs_conv2d_backward_weights(hs_stream stream, const hs_conv2d_desc* desc, hs_ptr x,
                                            hs_ptr dy, float beta, hs_ptr d_weights, hs_ptr d_bias);

/* ------------------------------------------------------------------------- pooling, resizing */

typedef int32_t hs_pool;
enum {
  HS_MAX_POOL = 0,           /* NaN counts as larger than any number */
  HS_AVERAGE_POOL = 1,       /* divides by the number of the window's elements inside x */
  HS_AVERAGE_POOL_PADDED = 2 /* divides by r * s: padding counts as zeros */
};

/* x [n, h, w, c] -> y [n, p, q, c] with p = (h + 2 pad_h - r) / stride_h + 1 rounded down, q
 * likewise; pad_h < r and pad_w < s. A global pool has a window of h x w. */
typedef struct hs_pool2d_desc {
  hs_pool pool;
  hs_dtype type; /* of x, y and their gradients */
  int64_t n, h, w, c;
  int32_t r, s; /* the window; r * s <= 255 for HS_MAX_POOL with `index` */
  int32_t stride_h, stride_w, pad_h, pad_w;
} hs_pool2d_desc;

/* `index`, U8, laid out as y, receives the place of the first maximum in the window, row * s +
 * column, which the gradient of HS_MAX_POOL needs; or 0. */
HS_API hs_status hs_pool2d(hs_stream stream, const hs_pool2d_desc* desc, hs_ptr x, hs_ptr y,
                           hs_ptr index);

/* Computes dx from dy and writes all of it. HS_MAX_POOL needs the `index` of the forward call, the
 * others take 0. */
HS_API hs_status hs_pool2d_backward(hs_stream stream, const hs_pool2d_desc* desc, hs_ptr dy,
                                    hs_ptr index, hs_ptr dx);

typedef struct hs_resize_desc {
  hs_dtype type; /* of x, y and their gradients */
  int64_t n, h, w, c;
  int64_t p, q; /* the new height and width */
} hs_resize_desc;

/* Bilinear, as PyTorch's interpolate with align_corners false and no antialiasing: x [n, h, w, c]
 * -> y [n, p, q, c]. Row i of y lies at max(0, (i + 1/2) h / p - 1/2) between rows of x; columns
 * likewise. */
HS_API hs_status hs_resize(hs_stream stream, const hs_resize_desc* desc, hs_ptr x, hs_ptr y);

/* Computes dx [n, h, w, c] from dy [n, p, q, c] and writes all of it. */
HS_API hs_status hs_resize_backward(hs_stream stream, const hs_resize_desc* desc, hs_ptr dy,
                                    hs_ptr dx);

/* -------------------------------------------------------------------------------- activations */

/* y[i] = activation(x[i]); y may alias x. */
HS_API hs_status hs_activation_forward(hs_stream stream, hs_activation activation, hs_dtype type,
                                       int64_t count, hs_ptr x, hs_ptr y);

/* dx[i] = dy[i] * activation'(x[i]), computed from `saved`: the input x for GELU, ABS and LOG, the
 * output y for the others. The slope of ABS at 0 is 0; that of SQRT and LOG at 0 is infinite. dx
 * may alias dy. */
HS_API hs_status hs_activation_backward(hs_stream stream, hs_activation activation, hs_dtype type,
                                        int64_t count, hs_ptr dy, hs_ptr saved, hs_ptr dx);

/* ------------------------------------------------------------------------------------- losses */

typedef struct hs_cross_entropy_desc {
  hs_dtype type; /* of logits and their gradient */
  int64_t rows, classes;
  float label_smoothing; /* in [0, 1) */
  int32_t ignore_label;  /* rows with this label are ignored; -1: none is */
  float gradient_seed;   /* multiplies the gradient, as does the loss scale; such as 1 / samples */
} hs_cross_entropy_desc;

/* Softmax cross-entropy of logits [rows, classes] against labels I32 [rows]: computes the loss, the
 * gradient and the number of correct rows in one pass. As PyTorch defines it, with q =
 * (1 - smoothing) onehot + smoothing / classes and class weights w (F32 [classes] or 0: all 1):
 * loss_r = -sum_c w_c q_rc log p_rc, weight_r = w_label. The sums over the rows are added to
 * `state` (or 0). `d_logits` receives the gradient and may alias logits; `row_loss` F32 [rows]
 * receives each row's loss; either may be 0. A label that is neither in [0, classes) nor ignored
 * makes loss and gradient NaN and sets HS_ERROR_LABEL. A row whose loss is NaN does not count as
 * correct. */
HS_API hs_status hs_cross_entropy(hs_stream stream, const hs_cross_entropy_desc* desc,
                                  hs_ptr logits, hs_ptr labels, hs_ptr class_weights, hs_ptr state,
                                  hs_ptr d_logits, hs_ptr row_loss);

typedef int32_t hs_loss;
enum {
  HS_MSE = 0,             /* (x - t)^2, where x is the prediction and t the target */
  HS_BCE_WITH_LOGITS = 1, /* -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)), t in [0, 1] */
  HS_GIVEN_LOSS = 2       /* x: the prediction is the loss already; `target` is 0 */
};

/* Elementwise losses of prediction [rows, count / rows] against target F32, each of weight 1. Adds
 * to `state` (or 0): the sum of the losses to loss_sum, `count` to weight and `rows` to rows; for
 * BCE it adds to `correct` each row's share of elements with (x > 0) == (t > 0.5) and x not NaN.
 * d_prediction = loss gradient * gradient_seed * loss scale (state 0: 1), in `type`; it may alias
 * prediction, or be 0. */
HS_API hs_status hs_pointwise_loss(hs_stream stream, hs_loss loss, hs_dtype type, int64_t rows,
                                   int64_t count, float gradient_seed, hs_ptr prediction,
                                   hs_ptr target, hs_ptr state, hs_ptr d_prediction);

/* -------------------------------------------------------------------------------- elementwise */

typedef int32_t hs_binary;
enum {
  HS_ADD = 0,
  HS_SUBTRACT = 1,
  HS_MULTIPLY = 2,
  HS_DIVIDE = 3,
  HS_MAXIMUM = 4, /* NaN if a or b is NaN */
  HS_MINIMUM = 5, /* NaN if a or b is NaN */
  HS_GREATER = 6, /* derivative of MAXIMUM in a: 0 where a < b, 1/2 where a = b, 1 elsewhere */
  HS_LESS = 7     /* derivative of MINIMUM in a: 0 where a > b, 1/2 where a = b, 1 elsewhere */
};

/* y[i] = a[i] (op) b[i % period]; period divides count (period = count: no broadcast). y may alias
 * a, and b if period = count. */
HS_API hs_status hs_elementwise(hs_stream stream, hs_binary op, hs_dtype type, int64_t count,
                                int64_t period, hs_ptr a, hs_ptr b, hs_ptr y);

/* y[i] = alpha * x[i] + beta * y[i]; beta 0: y is not read. y may alias x. */
HS_API hs_status hs_scale_add(hs_stream stream, hs_dtype type, int64_t count, float alpha, hs_ptr x,
                              float beta, hs_ptr y);

/* y[i] = x[i] * (1 / (1 - rate)) where kept, else 0. Element i is kept where word i % 4 of
 * Philox4x32-10 with key `seed` and counter (i / 4 in two words, operation, lower word of
 * state.micro_step) is rate * 2^32 or more. The backward pass is therefore the same call on dy.
 * `operation` tells the dropouts of one network apart. y may alias x. */
HS_API hs_status hs_dropout(hs_stream stream, hs_dtype type, int64_t count, float rate,
                            uint64_t seed, uint32_t operation, hs_ptr state, hs_ptr x, hs_ptr y);

/* ----------------------------------------------------------------------------- normalisation */

/* Batch normalisation (Ioffe and Szegedy, 2015) of x [rows, channels], rows = n * h * w. */
typedef struct hs_batch_norm_desc {
  hs_dtype type; /* of x, y, residual and their gradients; all else is F32 [channels] */
  int64_t rows, channels;
  float eps;                /* 1e-5 */
  float momentum;           /* 0.1: running = 0.9 running + 0.1 observed */
  hs_activation activation; /* NONE or RELU, after the residual */
} hs_batch_norm_desc;

/* y = activation((x - mean) * invstd * gamma + beta + residual), invstd = 1 / sqrt(variance + eps),
 * with the mean and the biased variance over the rows; the running variance is updated with the
 * unbiased one. rows >= 2. residual 0: none. saved_mean and saved_invstd receive mean and invstd
 * for the backward pass. y may alias x or residual. */
HS_API hs_status hs_batch_norm_training(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr x,
                                        hs_ptr gamma, hs_ptr beta, hs_ptr residual, hs_ptr y,
                                        hs_ptr running_mean, hs_ptr running_variance,
                                        hs_ptr saved_mean, hs_ptr saved_invstd);

/* The same with the running statistics, which are not changed. */
HS_API hs_status hs_batch_norm_inference(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr x,
                                         hs_ptr gamma, hs_ptr beta, hs_ptr residual, hs_ptr y,
                                         hs_ptr running_mean, hs_ptr running_variance);

/* Gradients of hs_batch_norm_training with respect to x, residual, gamma and beta. `y` is its
 * output (needed for RELU, otherwise 0). d_residual (or 0) receives dy; for RELU it is 0 where y is
 * not positive. One of dx and d_residual may alias dy. d_gamma = gradient + accumulate * d_gamma,
 * and d_beta likewise; accumulate 0: neither is read. */
HS_API hs_status hs_batch_norm_backward(hs_stream stream, const hs_batch_norm_desc* desc, hs_ptr dy,
                                        hs_ptr x, hs_ptr y, hs_ptr gamma, hs_ptr saved_mean,
                                        hs_ptr saved_invstd, hs_ptr dx, hs_ptr d_residual,
                                        hs_ptr d_gamma, hs_ptr d_beta, float accumulate);

/* Group normalisation (Wu and He, 2018) of x [n, positions, channels]: each sample's groups of
 * channels / groups neighbouring channels are normalised over positions and channels. Layer
 * normalisation (Ba et al., 2016) of [rows, channels] is n = rows, positions = 1, groups = 1. */
typedef struct hs_group_norm_desc {
  hs_dtype type; /* of x, y and their gradients; all else is F32 */
  int64_t n, positions, channels;
  int32_t groups; /* divides channels */
  float eps;      /* 1e-5 */
} hs_group_norm_desc;

/* y = (x - mean) * invstd * gamma + beta with the biased variance, invstd = 1 / sqrt(variance +
 * eps). gamma and beta are [channels], or both 0: then gamma is 1 and beta is 0. saved_mean and
 * saved_invstd [n, groups] receive mean and invstd for the backward pass, or both are 0. y may
 * alias x. */
HS_API hs_status hs_group_norm(hs_stream stream, const hs_group_norm_desc* desc, hs_ptr x,
                               hs_ptr gamma, hs_ptr beta, hs_ptr y, hs_ptr saved_mean,
                               hs_ptr saved_invstd);

/* Gradients of hs_group_norm. dx may alias dy. gamma 0 means 1, as in the forward pass. d_gamma =
 * gradient + accumulate * d_gamma, and d_beta likewise; accumulate 0: neither is read. Both may be
 * 0. */
HS_API hs_status hs_group_norm_backward(hs_stream stream, const hs_group_norm_desc* desc, hs_ptr dy,
                                        hs_ptr x, hs_ptr gamma, hs_ptr saved_mean,
                                        hs_ptr saved_invstd, hs_ptr dx, hs_ptr d_gamma,
                                        hs_ptr d_beta, float accumulate);

/* ----------------------------------------------------------------------------------- softmax */

typedef struct hs_softmax_desc {
  hs_dtype type;
  int64_t rows, columns;
  float scale;     /* multiplies x first; such as 1 / sqrt(head width) */
  int64_t queries; /* causal mask: rows of each matrix; 0: no causal mask */
  int64_t samples; /* padding mask: number of samples; 0: no padding mask */
  int32_t padding; /* the token that stands for padding */
} hs_softmax_desc;

/* y [rows, columns] = softmax(scale * x) over the columns. With a causal mask rows are
 * [matrices, queries], queries <= columns; in row i of a matrix the columns beyond
 * i + columns - queries lie in the future: their x is not read and their y is 0. With a padding
 * mask rows are [samples, rows of a sample]; columns whose token in `tokens` I32 [samples, columns]
 * is desc->padding get y = 0, and a row in which all columns are masked is 0. Without a padding
 * mask `tokens` is 0. y may alias x. */
HS_API hs_status hs_softmax(hs_stream stream, const hs_softmax_desc* desc, hs_ptr x, hs_ptr y,
                            hs_ptr tokens);

/* dx = scale * y * (dy - sum over the columns of dy * y); masked columns have y = 0, and so dx = 0.
 * dx may alias dy. */
HS_API hs_status hs_softmax_backward(hs_stream stream, const hs_softmax_desc* desc, hs_ptr dy,
                                     hs_ptr y, hs_ptr dx);

/* ------------------------------------------------------------------------- reductions, layout */

typedef int32_t hs_reduction;
enum { HS_SUM = 0, HS_MEAN = 1, HS_MAX = 2 };

typedef struct hs_reduce_desc {
  hs_reduction reduction;
  hs_dtype type, out_type;      /* of x and of y; out_type is F32 or `type` */
  int64_t outer, extent, inner; /* `extent` is the reduced dimension: 1 ... 2^31 - 1 */
  float beta;                   /* SUM and MEAN; 0: y is not read */
} hs_reduce_desc;

/* y [outer, inner] = reduction of x [outer, extent, inner] over the middle dimension; SUM and MEAN
 * add beta * y. MAX is NaN if one of the values is, and `index` I32 [outer, inner] (or 0) receives
 * the place in [0, extent) of the first maximum, or of the first NaN. */
HS_API hs_status hs_reduce(hs_stream stream, const hs_reduce_desc* desc, hs_ptr x, hs_ptr y,
                           hs_ptr index);

/* The gradient of hs_reduce with respect to x (beta plays no part): writes all of dx [outer,
 * extent, inner], of `type`, from dy [outer, inner], of out_type. MAX needs the `index` of the
 * forward call, the others take 0. */
HS_API hs_status hs_reduce_backward(hs_stream stream, const hs_reduce_desc* desc, hs_ptr dy,
                                    hs_ptr index, hs_ptr dx);

/* y = x with its dimensions in another order: dimension i of y is dimension permutation[i] of x.
 * Any type; rank 1 ... 6. `extents`, those of x, and `permutation` are host arrays. */
HS_API hs_status hs_permute(hs_stream stream, hs_dtype type, int32_t rank, const int64_t* extents,
                            const int32_t* permutation, hs_ptr x, hs_ptr y);

/* dst[r * dst_pitch + i] = src[r * src_pitch + i] for r < rows, i < row_bytes, all in bytes. Splits
 * and concatenates tensors. dst_pitch >= row_bytes; a src_pitch of 0 repeats one row. */
HS_API hs_status hs_copy_rows(hs_stream stream, int64_t rows, uint64_t row_bytes, hs_ptr src,
                              uint64_t src_pitch, hs_ptr dst, uint64_t dst_pitch);

/* --------------------------------------------------------------------------------- embedding */

/* y [count, width]: y[i] = table[tokens[i]], table [vocabulary, width], tokens I32 [count]. A token
 * outside [0, vocabulary) makes its row of y zero and sets HS_ERROR_INDEX in `state` (or 0). */
HS_API hs_status hs_embedding(hs_stream stream, hs_dtype type, int64_t vocabulary, int64_t width,
                              int64_t count, hs_ptr table, hs_ptr tokens, hs_ptr state, hs_ptr y);

/* d_table F32 [vocabulary, width]: row t = beta * row t (beta 0: not read) + the sum of the rows of
 * dy [count, width] whose token is t, in their order. Rows with a token outside the table are
 * ignored. `workspace` is I32 [vocabulary + 1 + count]. */
HS_API hs_status hs_embedding_backward(hs_stream stream, hs_dtype type, int64_t vocabulary,
                                       int64_t width, int64_t count, hs_ptr dy, hs_ptr tokens,
                                       float beta, hs_ptr d_table, hs_ptr workspace);

/* ------------------------------------------------------------------------- gradient statistics */

/* Statistics of the finite values of an array; if none is finite, all but `nonfinite` are 0. */
typedef struct hs_statistics {
  double mean, mean_magnitude; /* of x and of |x| */
  double deviation;            /* sqrt(mean of (x - mean)^2) */
  double minimum, maximum;
  double norm;       /* sqrt(sum of x^2) */
  int64_t count;     /* number of finite values */
  int64_t nonfinite; /* number of values that are NaN or infinite */
} hs_statistics;

/* Writes the hs_statistics of x F32 [count] times state.multiplier, which hs_gradient_check sets
 * (state 0: times 1), to device memory, in one pass over x. */
HS_API hs_status hs_gradient_statistics(hs_stream stream, int64_t count, hs_ptr x, hs_ptr state,
                                        hs_ptr statistics);

/* ---------------------------------------------------------------------------------- optimizers */

typedef int32_t hs_rule;
enum { HS_SGD = 0, HS_ADAMW = 1, HS_ADAM = 2, HS_LARS = 3, HS_LAMB = 4 };

/* A run of parameters in the arena that share these values. Segments are in order, do not overlap,
 * and begin at multiples of 64 bytes. */
typedef struct hs_segment {
  int64_t offset, count; /* elements */
  float weight_decay;
  int32_t flags; /* HS_SEGMENT_... */
  float rate;    /* factor of the learning rate: finite and not negative, usually 1 */
} hs_segment;
enum {
  HS_SEGMENT_FROZEN = 1,  /* not updated */
  HS_SEGMENT_COPY = 2,    /* has a copy in the storage type */
  HS_SEGMENT_NO_DECAY = 4 /* never decays: weight_decay is 0 for every optimizer */
};

/* Update rules, g the gradient times the multiplier, t the number of the step from 1, lr and wd the
 * learning rate, times the segment's rate, and the weight decay; SGD, ADAM and ADAMW as PyTorch
 * defines them, LARS (You et al., 2017) and LAMB (You et al., 2020) with the norms |.| of each
 * segment. Where a segment's rate is 0, its parameters stay and its moments go on; where it is
 * frozen, neither moves.
 * SGD    g += wd p; v = momentum v + g (t = 1: v = g); p -= lr (nesterov ? g + momentum v : v)
 * ADAMW  p -= lr wd p; m += (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;
 *        p -= lr m^ / (sqrt(v^) + eps), m^ = m / (1 - beta1^t), v^ = v / (1 - beta2^t)
 * ADAM   as ADAMW, but the decay goes into the gradient: g += wd p
 * LARS   r = trust |p| / (|g| + wd |p| + eps), or 1 where |p| or |g| is 0 or the segment has
 *        HS_SEGMENT_NO_DECAY; v = momentum v + r (g + wd p); p -= lr v
 * LAMB   m and v as ADAMW; u = m^ / (sqrt(v^) + eps) + wd p; p -= lr r u, r = |p| / |u|, or 1 where
 *        one of them is 0 */
typedef struct hs_optimizer_desc {
  hs_rule rule;
  int32_t nesterov;
  float beta2;                   /* ADAM, ADAMW, LAMB */
  float eps;                     /* ADAM and ADAMW 1e-8, LARS 1e-8, LAMB 1e-6 */
  float trust;                   /* LARS: 0.001 */
  float learning_rate, momentum; /* used where `schedule` is 0; momentum is Adam's beta1 */
  float weight_decay;            /* used where `segments` is 0 */
  float weight_units;            /* units of weight by which the gradient seed was divided */
  int32_t checked;               /* 1: state holds what hs_gradient_check found in this step */
  hs_dtype copy_type;            /* of the storage copy */
  int32_t eps_before_debiasing;  /* ADAM, ADAMW. 1: eps is added to sqrt(v) instead, as in Keras: */
                                 /* p -= lr m^ sqrt(1 - beta2^t) / (sqrt(v) + eps) */
  int64_t step;                  /* t where there is no state, at least 1; 0 is 1 */
} hs_optimizer_desc;

/* One update of the whole arena of `count` parameters, FP32, from gradients FP32. `moment1` (SGD
 * without momentum: 0; the schedule's momenta then count for nothing) and `moment2` (SGD and LARS:
 * 0) are arenas beside it, zeroed at the start. `copy` (or 0) receives the new parameters in
 * copy_type. `state` gives t = performed + 1 and, where checked, the multiplier and whether to
 * skip; unchecked, the multiplier is weight_units / (state.weight * loss_scale). `state` 0:
 * multiplier 1, t = desc.step. `schedule` is hs_schedule_row [rows] in device memory or 0.
 * `segments` is hs_segment [segment_count] in device memory; 0: one segment with the values of desc.
 * `workspace`, F64 [2, segment_count], is for LARS and LAMB with segments (otherwise 0) and receives
 * the norms: of the parameters, then of the gradients or of u. */
HS_API hs_status hs_optimizer_step(hs_stream stream, const hs_optimizer_desc* desc, int64_t count,
                                   hs_ptr parameters, hs_ptr gradients, hs_ptr moment1,
                                   hs_ptr moment2, hs_ptr copy, hs_ptr state, hs_ptr schedule,
                                   hs_ptr segments, int32_t segment_count, hs_ptr workspace);

/* One pass over the gradients: is all finite, and the norm of what they are once unscaled. Writes
 * state.nonfinite, gradient_norm and multiplier = weight_units / (weight * loss_scale), times
 * max_norm / (norm + 1e-6) where max_norm > 0 and the norm is above it. */
HS_API hs_status hs_gradient_check(hs_stream stream, int64_t count, hs_ptr gradients, hs_ptr state,
                                   float weight_units, float max_norm);

#ifdef __cplusplus
}
#endif
#endif /* HALFSTEP_H */
