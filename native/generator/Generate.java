package generator;

import java.io.IOException;
import java.nio.file.Path;

/**
 * Writes sources from {@code native/kernels.txt}.
 *
 * <pre>
 * Generate NATIVE bindings FOLDER   dev/halfstep/bindings/ArrayCalls.java
 * Generate NATIVE forms FOLDER      dev/halfstep/kernel/*Forms.java
 * Generate NATIVE cases FOLDER      dev/halfstep/kernel/KernelCases.java, for tests
 * Generate NATIVE core FOLDER       core/kernel_args.h, kernel_checks.h and kernel_calls.cpp
 * </pre>
 *
 * <p>NATIVE is the folder of kernels.txt. Files whose text would not change are not written.
 */
final class Generate {
  private Generate() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 3) {
      System.err.println("usage: Generate NATIVE bindings|forms|cases|core FOLDER");
      System.exit(2);
    }
    try {
      generate(Path.of(arguments[0]), arguments[1], Path.of(arguments[2]));
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage());
      System.exit(1);
    }
  }

  private static void generate(Path folder, String what, Path target) throws IOException {
    Header header = Header.read(folder.resolve("include/halfstep.h"));
    Table table = TableReader.read(folder.resolve("kernels.txt"), header);
    Path kernels = target.resolve("dev/halfstep/kernel");
    switch (what) {
      case "bindings" ->
          ArrayCallsWriter.write(table)
              .writeTo(target.resolve("dev/halfstep/bindings/ArrayCalls.java"));
      case "forms" -> {
        for (Table.JavaClass owner : table.classes()) {
          FormsWriter.write(owner).writeTo(kernels.resolve(owner.name() + "Forms.java"));
        }
      }
      case "core" -> {
        Path core = target.resolve("core");
        CoreWriter.arguments(table).writeTo(core.resolve("kernel_args.h"));
        CoreWriter.checks(table).writeTo(core.resolve("kernel_checks.h"));
        CoreWriter.calls(table, header).writeTo(core.resolve("kernel_calls.cpp"));
      }
      case "cases" -> CasesWriter.write(table).writeTo(kernels.resolve("KernelCases.java"));
      default ->
          throw new IllegalArgumentException(what + ": is not bindings, forms, cases or core");
    }
  }
}
