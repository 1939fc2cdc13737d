package dev.halfstep.data;

/**
 * The strokes of the ten digits: polylines in a unit box, x to the right, y down, as {@code x0, y0,
 * x1, y1, ...}. Most digits have more than one way of writing.
 */
final class DigitStrokes {
  /** Degrees between two points of an arc. */
  private static final double ARC_STEP = 24;

  private static final double[][][][] WAYS = {
    {{arc(0.5, 0.5, 0.34, 0.5, -90, 270)}, {arc(0.5, 0.5, 0.27, 0.5, -70, 300)}},
    {
      {{0.5, 0, 0.5, 1}},
      {{0.3, 0.22, 0.54, 0, 0.54, 1}},
      {{0.3, 0.22, 0.52, 0, 0.52, 1}, {0.28, 1, 0.76, 1}},
    },
    {
      {join(arc(0.5, 0.28, 0.33, 0.28, 190, 390), 0.16, 1, 0.86, 1)},
      {join(arc(0.5, 0.26, 0.33, 0.26, 170, 410), 0.3, 0.84), {0.12, 0.95, 0.36, 0.84, 0.88, 0.98}},
    },
    {
      {arc(0.46, 0.25, 0.3, 0.25, 205, 445), arc(0.45, 0.74, 0.36, 0.26, 275, 515)},
      {join(new double[] {0.18, 0, 0.78, 0}, 0.44, 0.42), arc(0.45, 0.7, 0.36, 0.3, 268, 510)},
    },
    {
      {{0.66, 1, 0.66, 0, 0.12, 0.68, 0.9, 0.68}},
      {{0.24, 0, 0.16, 0.54, 0.84, 0.52}, {0.76, 0.04, 0.7, 1}},
    },
    {
      {join(new double[] {0.82, 0, 0.26, 0}, 0.22, 0.44), arc(0.46, 0.68, 0.36, 0.32, 222, 500)},
      {{0.24, 0.03, 0.2, 0.46}, arc(0.44, 0.7, 0.36, 0.3, 222, 500), {0.24, 0.03, 0.84, 0}},
    },
    {
      {arc(0.72, 0.68, 0.56, 0.68, 262, 180), arc(0.49, 0.7, 0.33, 0.3, 180, 540)},
      {join(new double[] {0.56, 0}, 0.28, 0.34, 0.18, 0.66), arc(0.47, 0.72, 0.29, 0.28, 180, 540)},
    },
    {
      {{0.14, 0.02, 0.86, 0, 0.4, 1}},
      {{0.14, 0.02, 0.86, 0, 0.44, 1}, {0.34, 0.5, 0.82, 0.5}},
      {{0.14, 0.2, 0.16, 0, 0.84, 0, 0.52, 0.5, 0.42, 1}},
    },
    {
      {arc(0.5, 0.25, 0.28, 0.25, 0, 360), arc(0.5, 0.75, 0.34, 0.25, 0, 360)},
      {
        join(arc(0.5, 0.26, 0.28, 0.26, 320, 120), 0.68, 0.58),
        arc(0.5, 0.75, 0.3, 0.25, -40, 220),
        {0.27, 0.6, 0.72, 0.08},
      },
    },
    {
      {arc(0.48, 0.29, 0.32, 0.29, 0, 360), {0.8, 0.29, 0.72, 1}},
      {arc(0.5, 0.28, 0.31, 0.28, 0, 360), arc(0.28, 0.36, 0.53, 0.64, -8, 95)},
    },
  };

  private DigitStrokes() {}

  /** The number of ways in which a digit is written. */
  static int ways(int digit) {
    return WAYS[digit].length;
  }

  /** The strokes of a digit written in one of its ways. The caller must not change them. */
  static double[][] strokes(int digit, int way) {
    return WAYS[digit][way];
  }

  /** Part of an ellipse; 0 degrees is right, 90 down, and the second angle may be the smaller. */
  private static double[] arc(
      double x, double y, double radiusX, double radiusY, double from, double to) {
    int pieces = (int) Math.ceil(Math.abs(to - from) / ARC_STEP);
    double[] points = new double[2 * (pieces + 1)];
    for (int i = 0; i <= pieces; i++) {
      double angle = StrictMath.toRadians(from + (to - from) * i / pieces);
      points[2 * i] = x + radiusX * StrictMath.cos(angle);
      points[2 * i + 1] = y + radiusY * StrictMath.sin(angle);
    }
    return points;
  }

  /** A stroke extended by further points. */
  private static double[] join(double[] stroke, double... further) {
    double[] points = java.util.Arrays.copyOf(stroke, stroke.length + further.length);
    System.arraycopy(further, 0, points, stroke.length, further.length);
    return points;
  }
}
