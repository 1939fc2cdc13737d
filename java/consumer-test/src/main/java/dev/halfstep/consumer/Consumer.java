package dev.halfstep.consumer;

import dev.halfstep.bindings.Native;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a user's program does with the installed artifacts; exit status 1 when some of it fails. */
public final class Consumer {
  private interface Check {
    void run() throws Exception;
  }

  private static final Map<String, Check> CHECKS = new LinkedHashMap<>();

  static {
    CHECKS.put("the library loads and speaks the ABI of its bindings", Consumer::theLibraryLoads);
  }

  private Consumer() {}

  public static void main(String[] args) {
    int failed = runAll();
    System.out.printf("%d passed, %d failed%n", CHECKS.size() - failed, failed);
    System.exit(failed == 0 ? 0 : 1);
  }

  /** Runs all checks and returns how many failed. */
  public static int runAll() {
    int failed = 0;
    for (Map.Entry<String, Check> check : CHECKS.entrySet()) {
      try {
        check.getValue().run();
        System.out.println("ok   " + check.getKey());
      } catch (Exception | LinkageError | AssertionError e) {
        failed++;
        System.out.println("FAIL " + check.getKey());
        e.printStackTrace(System.out);
      }
    }
    return failed;
  }

  private static void theLibraryLoads() {
    expect(Native.hs_check_abi(Native.HS_ABI_VERSION) == Native.HS_OK, "another ABI");
    String version = Native.hs_version().getString();
    expect(version.startsWith("0.1.0"), "version " + version);
  }

  private static void expect(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
