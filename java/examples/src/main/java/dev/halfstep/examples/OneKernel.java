package dev.halfstep.examples;

import dev.halfstep.kernel.MatmulKernel;
import dev.halfstep.kernel.SoftmaxKernel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Random;

/**
 * One kernel inside code that knows nothing else of Halfstep: a search that compares queries with
 * documents, on its own arrays and buffers. Nothing is copied, and no device is opened.
 */
public final class OneKernel {
  private static final int QUERIES = 8;
  private static final int DOCUMENTS = 10_000;
  private static final int WIDTH = 96;

  private OneKernel() {}

  /**
   * Prints the best document of each query, and how far the kernel is from a loop in Java.
   *
   * @param args none
   */
  public static void main(String[] args) {
    Random random = new Random(1);
    FloatBuffer documents = // [documents, width], direct, in native order; a mapped file would do
        ByteBuffer.allocateDirect(DOCUMENTS * WIDTH * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    for (int i = 0; i < documents.capacity(); i++) {
      documents.put(i, (float) random.nextGaussian());
    }
    FloatBuffer queries = // the documents 1000, 2000, ... with noise
        ByteBuffer.allocateDirect(QUERIES * WIDTH * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    for (int i = 0; i < queries.capacity(); i++) {
      float original = documents.get((i / WIDTH + 1) * 1000 * WIDTH + i % WIDTH);
      queries.put(i, original + 0.5f * (float) random.nextGaussian());
    }
    FloatBuffer scores = // [queries, documents]
        ByteBuffer.allocateDirect(QUERIES * DOCUMENTS * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();

    // Made once, used for ever and by any thread: scores = queries documents^T.
    MatmulKernel product = MatmulKernel.builder(QUERIES, DOCUMENTS, WIDTH).transposeB(true).build();
    product.run(queries, documents, scores);

    float[] shares = new float[QUERIES * DOCUMENTS]; // arrays are as good
    scores.get(0, shares);
    SoftmaxKernel.builder(QUERIES, DOCUMENTS).scale(0.1f).build().run(shares, shares); // in place

    double furthest = 0;
    for (int query = 0; query < QUERIES; query++) {
      int best = 0;
      for (int document = 0; document < DOCUMENTS; document++) {
        double score = 0;
        for (int i = 0; i < WIDTH; i++) {
          score += (double) queries.get(query * WIDTH + i) * documents.get(document * WIDTH + i);
        }
        furthest = Math.max(furthest, Math.abs(score - scores.get(query * DOCUMENTS + document)));
        boolean better = shares[query * DOCUMENTS + document] > shares[query * DOCUMENTS + best];
        best = better ? document : best;
      }
      System.out.printf(
          "query %d: document %d, share %.2f%n", query, best, shares[query * DOCUMENTS + best]);
    }
    System.out.printf("furthest from the loop in Java: %.1e%n", furthest);
  }
}
