package dev.halfstep.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * A family of kernels has one name in {@code native/kernels.txt}, in the names of its files, and in
 * those of its Java classes. The test takes the names from {@code native/kernels.txt}.
 */
class FamiliesTest {
  private static final String CALLS = "native/src/core/calls/";
  private static final String CPU = "native/src/cpu/kernels/";
  private static final String CUDA = "native/src/cuda/";
  private static final String TESTS = "native/test/";
  private static final String KERNELS = "java/core/src/main/java/dev/halfstep/kernel/";
  private static final String OPERATIONS = "java/train/src/main/java/dev/halfstep/graph/";

  /** Files that belong to no family, or have a better name than the family's, and the reason. */
  private static final Map<String, String> EXCEPTIONS =
      Map.ofEntries(
          Map.entry(CPU + "table.cpp", "the table of all kernels of an instruction set"),
          Map.entry(CUDA + "kernels.cpp", "the table of all CUDA kernels"),
          Map.entry(CUDA + "resources.sh", "reads the registers of all CUDA kernels"),
          Map.entry(TESTS + "arguments_test.cpp", "bad addresses and counts, for every kernel"),
          Map.entry(TESTS + "handles_test.cpp", "devices, memory and streams"),
          Map.entry(TESTS + "isa_test.cpp", "the choice of an instruction set"),
          Map.entry(TESTS + "pool_test.cpp", "the pool of threads"),
          Map.entry(TESTS + "product_plan_test.cpp", "the choice for matmul and conv2d on CUDA"),
          Map.entry(TESTS + "sim_faults_test.cpp", "the simulated device"),
          Map.entry(TESTS + "streams_test.cpp", "streams of the simulated device"),
          Map.entry(KERNELS + "HostStepState.java", "a step's state in host memory, no kernel"),
          Map.entry(KERNELS + "Sizes.java", "checks of sizes that the classes share"),
          Map.entry(OPERATIONS + "KernelOp.java", "the interface of all operations"),
          Map.entry(OPERATIONS + "ConcatOp.java", "the field's name; calls copy_rows"),
          Map.entry(OPERATIONS + "SplitOp.java", "the field's name; calls copy_rows"),
          Map.entry(OPERATIONS + "ConstantOp.java", "the field's name; calls fill"),
          Map.entry(OPERATIONS + "LinearOp.java", "the field's name; calls matmul"),
          Map.entry(OPERATIONS + "ScaleOp.java", "scale_add without what is added"),
          Map.entry(OPERATIONS + "ReshapeOp.java", "calls no kernel"));

  private static final Pattern INCLUDE = Pattern.compile("#include \"([\\w/.]+)\"");

  /** A paragraph of kernels.txt; a part is called by the native core, not by users. */
  private record Kernel(String name, String family, boolean part) {}

  /** The kernels in the order of the table. */
  private static List<Kernel> kernels(String table) {
    List<Kernel> kernels = new ArrayList<>();
    for (String paragraph : table.split("\n\\s*\n", -1)) {
      Matcher name = Pattern.compile("(?m)^kernel (\\w+)$").matcher(paragraph);
      Matcher family = Pattern.compile("(?m)^  family (\\w+)$").matcher(paragraph);
      if (name.find() && family.find()) {
        boolean part = Pattern.compile("(?m)^  part ").matcher(paragraph).find();
        kernels.add(new Kernel(name.group(1), family.group(1), part));
      }
    }
    return kernels;
  }

  private static final List<Kernel> TABLE = kernels(SourceTree.read("native/kernels.txt"));
  private static final Set<String> FAMILIES =
      new TreeSet<>(TABLE.stream().map(Kernel::family).toList());

  /** The name in Java: {@code BatchNorm} for {@code batch_norm}. */
  private static String inJava(String name) {
    StringBuilder words = new StringBuilder();
    for (String word : name.split("_", -1)) {
      words.append(Character.toUpperCase(word.charAt(0))).append(word.substring(1));
    }
    return words.toString();
  }

  /** The family in a file's name: the whole name, or its part before an underscore or a dot. */
  private static String familyOf(String file) {
    String name = file.substring(file.lastIndexOf('/') + 1);
    return FAMILIES.stream()
        .filter(family -> name.matches(family + "[_.].*"))
        .findFirst()
        .orElse("");
  }

  /** Whether a Java class is named after a family or a kernel. */
  private static boolean isNamedInJava(String file) {
    String name = file.substring(file.lastIndexOf('/') + 1).replace(".java", "");
    return Stream.concat(FAMILIES.stream(), TABLE.stream().map(Kernel::name))
        .anyMatch(known -> name.matches(inJava(known) + "(?![a-z]).*"));
  }

  /**
   * For each header of native/src, the families that include it, directly or through another
   * header.
   */
  private static Map<String, Set<String>> usersOfHeaders() {
    Map<String, Set<String>> includes = new HashMap<>();
    List<String> sources = SourceTree.files("native/src/.*\\.(h|cpp|cu)");
    for (String file : sources) {
      Set<String> headers = includes.computeIfAbsent(file, f -> new TreeSet<>());
      Matcher header = INCLUDE.matcher(SourceTree.read(file));
      while (header.find()) {
        headers.add("native/src/" + header.group(1));
      }
    }
    Map<String, Set<String>> users = new TreeMap<>();
    for (String file : sources) {
      if (!file.endsWith(".h") && !familyOf(file).isEmpty()) {
        Set<String> seen = new TreeSet<>();
        List<String> open = new ArrayList<>(includes.get(file));
        while (!open.isEmpty()) {
          String header = open.remove(open.size() - 1);
          if (seen.add(header)) {
            users.computeIfAbsent(header, h -> new TreeSet<>()).add(familyOf(file));
            open.addAll(includes.getOrDefault(header, Set.of()));
          }
        }
      }
    }
    return users;
  }

  /** Files without the name of a family; headers that several families include need none. */
  private static Set<String> filesOfOtherNames() {
    Set<String> others = new TreeSet<>();
    String native_ =
        "(" + CALLS + "|" + CPU + "|" + CUDA + "|" + TESTS + "(?=\\w+_test\\.cpp))[^/]+";
    Map<String, Set<String>> users = usersOfHeaders();
    for (String file : SourceTree.files(native_)) {
      boolean shared = file.endsWith(".h") && users.getOrDefault(file, Set.of()).size() > 1;
      if (familyOf(file).isEmpty() && !shared) {
        others.add(file);
      }
    }
    String java = "(" + KERNELS + "(?!package-info)\\w+|" + OPERATIONS + "\\w+Op)\\.java";
    SourceTree.files(java).stream().filter(file -> !isNamedInJava(file)).forEach(others::add);
    return others;
  }

  @Test
  void everyFileBearsTheNameOfAFamily() {
    Set<String> others = filesOfOtherNames();
    Set<String> unknown = new TreeSet<>(others);
    unknown.removeAll(EXCEPTIONS.keySet());
    assertEquals(Set.of(), unknown, "no name of a family: rename, or name an exception and why");
    Set<String> stale = new TreeSet<>(EXCEPTIONS.keySet());
    stale.removeAll(others);
    assertEquals(Set.of(), stale, "exceptions that are none");
  }

  @Test
  void everyKernelIsInTheFilesOfItsFamily() {
    assertTrue(FAMILIES.size() > 20, FAMILIES.toString());
    List<String> missing = new ArrayList<>();
    for (Kernel kernel : TABLE) {
      if (kernel.part()) {
        continue;
      }
      String family = kernel.family();
      String arguments = "\\b" + inJava(kernel.name()) + "Args\\b";
      Map<String, String> places =
          Map.of(
              CALLS + family + "\\.cpp",
              arguments + "|\\bhs_" + kernel.name() + "\\(",
              CPU + family + "(_\\w+)?\\.cpp",
              "\\bvoid " + kernel.name() + "\\(const " + arguments,
              CUDA + family + "(_\\w+)?\\.cu",
              "\\bhs_status " + kernel.name() + "\\(.*" + arguments,
              TESTS + family + "(_\\w+)?_test\\.cpp",
              "\\bhs_" + kernel.name() + "\\(");
      places.forEach(
          (files, needed) -> {
            Pattern pattern = Pattern.compile(needed);
            if (SourceTree.files(files).stream()
                .noneMatch(file -> pattern.matcher(SourceTree.read(file)).find())) {
              missing.add(kernel.name() + " is not in " + files);
            }
          });
    }
    assertEquals(List.of(), missing);
  }

  @Test
  void namesAreReadAsWholeWords() {
    assertEquals("pool2d", familyOf(CPU + "pool2d.cpp"));
    assertEquals("batch_norm", familyOf(CUDA + "batch_norm_slabs.cu"));
    assertEquals("", familyOf(TESTS + "pool_test.cpp"));
    assertEquals("", familyOf(CPU + "steps.cpp"));
    assertTrue(isNamedInJava("Conv2dGradientKernel.java") && isNamedInJava("ScaleAddKernel.java"));
    assertFalse(isNamedInJava("Stepper.java") || isNamedInJava("Conv2Op.java"));
    assertEquals(
        List.of(new Kernel("a", "f", false), new Kernel("b", "f", true)),
        kernels(
            "class AKernel\n\nkernel a\n  family f\n\n# b\nkernel b\n  family f\n  part x a\n"));
  }
}
