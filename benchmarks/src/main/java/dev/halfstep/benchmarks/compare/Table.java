package dev.halfstep.benchmarks.compare;

import java.util.ArrayList;
import java.util.List;

/** Rows of words under a heading, as Markdown or for a terminal. */
final class Table {
  private final List<List<String>> rows = new ArrayList<>();

  Table(String... heading) {
    rows.add(List.of(heading));
  }

  /** Adds a row, as wide as the heading. */
  Table row(List<String> cells) {
    if (cells.size() != rows.get(0).size()) {
      throw new IllegalArgumentException(cells + " does not fit under " + rows.get(0));
    }
    rows.add(List.copyOf(cells));
    return this;
  }

  /** Whether the table has no rows. */
  boolean isEmpty() {
    return rows.size() == 1;
  }

  /** The table as Markdown. */
  String markdown() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < rows.size(); i++) {
      List<String> row = rows.get(i);
      text.append("| ").append(String.join(" | ", row)).append(" |\n");
      if (i == 0) {
        text.append("|---".repeat(row.size())).append("|\n");
      }
    }
    return text.toString();
  }

  /** The table for a terminal: the first column aligned left, the others right. */
  String terminal() {
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      for (int column = 0; column < row.size(); column++) {
        String cell = row.get(column);
        String space = " ".repeat(width(column) - cell.length());
        text.append(column == 0 ? cell + space : "  " + space + cell);
      }
      text.append('\n');
    }
    return text.toString();
  }

  private int width(int column) {
    return rows.stream().mapToInt(row -> row.get(column).length()).max().orElse(0);
  }
}
