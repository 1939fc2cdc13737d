package dev.halfstep.data;

import java.util.List;

/**
 * A CSV file as data to train on and to test with.
 *
 * @param parts the rows in shuffled order, features {@code F32 [inputs]} already made of the
 *     columns, targets labels or standardised numbers of shape [1]
 * @param schema what is needed to read further rows for a model that is trained on these
 * @param filled how many missing values were filled in
 * @param doubts what may not be what it was taken for
 */
public record CsvData(Split parts, CsvSchema schema, int filled, List<CsvDoubt> doubts) {
  /** Copies the doubts. */
  public CsvData {
    doubts = List.copyOf(doubts);
  }

  /** For people: how the file was read. */
  public String described() {
    List<CsvColumn> texts = schema.columns().stream().filter(CsvColumn::ofTexts).toList();
    int categories = texts.stream().mapToInt(CsvColumn::inputs).sum();
    CsvTarget target = schema.target();
    return (parts.train().size() + parts.heldOut().size())
        + " samples of "
        + schema.columns().size()
        + " columns"
        + (texts.isEmpty() ? "" : " (" + texts.size() + " of texts, " + categories + " categories)")
        + (schema.header() ? ", header" : ", no header")
        + ", separator "
        + CsvSeparator.named(schema.separator())
        + (target.ofNumbers() ? ", target " : ", label ")
        + DataException.quoted(target.name())
        + (target.ofNumbers()
            ? " of mean " + (float) target.mean() + " and deviation " + (float) target.std()
            : ", " + target.classes().size() + " classes")
        + (filled > 0 ? ", " + filled + " missing values filled in" : "");
  }
}
