package dev.halfstep.bindings;

import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.CriticalRegion;
import org.bytedeco.javacpp.annotation.Properties;

/**
 * Functions of the C ABI that take {@code float[]} where C takes an {@code hs_ptr}: the JVM pins
 * the arrays during the call, nothing is copied, and the garbage collector waits. Only for short
 * calls that are finished when they return: on the CPU, with the null stream (0), and copies.
 *
 * <p>Written by hand: each method repeats one of {@link Native} with an array of the element type
 * in place of an address, cast to {@code hs_ptr}; {@code null} becomes address 0. Arrays come after
 * descriptors, since nothing else may be asked of the JVM once the first array is pinned.
 */
@CriticalRegion
@Properties(inherit = HalfstepPreset.class)
public final class ArrayCalls {
  static {
    Loader.load(Native.class); // whose library it is, for every version of JavaCPP
  }

  private ArrayCalls() {}

  /** {@code dst[0 ... bytes) = src[0 ... bytes)}. */
  public static native int hs_copy(
      @Cast("hs_stream") long stream,
      @Cast("hs_ptr") float[] dst,
      @Cast("hs_ptr") float[] src,
      long bytes);

  /** As {@link Native#hs_upload}, on any device. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") float[] host, long bytes);

  /** As {@link Native#hs_upload}, on any device. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") int[] host, long bytes);

  /** As {@link Native#hs_upload}, on any device. */
  public static native int hs_upload(
      @Cast("hs_stream") long stream, long device, @Cast("hs_ptr") byte[] host, long bytes);

  /** As {@link Native#hs_download}, on any device. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") float[] host, long device, long bytes);

  /** As {@link Native#hs_download}, on any device. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") int[] host, long device, long bytes);

  /** As {@link Native#hs_download}, on any device. */
  public static native int hs_download(
      @Cast("hs_stream") long stream, @Cast("hs_ptr") byte[] host, long device, long bytes);

  /** As {@link Native#hs_cast}, from F32 to BF16 or F16. */
  public static native int hs_cast(
      @Cast("hs_stream") long stream,
      int srcType,
      @Cast("hs_ptr") float[] src,
      int dstType,
      @Cast("hs_ptr") short[] dst,
      long count);

  /** As {@link Native#hs_cast}, from BF16 or F16 to F32. */
  public static native int hs_cast(
      @Cast("hs_stream") long stream,
      int srcType,
      @Cast("hs_ptr") short[] src,
      int dstType,
      @Cast("hs_ptr") float[] dst,
      long count);

  /** As {@link Native#hs_random_normal}. */
  public static native int hs_random_normal(
      @Cast("hs_stream") long stream,
      @Cast("hs_ptr") float[] dst,
      long count,
      long seed,
      long sequence,
      float mean,
      float deviation);

  /** As {@link Native#hs_random_uniform}. */
  public static native int hs_random_uniform(
      @Cast("hs_stream") long stream,
      @Cast("hs_ptr") float[] dst,
      long count,
      long seed,
      long sequence,
      float low,
      float high);

  /** As {@link Native#hs_gather}, of rows of F32. */
  public static native int hs_gather(
      @Cast("hs_stream") long stream,
      @Const hs_gather_desc desc,
      @Cast("hs_ptr") float[] src,
      @Cast("hs_ptr") int[] order,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] scale,
      @Cast("hs_ptr") float[] shift,
      @Cast("hs_ptr") float[] dst);

  /** As {@link Native#hs_gather}, of rows of U8. */
  public static native int hs_gather(
      @Cast("hs_stream") long stream,
      @Const hs_gather_desc desc,
      @Cast("hs_ptr") byte[] src,
      @Cast("hs_ptr") int[] order,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] scale,
      @Cast("hs_ptr") float[] shift,
      @Cast("hs_ptr") float[] dst);

  /** As {@link Native#hs_matmul}. */
  public static native int hs_matmul(
      @Cast("hs_stream") long stream,
      @Const hs_matmul_desc desc,
      @Cast("hs_ptr") float[] a,
      @Cast("hs_ptr") float[] b,
      @Cast("hs_ptr") float[] c,
      @Cast("hs_ptr") float[] bias,
      @Cast("hs_ptr") float[] aux,
      @Cast("hs_ptr") float[] biasGrad);

  /** As {@link Native#hs_activation_forward}. */
  public static native int hs_activation_forward(
      @Cast("hs_stream") long stream,
      int activation,
      int type,
      long count,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_activation_backward}. */
  public static native int hs_activation_backward(
      @Cast("hs_stream") long stream,
      int activation,
      int type,
      long count,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] saved,
      @Cast("hs_ptr") float[] dx);

  /** As {@link Native#hs_cross_entropy}. */
  public static native int hs_cross_entropy(
      @Cast("hs_stream") long stream,
      @Const hs_cross_entropy_desc desc,
      @Cast("hs_ptr") float[] logits,
      @Cast("hs_ptr") int[] labels,
      @Cast("hs_ptr") float[] classWeights,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] dLogits,
      @Cast("hs_ptr") float[] rowLoss);

  /** As {@link Native#hs_optimizer_step}, without copy, schedule and segments. */
  public static native int hs_optimizer_step(
      @Cast("hs_stream") long stream,
      @Const hs_optimizer_desc desc,
      long count,
      @Cast("hs_ptr") float[] parameters,
      @Cast("hs_ptr") float[] gradients,
      @Cast("hs_ptr") float[] moment1,
      @Cast("hs_ptr") float[] moment2,
      @Cast("hs_ptr") long copy,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") long schedule,
      @Cast("hs_ptr") long segments,
      int segmentCount,
      @Cast("hs_ptr") long workspace);

  /** As {@link Native#hs_gradient_statistics}. */
  public static native int hs_gradient_statistics(
      @Cast("hs_stream") long stream,
      long count,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") long statistics);

  /** As {@link Native#hs_gradient_check}. */
  public static native int hs_gradient_check(
      @Cast("hs_stream") long stream,
      long count,
      @Cast("hs_ptr") float[] gradients,
      @Cast("hs_ptr") long state,
      float weightUnits,
      float maxNorm);

  /** As {@link Native#hs_batch_norm_training}. */
  public static native int hs_batch_norm_training(
      @Cast("hs_stream") long stream,
      @Const hs_batch_norm_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] gamma,
      @Cast("hs_ptr") float[] beta,
      @Cast("hs_ptr") float[] residual,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") float[] runningMean,
      @Cast("hs_ptr") float[] runningVariance,
      @Cast("hs_ptr") float[] savedMean,
      @Cast("hs_ptr") float[] savedInvstd);

  /** As {@link Native#hs_batch_norm_inference}. */
  public static native int hs_batch_norm_inference(
      @Cast("hs_stream") long stream,
      @Const hs_batch_norm_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] gamma,
      @Cast("hs_ptr") float[] beta,
      @Cast("hs_ptr") float[] residual,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") float[] runningMean,
      @Cast("hs_ptr") float[] runningVariance);

  /** As {@link Native#hs_batch_norm_backward}. */
  public static native int hs_batch_norm_backward(
      @Cast("hs_stream") long stream,
      @Const hs_batch_norm_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") float[] gamma,
      @Cast("hs_ptr") float[] savedMean,
      @Cast("hs_ptr") float[] savedInvstd,
      @Cast("hs_ptr") float[] dx,
      @Cast("hs_ptr") float[] dResidual,
      @Cast("hs_ptr") float[] dGamma,
      @Cast("hs_ptr") float[] dBeta,
      float accumulate);

  /** As {@link Native#hs_group_norm}. */
  public static native int hs_group_norm(
      @Cast("hs_stream") long stream,
      @Const hs_group_norm_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] gamma,
      @Cast("hs_ptr") float[] beta,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") float[] savedMean,
      @Cast("hs_ptr") float[] savedInvstd);

  /** As {@link Native#hs_group_norm_backward}. */
  public static native int hs_group_norm_backward(
      @Cast("hs_stream") long stream,
      @Const hs_group_norm_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] gamma,
      @Cast("hs_ptr") float[] savedMean,
      @Cast("hs_ptr") float[] savedInvstd,
      @Cast("hs_ptr") float[] dx,
      @Cast("hs_ptr") float[] dGamma,
      @Cast("hs_ptr") float[] dBeta,
      float accumulate);

  /** As {@link Native#hs_softmax}. */
  public static native int hs_softmax(
      @Cast("hs_stream") long stream,
      @Const hs_softmax_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") int[] tokens);

  /** As {@link Native#hs_softmax_backward}. */
  public static native int hs_softmax_backward(
      @Cast("hs_stream") long stream,
      @Const hs_softmax_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") float[] dx);

  /** As {@link Native#hs_elementwise}. */
  public static native int hs_elementwise(
      @Cast("hs_stream") long stream,
      int operation,
      int type,
      long count,
      long period,
      @Cast("hs_ptr") float[] a,
      @Cast("hs_ptr") float[] b,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_scale_add}. */
  public static native int hs_scale_add(
      @Cast("hs_stream") long stream,
      int type,
      long count,
      float alpha,
      @Cast("hs_ptr") float[] x,
      float beta,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_dropout}. */
  public static native int hs_dropout(
      @Cast("hs_stream") long stream,
      int type,
      long count,
      float rate,
      long seed,
      int operation,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_reduce}. */
  public static native int hs_reduce(
      @Cast("hs_stream") long stream,
      @Const hs_reduce_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") int[] index);

  /** As {@link Native#hs_reduce_backward}. */
  public static native int hs_reduce_backward(
      @Cast("hs_stream") long stream,
      @Const hs_reduce_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") int[] index,
      @Cast("hs_ptr") float[] dx);

  /** As {@link Native#hs_permute}. */
  public static native int hs_permute(
      @Cast("hs_stream") long stream,
      int type,
      int rank,
      @Cast("const int64_t*") long[] extents,
      @Const int[] permutation,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_copy_rows}. */
  public static native int hs_copy_rows(
      @Cast("hs_stream") long stream,
      long rows,
      long bytes,
      @Cast("hs_ptr") float[] src,
      long srcPitch,
      @Cast("hs_ptr") float[] dst,
      long dstPitch);

  /** As {@link Native#hs_embedding}. */
  public static native int hs_embedding(
      @Cast("hs_stream") long stream,
      int type,
      long vocabulary,
      long width,
      long count,
      @Cast("hs_ptr") float[] table,
      @Cast("hs_ptr") int[] tokens,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_embedding_backward}. */
  public static native int hs_embedding_backward(
      @Cast("hs_stream") long stream,
      int type,
      long vocabulary,
      long width,
      long count,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") int[] tokens,
      float beta,
      @Cast("hs_ptr") float[] dTable,
      @Cast("hs_ptr") int[] workspace);

  /** As {@link Native#hs_pointwise_loss}. */
  public static native int hs_pointwise_loss(
      @Cast("hs_stream") long stream,
      int loss,
      int type,
      long rows,
      long count,
      float gradientSeed,
      @Cast("hs_ptr") float[] prediction,
      @Cast("hs_ptr") float[] target,
      @Cast("hs_ptr") long state,
      @Cast("hs_ptr") float[] dPrediction);

  /** As {@link Native#hs_conv2d}. */
  public static native int hs_conv2d(
      @Cast("hs_stream") long stream,
      @Const hs_conv2d_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] weights,
      @Cast("hs_ptr") float[] bias,
      @Cast("hs_ptr") float[] aux,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_conv2d_backward_data}. */
  public static native int hs_conv2d_backward_data(
      @Cast("hs_stream") long stream,
      @Const hs_conv2d_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] weights,
      float beta,
      @Cast("hs_ptr") float[] dx);

  /** As {@link Native#hs_conv2d_backward_weights}. */
  public static native int hs_conv2d_backward_weights(
      @Cast("hs_stream") long stream,
      @Const hs_conv2d_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] dy,
      float beta,
      @Cast("hs_ptr") float[] dWeights,
      @Cast("hs_ptr") float[] dBias);

  /** As {@link Native#hs_pool2d}. */
  public static native int hs_pool2d(
      @Cast("hs_stream") long stream,
      @Const hs_pool2d_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y,
      @Cast("hs_ptr") byte[] index);

  /** As {@link Native#hs_pool2d_backward}. */
  public static native int hs_pool2d_backward(
      @Cast("hs_stream") long stream,
      @Const hs_pool2d_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") byte[] index,
      @Cast("hs_ptr") float[] dx);

  /** As {@link Native#hs_resize}. */
  public static native int hs_resize(
      @Cast("hs_stream") long stream,
      @Const hs_resize_desc desc,
      @Cast("hs_ptr") float[] x,
      @Cast("hs_ptr") float[] y);

  /** As {@link Native#hs_resize_backward}. */
  public static native int hs_resize_backward(
      @Cast("hs_stream") long stream,
      @Const hs_resize_desc desc,
      @Cast("hs_ptr") float[] dy,
      @Cast("hs_ptr") float[] dx);
}
