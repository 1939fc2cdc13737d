package dev.halfstep.oracle;

import static org.bytedeco.cuda.global.cublas.CUBLASLT_EPILOGUE_RELU_BIAS;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_DESC_BIAS_POINTER;
import static org.bytedeco.cuda.global.cublas.CUBLASLT_MATMUL_DESC_EPILOGUE;
import static org.bytedeco.cuda.global.cublas.CUBLAS_COMPUTE_32F;
import static org.bytedeco.cuda.global.cublas.CUBLAS_GEMM_DEFAULT;
import static org.bytedeco.cuda.global.cublas.CUBLAS_OP_N;
import static org.bytedeco.cuda.global.cublas.cublasCreate_v2;
import static org.bytedeco.cuda.global.cublas.cublasDestroy_v2;
import static org.bytedeco.cuda.global.cublas.cublasGemmStridedBatchedEx;
import static org.bytedeco.cuda.global.cublas.cublasLtCreate;
import static org.bytedeco.cuda.global.cublas.cublasLtDestroy;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmul;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulDescCreate;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulDescDestroy;
import static org.bytedeco.cuda.global.cublas.cublasLtMatmulDescSetAttribute;
import static org.bytedeco.cuda.global.cublas.cublasLtMatrixLayoutCreate;
import static org.bytedeco.cuda.global.cublas.cublasLtMatrixLayoutDestroy;
import static org.bytedeco.cuda.global.cublas.cublasSetStream_v2;
import static org.bytedeco.cuda.global.cudart.CUDA_R_16BF;
import static org.bytedeco.cuda.global.cudart.CUDA_R_16F;
import static org.bytedeco.cuda.global.cudart.CUDA_R_32F;

import dev.halfstep.DType;
import dev.halfstep.Tensor;
import org.bytedeco.cuda.cublas.cublasContext;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * Products by cuBLAS and cuBLASLt. They see matrices column by column: our row-major C = A B is
 * their C' = B' A', so operands and sizes are given the other way round.
 */
final class Cublas implements AutoCloseable {
  private final CUstream_st stream;
  private final cublasContext context = new cublasContext();
  private final cublasLtContext light = new cublasLtContext();
  private final FloatPointer one = new FloatPointer(1f);
  private final FloatPointer zero = new FloatPointer(0f);

  Cublas(CUstream_st stream) {
    this.stream = stream;
    Oracle.check(cublasCreate_v2(context), "cublasCreate");
    Oracle.check(cublasSetStream_v2(context, stream), "cublasSetStream");
    Oracle.check(cublasLtCreate(light), "cublasLtCreate");
  }

  private static int type(DType type) {
    return type == DType.F32 ? CUDA_R_32F : type == DType.F16 ? CUDA_R_16F : CUDA_R_16BF;
  }

  /** {@code c[i] = a[i] b[i]}, each {@code [batch, n, n]}. */
  void products(DType dtype, int batch, int n, Tensor a, Tensor b, Tensor c) {
    long stride = (long) n * n;
    int type = type(dtype);
    Oracle.check(
        cublasGemmStridedBatchedEx(
            context,
            CUBLAS_OP_N,
            CUBLAS_OP_N,
            n,
            n,
            n,
            one,
            Oracle.at(b.address()),
            type,
            n,
            stride,
            Oracle.at(a.address()),
            type,
            n,
            stride,
            zero,
            Oracle.at(c.address()),
            type,
            n,
            stride,
            batch,
            CUBLAS_COMPUTE_32F,
            CUBLAS_GEMM_DEFAULT),
        "cublasGemmStridedBatchedEx");
  }

  /** {@code relu(a b + bias)} of F32 {@code [m, k] [k, n]}, the bias {@code [n]}. */
  Fused reluOfProduct(int m, int n, int k, Tensor bias) {
    return new Fused(m, n, k, bias);
  }

  /** A product with a fused epilogue, described once. */
  final class Fused implements AutoCloseable {
    private final cublasLtMatmulDescOpaque_t desc;
    private final cublasLtMatrixLayoutOpaque_t aLayout;
    private final cublasLtMatrixLayoutOpaque_t bLayout;
    private final cublasLtMatrixLayoutOpaque_t cLayout;

    private Fused(int m, int n, int k, Tensor bias) {
      try (PointerPointer<Pointer> made = new PointerPointer<>(1);
          IntPointer epilogue = new IntPointer(1).put(CUBLASLT_EPILOGUE_RELU_BIAS);
          LongPointer biasAddress = new LongPointer(1).put(bias.address())) {
        Oracle.check(
            cublasLtMatmulDescCreate(made, CUBLAS_COMPUTE_32F, CUDA_R_32F),
            "cublasLtMatmulDescCreate");
        desc = new cublasLtMatmulDescOpaque_t(made.get());
        Oracle.check(
            cublasLtMatmulDescSetAttribute(
                desc, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue, Integer.BYTES),
            "the epilogue");
        Oracle.check(
            cublasLtMatmulDescSetAttribute(
                desc, CUBLASLT_MATMUL_DESC_BIAS_POINTER, biasAddress, Long.BYTES),
            "the bias");
        aLayout = layout(made, k, m);
        bLayout = layout(made, n, k);
        cLayout = layout(made, n, m);
      }
    }

    private cublasLtMatrixLayoutOpaque_t layout(
        PointerPointer<Pointer> made, int rows, int columns) {
      Oracle.check(
          cublasLtMatrixLayoutCreate(made, CUDA_R_32F, rows, columns, rows),
          "cublasLtMatrixLayoutCreate");
      return new cublasLtMatrixLayoutOpaque_t(made.get());
    }

    void run(Tensor a, Tensor b, Tensor c) {
      Oracle.check(
          cublasLtMatmul(
              light,
              desc,
              one,
              Oracle.at(b.address()),
              bLayout,
              Oracle.at(a.address()),
              aLayout,
              zero,
              Oracle.at(c.address()),
              cLayout,
              Oracle.at(c.address()),
              cLayout,
              null,
              null,
              0,
              stream),
          "cublasLtMatmul");
    }

    @Override
    public void close() {
      cublasLtMatrixLayoutDestroy(aLayout);
      cublasLtMatrixLayoutDestroy(bLayout);
      cublasLtMatrixLayoutDestroy(cLayout);
      cublasLtMatmulDescDestroy(desc);
    }
  }

  @Override
  public void close() {
    cublasDestroy_v2(context);
    cublasLtDestroy(light);
  }
}
