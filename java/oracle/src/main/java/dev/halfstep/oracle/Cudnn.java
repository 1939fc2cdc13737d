package dev.halfstep.oracle;

import static org.bytedeco.cuda.global.cudnn.CUDNN_BATCHNORM_SPATIAL_PERSISTENT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
import static org.bytedeco.cuda.global.cudnn.CUDNN_CROSS_CORRELATION;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_BFLOAT16;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_FLOAT;
import static org.bytedeco.cuda.global.cudnn.CUDNN_DATA_HALF;
import static org.bytedeco.cuda.global.cudnn.CUDNN_SOFTMAX_ACCURATE;
import static org.bytedeco.cuda.global.cudnn.CUDNN_SOFTMAX_MODE_CHANNEL;
import static org.bytedeco.cuda.global.cudnn.CUDNN_TENSOR_NHWC;
import static org.bytedeco.cuda.global.cudnn.cudnnBatchNormalizationForwardTraining;
import static org.bytedeco.cuda.global.cudnn.cudnnConvolutionForward;
import static org.bytedeco.cuda.global.cudnn.cudnnCreate;
import static org.bytedeco.cuda.global.cudnn.cudnnCreateConvolutionDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnCreateFilterDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnCreateTensorDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnDestroy;
import static org.bytedeco.cuda.global.cudnn.cudnnDestroyConvolutionDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnDestroyFilterDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnDestroyTensorDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnGetConvolutionForwardWorkspaceSize;
import static org.bytedeco.cuda.global.cudnn.cudnnSetConvolution2dDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnSetFilter4dDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnSetStream;
import static org.bytedeco.cuda.global.cudnn.cudnnSetTensor4dDescriptor;
import static org.bytedeco.cuda.global.cudnn.cudnnSoftmaxForward;

import dev.halfstep.DType;
import dev.halfstep.Device;
import dev.halfstep.Shape;
import dev.halfstep.Tensor;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.cudnn.cudnnContext;
import org.bytedeco.cuda.cudnn.cudnnConvolutionStruct;
import org.bytedeco.cuda.cudnn.cudnnFilterStruct;
import org.bytedeco.cuda.cudnn.cudnnTensorStruct;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Layers by cuDNN, in NHWC and KRSC as ours are. By its calls for single layers: they are
 * deprecated in favour of its graphs, which would compile kernels of their own.
 */
@SuppressWarnings("deprecation")
final class Cudnn implements AutoCloseable {
  private final Device device;
  private final cudnnContext context = new cudnnContext();
  private final FloatPointer one = new FloatPointer(1f);
  private final FloatPointer zero = new FloatPointer(0f);

  Cudnn(Device device, CUstream_st stream) {
    this.device = device;
    Oracle.check(cudnnCreate(context), "cudnnCreate");
    Oracle.check(cudnnSetStream(context, stream), "cudnnSetStream");
  }

  private static int type(DType type) {
    return type == DType.F32
        ? CUDNN_DATA_FLOAT
        : type == DType.F16 ? CUDNN_DATA_HALF : CUDNN_DATA_BFLOAT16;
  }

  private static cudnnTensorStruct tensor(DType type, int n, int c, int h, int w) {
    cudnnTensorStruct tensor = new cudnnTensorStruct();
    Oracle.check(cudnnCreateTensorDescriptor(tensor), "cudnnCreateTensorDescriptor");
    Oracle.check(
        cudnnSetTensor4dDescriptor(tensor, CUDNN_TENSOR_NHWC, type(type), n, c, h, w),
        "cudnnSetTensor4dDescriptor");
    return tensor;
  }

  /** Softmax of the rows of {@code [rows, columns]}. */
  void softmax(DType type, int rows, int columns, Tensor x, Tensor y) {
    cudnnTensorStruct shape = tensor(type, rows, columns, 1, 1);
    Oracle.check(
        cudnnSoftmaxForward(
            context,
            CUDNN_SOFTMAX_ACCURATE,
            CUDNN_SOFTMAX_MODE_CHANNEL,
            one,
            shape,
            Oracle.at(x.address()),
            zero,
            shape,
            Oracle.at(y.address())),
        "cudnnSoftmaxForward");
    cudnnDestroyTensorDescriptor(shape);
  }

  /**
   * Batch normalisation of {@code [rows, channels]} in training.
   *
   * @param p scale, shift, running mean and variance, saved mean and inverse deviation
   */
  void batchNorm(DType type, int rows, int channels, Tensor x, Tensor[] p, Tensor y) {
    cudnnTensorStruct shape = tensor(type, rows, channels, 1, 1);
    cudnnTensorStruct ofChannels = tensor(DType.F32, 1, channels, 1, 1);
    Oracle.check(
        cudnnBatchNormalizationForwardTraining(
            context,
            CUDNN_BATCHNORM_SPATIAL_PERSISTENT,
            one,
            zero,
            shape,
            Oracle.at(x.address()),
            shape,
            Oracle.at(y.address()),
            ofChannels,
            Oracle.at(p[0].address()),
            Oracle.at(p[1].address()),
            0.1,
            Oracle.at(p[2].address()),
            Oracle.at(p[3].address()),
            1e-5,
            Oracle.at(p[4].address()),
            Oracle.at(p[5].address())),
        "cudnnBatchNormalizationForwardTraining");
    cudnnDestroyTensorDescriptor(shape);
    cudnnDestroyTensorDescriptor(ofChannels);
  }

  /** Square images and filters, padded so that the size stays. */
  record Images(int count, int side, int channels, int filters, int window) {
    Shape x() {
      return Shape.of(count, side, side, channels);
    }

    Shape weights() {
      return Shape.of(filters, window, window, channels);
    }
  }

  Convolution convolution(DType type, Images images) {
    return new Convolution(type, images);
  }

  /** A forward convolution, described once. */
  final class Convolution implements AutoCloseable {
    private static final int ALGORITHM = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;

    private final cudnnTensorStruct x;
    private final cudnnTensorStruct y;
    private final cudnnFilterStruct weights = new cudnnFilterStruct();
    private final cudnnConvolutionStruct window = new cudnnConvolutionStruct();
    private final Tensor workspace;

    private Convolution(DType type, Images images) {
      int side = images.side();
      int padding = images.window() / 2;
      x = tensor(type, images.count(), images.channels(), side, side);
      y = tensor(type, images.count(), images.filters(), side, side);
      Oracle.check(cudnnCreateFilterDescriptor(weights), "cudnnCreateFilterDescriptor");
      Oracle.check(
          cudnnSetFilter4dDescriptor(
              weights,
              type(type),
              CUDNN_TENSOR_NHWC,
              images.filters(),
              images.channels(),
              images.window(),
              images.window()),
          "cudnnSetFilter4dDescriptor");
      Oracle.check(cudnnCreateConvolutionDescriptor(window), "cudnnCreateConvolutionDescriptor");
      Oracle.check(
          cudnnSetConvolution2dDescriptor(
              window, padding, padding, 1, 1, 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
          "cudnnSetConvolution2dDescriptor");
      try (SizeTPointer bytes = new SizeTPointer(1)) {
        Oracle.check(
            cudnnGetConvolutionForwardWorkspaceSize(
                context, x, weights, window, y, ALGORITHM, bytes),
            "cudnnGetConvolutionForwardWorkspaceSize");
        workspace = device.empty(DType.U8, Shape.of(bytes.get()));
      }
    }

    void run(Tensor input, Tensor filters, Tensor output) {
      Oracle.check(
          cudnnConvolutionForward(
              context,
              one,
              x,
              Oracle.at(input.address()),
              weights,
              Oracle.at(filters.address()),
              window,
              ALGORITHM,
              Oracle.at(workspace.address()),
              workspace.shape().elements(),
              zero,
              y,
              Oracle.at(output.address())),
          "cudnnConvolutionForward");
    }

    @Override
    public void close() {
      workspace.close();
      cudnnDestroyTensorDescriptor(x);
      cudnnDestroyTensorDescriptor(y);
      cudnnDestroyFilterDescriptor(weights);
      cudnnDestroyConvolutionDescriptor(window);
    }
  }

  @Override
  public void close() {
    cudnnDestroy(context);
  }
}
