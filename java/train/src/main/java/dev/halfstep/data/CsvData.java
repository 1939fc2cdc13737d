package dev.halfstep.data;

import java.util.List;

/**
 * A CSV file as training and test data.
 *
 * @param parts the rows in shuffled order; features are the inputs {@code F32 [inputs]} made from
 *     the columns, targets are labels or standardised numbers of shape [1]
 * @param schema describes how to read further rows for a model that is trained on these
 * @param filled how many missing values were filled in
 * @param doubts what may have been misunderstood
 */
public record CsvData(Split parts, CsvSchema schema, int filled, List<CsvDoubt> doubts) {
  /** Copies the doubts. */
  public CsvData {
    doubts = List.copyOf(doubts);
  }

  /** A description of how the file was read, for people. */
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
