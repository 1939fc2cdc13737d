package generator;

import generator.Table.Argument;
import generator.Table.Arrays;
import generator.Table.Check;
import generator.Table.Copied;
import generator.Table.Descriptor;
import generator.Table.Field;
import generator.Table.JavaClass;
import generator.Table.Kernel;
import generator.Table.Operand;
import generator.Table.Parameter;
import generator.Table.Part;
import generator.Table.Sample;
import generator.Table.StreamFlag;
import generator.Table.Use;
import generator.Table.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/**
 * Reads {@code kernels.txt}, and refuses a table with contradictions or one that does not agree
 * with the header.
 */
final class TableReader {
  private static final List<String> TYPES = List.of("f32", "i32", "u8", "f64", "void");

  private final Path file;
  private final Header header;
  private final List<String> lines;
  private final Map<String, JavaClass> classes = new LinkedHashMap<>();
  private final Map<String, Kernel> kernels = new LinkedHashMap<>();
  private final Set<String> noKernels = new HashSet<>();
  private int at; // the index of the line that is being read

  private TableReader(Path file, Header header) throws IOException {
    this.file = file;
    this.header = header;
    this.lines = Files.readAllLines(file);
  }

  static Table read(Path file, Header header) throws IOException {
    return new TableReader(file, header).read();
  }

  private IllegalArgumentException error(String message) {
    return new IllegalArgumentException(file + ":" + (at + 1) + ": " + message);
  }

  private Table read() {
    for (at = 0; at < lines.size(); at++) {
      String line = lines.get(at).strip();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      if (line.startsWith("no kernels:")) {
        noKernels.addAll(List.of(line.substring(11).strip().split("\\s+")));
      } else if (line.startsWith("class ")) {
        readClass(line.substring(6).strip());
      } else if (line.startsWith("kernel ")) {
        readKernel(line.substring(7).strip());
      } else {
        throw error("'" + line + "' begins no paragraph: that does 'class NAME' or 'kernel NAME'");
      }
    }
    for (Header.Prototype prototype : header.prototypes().values()) {
      if (prototype.takesAddresses()
          && !noKernels.contains(prototype.name())
          && !kernels.containsKey(prototype.name().substring(3))) {
        throw new IllegalArgumentException(
            header.file()
                + ":"
                + prototype.line()
                + ": "
                + prototype.name()
                + " takes a stream and addresses, but "
                + file
                + " has no 'kernel "
                + prototype.name().substring(3)
                + "'");
      }
    }
    return new Table(List.copyOf(classes.values()), List.copyOf(kernels.values()));
  }

  /** The next line of the paragraph; null at its end. */
  private String next() {
    if (at + 1 < lines.size() && lines.get(at + 1).startsWith("  ")) {
      at++;
      return lines.get(at).strip();
    }
    return null;
  }

  private static String rest(String line) {
    int space = line.indexOf(' ');
    return space < 0 ? "" : line.substring(space + 1).strip();
  }

  private void readClass(String name) {
    String title = "";
    List<Field> fields = new ArrayList<>();
    List<Sample> samples = new ArrayList<>();
    for (String line = next(); line != null; line = next()) {
      switch (line.split("\\s+")[0]) {
        case "title" -> title = rest(line);
        case "fields" -> {
          for (String field : rest(line).split(",")) {
            String[] words = field.strip().split("\\s+");
            if (words.length != 2) {
              throw error("'" + field.strip() + "' is no field: give its type and its name");
            }
            fields.add(new Field(words[0], words[1]));
          }
        }
        case "test" -> {
          List<String> words = new ArrayList<>(List.of(rest(line).split("\\s+")));
          String sample = words.remove(0);
          List<String> without = new ArrayList<>();
          while (words.get(0).startsWith("-")) {
            without.add(words.remove(0).substring(1));
          }
          samples.add(new Sample(sample, without, String.join(" ", words)));
        }
        default -> throw error("a class has title, fields and test, not '" + line + "'");
      }
    }
    if (title.isEmpty() || fields.isEmpty() || samples.isEmpty()) {
      throw error("class " + name + " lacks a title, fields or a test");
    }
    classes.put(name, new JavaClass(name, title, fields, samples, new ArrayList<>()));
  }

  private void readKernel(String name) {
    int first = at;
    String family = "";
    String java = "";
    List<String> text = new ArrayList<>();
    List<String> forms = List.of("tensor", "buffer", "array", "address");
    List<Arrays> arrays = new ArrayList<>();
    List<String> shortOperands = List.of();
    Check check = null;
    String before = null;
    boolean callByHand = false;
    List<Part> parts = new ArrayList<>();
    List<StreamFlag> flags = new ArrayList<>();
    List<Parameter> parameters = new ArrayList<>();
    Header.Prototype prototype = header.prototypes().get("hs_" + name);
    for (String line = next(); line != null; line = next()) {
      String[] words = line.split("\\s+");
      switch (words[0]) {
        case "family" -> family = words[1];
        case "java" -> java = rest(line);
        case "text" -> text.add(rest(line));
        case "forms" -> forms = List.of(rest(line).split("\\s+"));
        case "arrays" -> arrays.add(arrays(rest(line)));
        case "short" -> shortOperands = List.of(rest(line).split("\\s+"));
        case "check" -> {
          String[] call = rest(line).split("[(), ]+");
          check = new Check(call[0], List.of(call).subList(1, call.length));
        }
        case "before" -> before = words[1];
        case "call" -> callByHand = true;
        case "part" -> parts.add(new Part(words[1], words[2]));
        case "stream" -> flags.add(new StreamFlag(words[1], line.split("=", 2)[1].strip()));
        case "desc" -> parameters.add(new Descriptor("desc", "hs_" + name));
        case "values" -> {
          for (String word : rest(line).split("\\s+")) {
            String[] value = word.split("=", 2);
            String expression = value.length == 2 ? value[1] : Names.lowerCamel(value[0]);
            parameters.add(new Value(value[0], "", expression));
          }
        }
        case "argument" -> parameters.add(new Argument(words[1], "", words.length > 2));
        case "copied" -> parameters.add(new Copied(words[1], "", words[2]));
        case "in", "out", "inout" -> parameters.add(operand(words));
        default -> throw error("'" + words[0] + "' is nothing that a kernel has");
      }
    }
    if (family.isEmpty()) {
      throw error("kernel " + name + " has no family");
    }
    boolean byHand = java.isEmpty() || java.equals("by hand");
    JavaClass owner = null;
    if (!byHand) {
      owner = classes.get(java.split("\\.")[0]);
      if (owner == null) {
        throw error("kernel " + name + " becomes " + java + ", but no class of this name is above");
      }
      if (arrays.isEmpty()) {
        arrays.add(new Arrays(Map.of()));
      }
    }
    if (parts.isEmpty()) {
      int last = at;
      at = first; // errors name the line of the kernel
      parameters = typed(name, parameters, prototype, owner);
      at = last;
    }
    Kernel kernel =
        new Kernel(
            name,
            family,
            byHand ? null : owner.name(),
            byHand ? null : java.split("\\.")[1],
            String.join(" ", text),
            parameters,
            forms,
            arrays,
            shortOperands,
            check,
            before,
            callByHand,
            parts,
            flags);
    if (kernels.put(name, kernel) != null) {
      throw error("kernel " + name + " is there twice");
    }
    if (owner != null) {
      owner.kernels().add(kernel);
    }
  }

  private Arrays arrays(String words) {
    Map<String, String> types = new LinkedHashMap<>();
    for (String word : words.isEmpty() ? new String[0] : words.split("\\s+")) {
      String[] pair = word.split("=");
      types.put(pair[0], pair[1]);
    }
    return new Arrays(types);
  }

  private Operand operand(String[] words) {
    if (words.length < 4) {
      throw error("an operand has a use, a name, a type and an extent");
    }
    boolean optional = false;
    List<String> needs = List.of();
    String orMore = null;
    boolean address = false;
    String host = "addressOf(" + Names.lowerCamel(words[1]) + ")";
    // An option such as host=f(a, b) has spaces of its own.
    String options = String.join(" ", List.of(words).subList(4, words.length));
    for (String option : options.isEmpty() ? new String[0] : options.split(" (?![^(]*\\))")) {
      String value = option.contains("=") ? option.substring(option.indexOf('=') + 1) : "";
      switch (option.contains("=") ? option.substring(0, option.indexOf('=')) : option) {
        case "optional" -> optional = true;
        case "needs" -> needs = List.of(value.split(","));
        case "or-more" -> orMore = value.isEmpty() ? "true" : value;
        case "address" -> address = true;
        case "host" -> host = value;
        default -> throw error("'" + option + "' is no option of an operand");
      }
    }
    return new Operand(
        words[1],
        Use.valueOf(words[0].toUpperCase(Locale.ROOT)),
        words[2],
        words[3],
        optional,
        needs,
        orMore,
        address,
        host);
  }

  /** The parameters with their types in C, which is also where they are compared. */
  private List<Parameter> typed(
      String kernel, List<Parameter> parameters, Header.Prototype prototype, JavaClass owner) {
    if (prototype == null) {
      throw error(header.file() + " has no function hs_" + kernel + " that takes a stream first");
    }
    String place = header.file() + ":" + prototype.line() + ": " + prototype.name();
    if (parameters.size() != prototype.parameters().size()) {
      throw error(
          "kernel "
              + kernel
              + " has "
              + parameters.size()
              + " parameters, but "
              + place
              + " has "
              + prototype.parameters().size()
              + " behind the stream");
    }
    List<Parameter> typed = new ArrayList<>();
    for (int i = 0; i < parameters.size(); i++) {
      Parameter mine = parameters.get(i);
      Header.Parameter theirs = prototype.parameters().get(i);
      boolean address = theirs.type().equals("hs_ptr");
      boolean struct = theirs.type().matches("const hs_\\w+\\*");
      boolean fits =
          mine instanceof Operand
              ? address
              : mine instanceof Descriptor || mine instanceof Copied ? struct : !address && !struct;
      if (!fits || !mine.name().equals(theirs.name())) {
        throw error(
            "kernel "
                + kernel
                + " has '"
                + mine.name()
                + "' as parameter "
                + (i + 1)
                + (fits ? "" : ", of another kind")
                + ", but "
                + place
                + " has '"
                + theirs
                + "' there");
      }
      if (mine instanceof Value value) {
        typed.add(new Value(value.name(), theirs.type(), value.expression()));
      } else if (mine instanceof Argument argument) {
        typed.add(new Argument(argument.name(), theirs.type(), argument.addressOnly()));
      } else if (mine instanceof Copied copied) {
        typed.add(new Copied(copied.name(), struct(theirs), copied.flag()));
      } else if (mine instanceof Descriptor) {
        typed.add(new Descriptor("desc", struct(theirs)));
      } else {
        requireKnown(kernel, (Operand) mine, owner);
        typed.add(mine);
      }
    }
    return typed;
  }

  private static String struct(Header.Parameter pointer) {
    return pointer.type().substring("const ".length(), pointer.type().length() - 1);
  }

  private void requireKnown(String kernel, Operand operand, JavaClass owner) {
    boolean known = TYPES.contains(operand.type()) || operand.isStruct();
    if (!known && (owner == null || owner.field(operand.type()) == null)) {
      throw error(
          "kernel "
              + kernel
              + ": "
              + operand.name()
              + " is of type '"
              + operand.type()
              + "', which is neither one of "
              + TYPES
              + ", nor a struct, nor a field of its class");
    }
    if (owner != null && owner.field(operand.javaName()) != null) {
      throw error(
          "kernel "
              + kernel
              + ": the operand "
              + operand.javaName()
              + " has the name of a field of "
              + owner.name());
    }
  }
}
