package dev.halfstep.files;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;

/**
 * The SHA-256 of a safetensors file, kept in its metadata. Its entry is at the beginning of the
 * header. The digest is computed over the whole file with zeros in place of its digits, so that it
 * covers every byte. Both the entry's name and its value identify it: if one of them is damaged,
 * the other still shows that the file has a checksum to verify.
 */
final class Checksum {
  private static final String KEY = "halfstep.checksum";
  private static final String PREFIX = "halfstep-sha256:";
  private static final int DIGITS = 64;

  /** An entry that only the metadata of checkpoints have. */
  private static final String CHECKPOINT = "halfstep.checkpoint";

  /** The entry before the checksum is known. */
  static final Map<String, String> PLACEHOLDER = Map.of(KEY, PREFIX + "0".repeat(DIGITS));

  private static final byte[] HEAD =
      ("{\"__metadata__\":{\"" + KEY + "\":\"" + PREFIX).getBytes(StandardCharsets.US_ASCII);

  private final MessageDigest digest;

  /** A checksum of no bytes yet. */
  Checksum() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Adds the next bytes of the file. */
  void update(ByteBuffer bytes) {
    digest.update(bytes);
  }

  /** Puts the digits into a header that was written with {@link #PLACEHOLDER}. */
  void insertInto(byte[] header) {
    byte[] digits = digits();
    System.arraycopy(digits, 0, header, HEAD.length, DIGITS);
  }

  /**
   * Whether a file has a checksum.
   *
   * @throws ModelFileException if it has one at another place than files are written with, or if it
   *     has none and is a checkpoint, which always has one
   */
  static boolean isIn(Path file, byte[] header, Map<String, String> metadata)
      throws ModelFileException {
    boolean there =
        metadata.containsKey(KEY)
            || metadata.values().stream().anyMatch(text -> text.startsWith(PREFIX));
    if (!there && metadata.containsKey(CHECKPOINT)) {
      throw new ModelFileException(
          file, "is damaged: it has no " + KEY + ", without which no checkpoint is written");
    }
    if (!there) {
      return false;
    }
    if (header.length < HEAD.length + DIGITS
        || !Arrays.equals(header, 0, HEAD.length, HEAD, 0, HEAD.length)) {
      throw altered(file);
    }
    return true;
  }

  /** Takes the digits out of a header and puts zeros in their place. */
  static byte[] takeOutOf(byte[] header) {
    byte[] digits = Arrays.copyOfRange(header, HEAD.length, HEAD.length + DIGITS);
    Arrays.fill(header, HEAD.length, HEAD.length + DIGITS, (byte) '0');
    return digits;
  }

  /**
   * Compares the digest of the added bytes with the digits of the file.
   *
   * @throws ModelFileException if they differ
   */
  void verify(Path file, byte[] expected) throws ModelFileException {
    if (!Arrays.equals(digits(), expected)) {
      throw altered(file);
    }
  }

  private byte[] digits() {
    return HexFormat.of().formatHex(digest.digest()).getBytes(StandardCharsets.US_ASCII);
  }

  private static ModelFileException altered(Path file) {
    return new ModelFileException(
        file,
        "is damaged: its checksum is not that of its contents. If a program altered it on purpose,"
            + " let that leave "
            + KEY
            + " out of the metadata");
  }
}
