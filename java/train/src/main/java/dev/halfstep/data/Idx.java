package dev.halfstep.data;

import dev.halfstep.DType;
import dev.halfstep.Shape;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads IDX, the format of MNIST's files (LeCun, "The MNIST database of handwritten digits"): two
 * zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit number,
 * then the values in big-endian order, the last dimension fastest. Files may be compressed with
 * gzip, which their first two bytes show, not their name.
 */
public final class Idx {
  private static final int MAX_RANK = 8;
  private static final int CHUNK = 1 << 20;
  private static final double TEST_FRACTION = 0.2;

  /** The most that deflate can shrink data; a header that claims a larger size is damaged. */
  private static final long MAX_GZIP_RATIO = 1032;

  private Idx() {}

  /** The element types of the format. */
  private enum Type {
    U8(0x08, 1, DType.U8),
    I8(0x09, 1, DType.I32),
    I16(0x0B, 2, DType.I32),
    I32(0x0C, 4, DType.I32),
    F32(0x0D, 4, DType.F32),
    F64(0x0E, 8, DType.F32);

    private final int code;
    private final int bytes;
    private final DType read;

    Type(int code, int bytes, DType read) {
      this.code = code;
      this.bytes = bytes;
      this.read = read;
    }
  }

  /**
   * The contents of one file.
   *
   * @param type {@code U8}, {@code I32} (signed bytes and 16-bit integers too) or {@code F32}
   *     (doubles too, rounded)
   * @param shape the dimensions, outermost first
   * @param values direct, native byte order, from position 0
   */
  public record Contents(DType type, Shape shape, ByteBuffer values) {}

  /**
   * Reads a file of any of the format's types: unsigned and signed bytes, integers of 16 and 32
   * bits, floats and doubles.
   *
   * @throws DataException if the file is missing, cannot be read, is not an IDX file, holds fewer
   *     or more values than its header says or a double beyond the range of floats, or does not fit
   *     into Java's memory
   */
  public static Contents read(Path file) throws DataException {
    if (Files.isDirectory(file)) {
      throw new DataException(file + ": is a folder, expected an IDX file");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new DataException(file + ": is no regular file, expected an IDX file");
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
    } catch (AccessDeniedException e) {
      throw new DataException(file + ": may not be read", e);
    } catch (DataException e) {
      throw e;
    } catch (IOException e) {
      throw new DataException(file + ": cannot be read (" + e.getMessage() + ")", e);
    }
  }

  /**
   * Samples and their classes, of which a random fifth is held out for tests ({@link
   * Dataset#split}). The classes are the labels that occur, in numeric order, and have them as
   * names; features are standardised by channel ({@link Standardization}) over the training part.
   *
   * @param images IDX file as {@link #features} takes it
   * @param labels IDX file as {@link #labels} takes it
   * @throws DataException if a file cannot be read or does not hold such data, their numbers of
   *     samples differ, or there are fewer than two classes or fewer than two samples of a class
   */
  public static Split load(Path images, Path labels) throws DataException {
    int[] answers = labels(labels);
    List<Integer> classes = IdxSamples.found(labels, answers);
    String name = String.valueOf(images.getFileName());
    Dataset all = IdxSamples.dataset(name, images, features(images), labels, answers, classes);
    return Standardization.of(all.split(TEST_FRACTION, 0));
  }

  /** As above, with test samples in separate files; the classes are the labels of both. */
  public static Split load(Path images, Path labels, Path testImages, Path testLabels)
      throws DataException {
    int[] answers = labels(labels);
    int[] testAnswers = labels(testLabels);
    List<Integer> classes = IdxSamples.found(labels, answers, testAnswers);
    Dataset train =
        IdxSamples.dataset(
            String.valueOf(images.getFileName()),
            images,
            features(images),
            labels,
            answers,
            classes);
    Dataset test =
        IdxSamples.dataset(
            String.valueOf(testImages.getFileName()),
            testImages,
            features(testImages),
            testLabels,
            testAnswers,
            classes);
    try {
      return Standardization.of(new Split(train, test));
    } catch (IllegalArgumentException e) {
      throw new DataException(
          images
              + " holds "
              + train.form().input().type()
              + " "
              + train.sampleShape()
              + ", but "
              + testImages
              + " "
              + test.form().input().type()
              + " "
              + test.sampleShape(),
          e);
    }
  }

  /**
   * Images and their classes as a data set.
   *
   * @param images IDX file as {@link #features} takes it
   * @param labels IDX file of whole numbers from 0 on, {@code [samples]}
   * @throws DataException if a file cannot be read or does not hold such data, or their numbers of
   *     samples differ
   */
  public static Dataset images(
      String name, Path images, Path labels, int classes, Normalization normalization)
      throws DataException {
    return IdxSamples.dataset(name, images, labels, IdxSamples.numbered(0, classes), normalization);
  }

  /**
   * The samples of a file: {@code [samples, height, width]} become {@code [height, width, 1]},
   * other shapes lose their first dimension. Bytes stay bytes, other types become floats. EMNIST's
   * files hold transposed images; the images of files with its names, {@code emnist-...-images...},
   * are transposed back.
   *
   * @throws DataException if the file cannot be read, holds no samples, or a value that is not
   *     finite
   */
  public static Features features(Path file) throws DataException {
    return IdxSamples.features(file);
  }

  /**
   * The labels of a file: whole numbers of any of the types, {@code [samples]}.
   *
   * @throws DataException if the file cannot be read or does not hold labels
   */
  public static int[] labels(Path file) throws DataException {
    return IdxSamples.labels(file);
  }

  private static Contents read(Path file, InputStream in, long limit) throws IOException {
    byte[] start = in.readNBytes(4);
    if (start.length < 4 || start[0] != 0 || start[1] != 0) {
      throw new DataException(
          file
              + ": is not an IDX file, it starts with "
              + hex(start)
              + "; expected 00 00, a type code (08 to 0e) and the number of dimensions");
    }
    Type type =
        Arrays.stream(Type.values())
            .filter(known -> known.code == start[2])
            .findFirst()
            .orElseThrow(
                () ->
                    new DataException(
                        file
                            + ": has values of IDX type "
                            + hex(start[2])
                            + ", expected 08 to 0e (bytes, integers, floats or doubles)"));
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
    ByteBuffer values = values(file, in, type, shape, limit, claim);
    if (in.read() != -1) {
      throw new DataException(
          file + ": goes on after its last value; its header says " + claim + " and nothing more");
    }
    return new Contents(type.read, shape, values);
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

  /**
   * Reads in pieces, so that a damaged header cannot make it allocate more memory than the values
   * need.
   */
  private static ByteBuffer values(
      Path file, InputStream in, Type type, Shape shape, long limit, String claim)
      throws IOException {
    long elements = shape.elements();
    if (elements > limit / type.bytes) {
      throw new DataException(
          file
              + ": is truncated, a file of its size cannot hold the "
              + claim
              + " that its header says");
    }
    ByteBuffer values;
    try {
      values = DirectBuffers.allocate(type.read, elements, "values");
    } catch (IllegalArgumentException e) {
      throw new DataException(file + ": " + e.getMessage(), e);
    } catch (OutOfMemoryError e) {
      throw new DataException(
          file
              + ": holds the "
              + claim
              + ", for which this Java has no memory left; give it more with -Xmx",
          e);
    }
    long expected = elements * type.bytes;
    byte[] piece = new byte[(int) Math.min(CHUNK, expected)];
    for (long done = 0; done < expected; ) {
      int wanted = (int) Math.min(piece.length, expected - done);
      int got = in.readNBytes(piece, 0, wanted);
      if (got < wanted) {
        throw new DataException(
            file
                + ": is truncated, it ends after "
                + (done + got)
                + " of "
                + expected
                + " bytes of values; its header says "
                + claim);
      }
      append(file, type, ByteBuffer.wrap(piece, 0, got), values);
      done += got;
    }
    return values.flip();
  }

  /** Appends big-endian values in native order. */
  private static void append(Path file, Type type, ByteBuffer from, ByteBuffer to)
      throws DataException {
    if (type == Type.U8) {
      to.put(from);
    }
    while (from.hasRemaining()) {
      switch (type) {
        case I8 -> to.putInt(from.get());
        case I16 -> to.putInt(from.getShort());
        case F64 -> to.putFloat(single(file, from.getDouble(), to.position() / Float.BYTES));
        default -> to.putInt(from.getInt());
      }
    }
  }

  private static float single(Path file, double value, int index) throws DataException {
    if (Double.isFinite(value) && Math.abs(value) > Float.MAX_VALUE) {
      throw new DataException(
          file
              + ": value "
              + index
              + " is "
              + value
              + ", which is beyond the range of single precision");
    }
    return (float) value;
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
