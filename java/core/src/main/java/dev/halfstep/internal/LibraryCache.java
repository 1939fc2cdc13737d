package dev.halfstep.internal;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the folder into which JavaCPP extracts native libraries, so that no other user can write
 * to it and its files are those of the jars. JavaCPP itself would accept any existing folder, and
 * any file of the right size and time.
 */
final class LibraryCache {
  static final String PROPERTY = "org.bytedeco.javacpp.cachedir";

  private static final Logger LOG = LoggerFactory.getLogger(Native.class);
  private static final String TEMPORARY = "halfstep-temporary-";
  private static final Set<PosixFilePermission> OWNERS =
      PosixFilePermissions.fromString("rwx------");
  private static final int WRITE_OTHERS = 0002;
  private static final int STICKY = 01000;
  private static final int ROOT = 0;
  private static final int NOBODY = -1;

  private LibraryCache() {}

  /**
   * Extracts what JavaCPP is about to load from jars. To be called before anything else of JavaCPP
   * where possible; a folder that another user of JavaCPP has settled on is kept.
   *
   * @throws IOException if no folder can be written, or it is full
   */
  static void prepare() throws IOException {
    List<URL> libraries = libraries();
    if (libraries.isEmpty()) {
      return;
    }
    if (!isUsable(System.getProperty(PROPERTY))
        && !isUsable(System.getProperty("org.bytedeco.javacpp.cacheDir"))) {
      System.setProperty(PROPERTY, privateFolder().toString());
    }
    for (URL library : libraries) {
      file(library);
    }
    Path folder = Loader.getCacheDir().toPath();
    int user = userId();
    if (!isOwnedBy(user, folder) || (mode(folder) & WRITE_OTHERS) != 0) {
      LOG.warn(
          "other users can write {}, from which native libraries are loaded: name a folder of your"
              + " own with -D{}",
          folder,
          PROPERTY);
    }
  }

  /**
   * The libraries that lie in jars. Libraries in folders are loaded from there and need no copy.
   */
  private static List<URL> libraries() throws IOException {
    Class<?> bindings = dev.halfstep.bindings.Native.class;
    URL[] found = {
      Loader.findResource(Pointer.class, LoadFailure.PLATFORM + "/libjnijavacpp.so"),
      Loader.findResource(bindings, LoadFailure.PLATFORM + "/libhalfstep.so"),
      Loader.findResource(bindings, LoadFailure.LIBRARY),
    };
    return Arrays.stream(found)
        .filter(library -> library != null && !library.getProtocol().equals("file"))
        .toList();
  }

  /** A library as a file: where it lies, or extracted, now or by an earlier program. */
  static File file(URL library) throws IOException {
    if (library.getProtocol().equals("file")) {
      return new File(URI.create(library.toString()));
    }
    try {
      File file = Loader.cacheResource(library);
      if (deleteDamaged(library, file) || !file.exists()) {
        file = Loader.cacheResource(library);
        if (!holds(file.toPath(), library)) {
          throw new IOException(file + " was not written whole");
        }
      }
      return file;
    } catch (IOException e) {
      throw new IOException(Loader.getCacheDir() + " cannot take it: " + e.getMessage(), e);
    }
  }

  /**
   * Deletes copies of a library that are not what the jar holds: JavaCPP extracts those anew that
   * it needs. For each further class loader it makes a copy with a number behind the name.
   */
  private static boolean deleteDamaged(URL library, File file) throws IOException {
    String name = file.getName().replace(".so", "");
    Pattern copies = Pattern.compile(Pattern.quote(name) + "\\d*\\.so");
    boolean deleted = false;
    File[] files = file.getParentFile().listFiles((folder, copy) -> copies.matcher(copy).matches());
    for (File copy : files == null ? new File[0] : files) {
      if (!holds(copy.toPath(), library)) {
        deleted |= deleteUnlessWritten(copy.toPath(), library);
      }
    }
    return deleted;
  }

  /** Takes JavaCPP's lock, since another program may be extracting the file at the same time. */
  private static boolean deleteUnlessWritten(Path file, URL library) throws IOException {
    Path lockFile = Loader.getCacheDir().toPath().resolve(".lock");
    synchronized (Runtime.getRuntime()) { // as JavaCPP does
      try (FileChannel channel =
              FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock held = channel.lock()) {
        return held.isValid() && !holds(file, library) && Files.deleteIfExists(file);
      }
    }
  }

  private static boolean holds(Path file, URL library) throws IOException {
    URLConnection connection = library.openConnection();
    connection.setUseCaches(false); // a jar that stays open cannot be replaced
    try (InputStream expected = connection.getInputStream();
        InputStream actual = Files.newInputStream(file)) {
      byte[] block = new byte[1 << 16];
      byte[] other = new byte[1 << 16];
      for (int length = -1; length != 0; ) {
        length = expected.readNBytes(block, 0, block.length);
        int read = actual.readNBytes(other, 0, other.length);
        if (!Arrays.equals(block, 0, length, other, 0, read)) {
          return false;
        }
      }
      return true;
    } catch (NoSuchFileException replacedByAnotherProgram) {
      return false;
    }
  }

  /** Whether JavaCPP would take this folder, which a person has named. */
  private static boolean isUsable(@Nullable String folder) {
    if (folder == null) {
      return false;
    }
    File file = new File(folder);
    return (file.isDirectory() || file.mkdirs())
        && file.canRead()
        && file.canWrite()
        && file.canExecute();
  }

  /**
   * A folder that only this user can write: JavaCPP's own, one in the temporary folder, or a new
   * one.
   */
  private static Path privateFolder() throws IOException {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
    Path home = Path.of(System.getProperty("user.home", "?")); // "?": the user has no entry
    int user = userId();
    Path found = home.isAbsolute() ? madePrivate(home, ".javacpp/cache", user) : null;
    if (found == null) {
      found = madePrivate(temporary, "halfstep-" + user, user);
    }
    try {
      return found != null ? found : Files.createTempDirectory(temporary, TEMPORARY);
    } catch (IOException e) {
      throw new IOException("neither " + home + " nor " + temporary + " can be written", e);
    }
  }

  /** The folder, made where it is missing, and closed to others; null where that cannot be. */
  private static @Nullable Path madePrivate(Path parent, String name, int user) {
    if (!Files.isDirectory(parent)) {
      return null;
    }
    try {
      Path folder = parent.resolve(name);
      Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(OWNERS));
      folder = folder.toRealPath();
      if (!Files.getAttribute(folder, "unix:uid").equals(user) || !isSafeBelow(folder, user)) {
        return null;
      }
      if (!Files.getPosixFilePermissions(folder).equals(OWNERS)) {
        Files.setPosixFilePermissions(folder, OWNERS);
      }
      Files.delete(Files.createTempFile(folder, "writable", null));
      return folder;
    } catch (IOException | RuntimeException notThisOne) {
      return null;
    }
  }

  /** Whether only this user and root can replace this folder by another one. */
  private static boolean isSafeBelow(Path folder, int user) throws IOException {
    for (Path above = folder.getParent(); above != null; above = above.getParent()) {
      boolean othersRename = (mode(above) & (WRITE_OTHERS | STICKY)) == WRITE_OTHERS;
      if (othersRename || !isOwnedBy(user, above)) {
        return false;
      }
    }
    return true;
  }

  private static int userId() {
    try {
      return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
    } catch (IOException noProc) {
      return NOBODY;
    }
  }

  private static boolean isOwnedBy(int user, Path folder) throws IOException {
    int owner = (int) Files.getAttribute(folder, "unix:uid");
    return owner == user || owner == ROOT;
  }

  private static int mode(Path folder) throws IOException {
    return (int) Files.getAttribute(folder, "unix:mode");
  }

  /** Deletes a folder that was made for this program when the program ends. */
  static void deleteTemporaryOnExit() {
    Path folder = Path.of(System.getProperty(PROPERTY, ""));
    if (folder.getFileName().toString().startsWith(TEMPORARY)) {
      try (Stream<Path> files = Files.walk(folder)) {
        files.forEach(file -> file.toFile().deleteOnExit());
      } catch (IOException leftBehind) {
        LOG.debug("{} is not deleted", folder, leftBehind);
      }
    }
  }
}
