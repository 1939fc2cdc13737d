package generator;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The functions of {@code halfstep.h} that take a stream first. */
record Header(Path file, Map<String, Prototype> prototypes) {
  private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
  private static final Pattern PROTOTYPE =
      Pattern.compile("HS_API hs_status (hs_\\w+)\\(hs_stream stream,([^)]*)\\);");

  /** A parameter; {@code type} as in {@code const hs_matmul_desc*}. */
  record Parameter(String type, String name) {
    @Override
    public String toString() {
      return type + " " + name;
    }
  }

  /** A function with its parameters after the stream. */
  record Prototype(String name, List<Parameter> parameters, int line) {
    /** Whether one of them is an address. */
    boolean takesAddresses() {
      return parameters.stream().anyMatch(parameter -> parameter.type.equals("hs_ptr"));
    }
  }

  static Header read(Path file) throws IOException {
    // Comments become empty lines, so that line numbers stay right.
    String text =
        COMMENT
            .matcher(Files.readString(file))
            .replaceAll(comment -> comment.group().replaceAll("[^\n]", " "));
    Map<String, Prototype> prototypes = new LinkedHashMap<>();
    Matcher found = PROTOTYPE.matcher(text);
    while (found.find()) {
      List<Parameter> parameters = new ArrayList<>();
      for (String parameter : found.group(2).split(",")) {
        String words = parameter.trim().replaceAll("\\s+", " ");
        int last = words.lastIndexOf(' ');
        parameters.add(new Parameter(words.substring(0, last), words.substring(last + 1)));
      }
      int line = (int) text.substring(0, found.start()).chars().filter(c -> c == '\n').count() + 1;
      prototypes.put(found.group(1), new Prototype(found.group(1), parameters, line));
    }
    return new Header(file, prototypes);
  }
}
