package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads IDX, the format of MNIST's files (LeCun, "The MNIST database of handwritten digits"): two
 * zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit number,
 * then the values in big-endian order, the last dimension fastest. Files may be compressed with
 * gzip, which is told by their first two bytes and not by their name.
 */
public final class Idx {
  private static final int TYPE_U8 = 0x08;
  private static final int TYPE_I32 = 0x0C;
  private static final int TYPE_F32 = 0x0D;
  private static final int MAX_RANK = 8;

  /** Deflate cannot shrink data by more than this, so a larger claim is a damaged header's. */
  private static final long MAX_GZIP_RATIO = 1032;

  private Idx() {}

  /**
   * The contents of one file.
   *
   * @param type {@code U8}, {@code I32} or {@code F32}
   * @param shape the dimensions, outermost first
   * @param values direct, native byte order, from position 0
   */
  public record Contents(DType type, Shape shape, ByteBuffer values) {}

  /**
   * Reads a file.
   *
   * @throws DataException if the file is missing, cannot be read, is not an IDX file of bytes, ints
   *     or floats, or holds fewer or more values than its header says
   */
  public static Contents read(Path file) throws DataException {
    if (Files.isDirectory(file)) {
      throw new DataException(file + ": is a folder, expected an IDX file");
    }
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      raw.mark(2);
      byte[] magic = raw.readNBytes(2);
      raw.reset();
      if (magic.length == 2 && magic[0] == 0x1f && magic[1] == (byte) 0x8b) {
        long limit = Math.multiplyExact(Files.size(file), MAX_GZIP_RATIO);
        return read(file, new GZIPInputStream(raw, 1 << 16), limit);
      }
      return read(file, raw, Files.size(file));
    } catch (NoSuchFileException e) {
      throw new DataException(file + ": there is no such file", e);
    } catch (EOFException e) {
      throw new DataException(file + ": is truncated, the gzip data end too early", e);
    } catch (ZipException e) {
      throw new DataException(file + ": the gzip data are damaged (" + e.getMessage() + ")", e);
    } catch (DataException e) {
      throw e;
    } catch (IOException e) {
      throw new DataException(file + ": cannot be read (" + e + ")", e);
    }
  }

  /**
   * Images and their classes as a data set; the samples are {@code [height, width, 1]}.
   *
   * @param images IDX file of bytes, {@code [samples, height, width]}
   * @param labels IDX file of bytes or ints, {@code [samples]}
   * @throws DataException if one of the files cannot be read, does not hold this, or their numbers
   *     of samples differ
   */
  public static Dataset images(
      String name, Path images, Path labels, int classes, Normalization normalization)
      throws DataException {
    Contents pixels = read(images);
    if (pixels.type() != DType.U8 || pixels.shape().rank() != 3) {
      throw new DataException(
          images
              + ": holds "
              + pixels.type()
              + " "
              + pixels.shape()
              + ", expected images: U8 [samples, height, width]");
    }
    Contents answers = read(labels);
    if (answers.type() == DType.F32 || answers.shape().rank() != 1) {
      throw new DataException(
          labels
              + ": holds "
              + answers.type()
              + " "
              + answers.shape()
              + ", expected labels: U8 or I32 [samples]");
    }
    if (pixels.shape().dim(0) != answers.shape().dim(0)) {
      throw new DataException(
          images
              + " holds "
              + pixels.shape().dim(0)
              + " images, but "
              + labels
              + " holds "
              + answers.shape().dim(0)
              + " labels: they do not belong together");
    }
    if (pixels.shape().elements() == 0) {
      throw new DataException(images + ": holds no pixels, its shape is " + pixels.shape());
    }
    Shape sample = Shape.of(pixels.shape().dim(1), pixels.shape().dim(2), 1);
    Features features =
        Features.adopt(pixels.values(), DType.U8, sample).withNormalization(normalization);
    try {
      Labels targets = Labels.of(toInts(answers), Shape.of(), classes, OptionalInt.empty());
      return Dataset.of(name, features, targets);
    } catch (IllegalArgumentException e) {
      throw new DataException(labels + ": " + e.getMessage(), e);
    }
  }

  private static int[] toInts(Contents contents) {
    ByteBuffer values = contents.values();
    int[] ints = new int[Math.toIntExact(contents.shape().elements())];
    for (int i = 0; i < ints.length; i++) {
      ints[i] = contents.type() == DType.U8 ? values.get(i) & 0xFF : values.getInt(4 * i);
    }
    return ints;
  }

  private static Contents read(Path file, InputStream in, long limit) throws IOException {
    byte[] start = in.readNBytes(4);
    if (start.length < 4 || start[0] != 0 || start[1] != 0) {
      throw new DataException(
          file
              + ": is not an IDX file, it starts with "
              + hex(start)
              + "; expected 00 00, a type code (08, 0c or 0d) and the number of dimensions");
    }
    DType type =
        switch (start[2]) {
          case TYPE_U8 -> DType.U8;
          case TYPE_I32 -> DType.I32;
          case TYPE_F32 -> DType.F32;
          default ->
              throw new DataException(
                  file
                      + ": has values of IDX type "
                      + hex(start[2])
                      + ", expected 08 (unsigned bytes), 0c (ints) or 0d (floats)");
        };
    int rank = start[3];
    if (rank < 1 || rank > MAX_RANK) {
      throw new DataException(
          file + ": says it has " + (rank & 0xFF) + " dimensions, expected 1 to " + MAX_RANK);
    }
    byte[] header = in.readNBytes(4 * rank);
    if (header.length < 4 * rank) {
      throw new DataException(file + ": is truncated, it ends within its header");
    }
    Shape shape = shape(file, ByteBuffer.wrap(header), rank);
    String claim = type + " " + shape + " after a header of " + (4 + header.length) + " bytes";
    byte[] bytes = values(file, in, type, shape, limit, claim);
    if (in.read() != -1) {
      throw new DataException(
          file + ": goes on after its last value; its header says " + claim + " and nothing more");
    }
    return new Contents(type, shape, toNative(type, bytes));
  }

  private static Shape shape(Path file, ByteBuffer header, int rank) throws DataException {
    long[] dims = new long[rank];
    for (int i = 0; i < rank; i++) {
      dims[i] = header.getInt() & 0xFFFFFFFFL;
    }
    try {
      return Shape.of(dims);
    } catch (IllegalArgumentException e) {
      throw new DataException(
          file + ": has a damaged header, its dimensions are " + Arrays.toString(dims), e);
    }
  }

  private static byte[] values(
      Path file, InputStream in, DType type, Shape shape, long limit, String claim)
      throws IOException {
    if (shape.elements() > limit / type.bytes()) {
      throw new DataException(
          file
              + ": is truncated, a file of its size cannot hold the "
              + claim
              + " that its header says");
    }
    int expected;
    try {
      expected = DirectBuffers.bytes(type, shape.elements(), "values");
    } catch (IllegalArgumentException e) {
      throw new DataException(file + ": " + e.getMessage(), e);
    }
    byte[] bytes = in.readNBytes(expected);
    if (bytes.length < expected) {
      throw new DataException(
          file
              + ": is truncated, it ends after "
              + bytes.length
              + " of "
              + expected
              + " bytes of values; its header says "
              + claim);
    }
    return bytes;
  }

  private static ByteBuffer toNative(DType type, byte[] bytes) {
    ByteBuffer values = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
    if (type == DType.U8) {
      return values.put(0, bytes);
    }
    values.asIntBuffer().put(ByteBuffer.wrap(bytes).asIntBuffer());
    return values;
  }

  private static String hex(byte... bytes) {
    if (bytes.length == 0) {
      return "nothing";
    }
    StringBuilder text = new StringBuilder();
    for (byte b : bytes) {
      text.append(text.isEmpty() ? "" : " ").append(String.format("%02x", b));
    }
    return text.toString();
  }
}
