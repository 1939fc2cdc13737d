package dev.halfstep.data;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/** IDX files for tests. */
final class IdxFiles {
  private IdxFiles() {}

  static byte[] header(int type, int... dims) {
    ByteBuffer header = ByteBuffer.allocate(4 + 4 * dims.length);
    header.put((byte) 0).put((byte) 0).put((byte) type).put((byte) dims.length);
    for (int dim : dims) {
      header.putInt(dim);
    }
    return header.array();
  }

  static byte[] concat(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  static byte[] gzip(byte[] content) throws IOException {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
      out.write(content);
    }
    return compressed.toByteArray();
  }

  /** Writes images of 28 x 28 whose pixels all hold the sample's number, and labels i mod 10. */
  static void writeMnist(Path images, Path labels, int samples) throws IOException {
    byte[] pixels = new byte[samples * 28 * 28];
    byte[] answers = new byte[samples];
    for (int i = 0; i < samples; i++) {
      java.util.Arrays.fill(pixels, i * 784, (i + 1) * 784, (byte) i);
      answers[i] = (byte) (i % 10);
    }
    write(images, concat(header(0x08, samples, 28, 28), pixels));
    write(labels, concat(header(0x08, samples), answers));
  }

  /** Writes a file, compressed with gzip if the name ends so. */
  static void write(Path file, byte[] content) throws IOException {
    Files.write(file, file.toString().endsWith(".gz") ? gzip(content) : content);
  }
}
