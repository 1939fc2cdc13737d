package dev.halfstep.report;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.function.Consumer;
import javax.imageio.ImageIO;

/** Images as PNG files. */
final class Png {
  private Png() {}

  /** The bytes of the PNG file of an image of this size. */
  static byte[] of(int width, int height, Consumer<Graphics2D> drawing) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    try {
      drawing.accept(graphics);
    } finally {
      graphics.dispose();
    }
    // Its cache would be a file in java.io.tmpdir, which may be missing or full.
    ImageIO.setUseCache(false);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    if (!ImageIO.write(image, "png", bytes)) {
      throw new IOException("this Java cannot write PNG images");
    }
    return bytes.toByteArray();
  }
}
