package dev.halfstep.cli;

import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Converts the texts of options to numbers. */
final class NumberConverters {
  private NumberConverters() {}

  /** Registers the converters, whose messages say what is wrong with a number. */
  static CommandLine register(CommandLine line) {
    ITypeConverter<Integer> whole =
        text -> number(text, "a whole number up to 2147483647", Integer::valueOf);
    ITypeConverter<Long> longWhole =
        text -> number(text, "a whole number of at most 63 bits", Long::valueOf);
    ITypeConverter<Double> real = text -> number(text, "a number", Double::valueOf);
    line.registerConverter(int.class, whole).registerConverter(Integer.class, whole);
    line.registerConverter(long.class, longWhole).registerConverter(Long.class, longWhole);
    line.registerConverter(double.class, real).registerConverter(Double.class, real);
    return line;
  }

  private static <T> T number(String text, String kind, Function<String, T> parse) {
    try {
      return parse.apply(text.strip());
    } catch (NumberFormatException e) {
      throw new TypeConversionException("'" + text + "' is not " + kind);
    }
  }
}
