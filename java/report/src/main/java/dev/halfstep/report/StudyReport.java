package dev.halfstep.report;

import dev.halfstep.study.BatchSizeStudy;
import java.util.List;

/**
 * The result of a comparison of batch sizes: the document of {@code halfstep study}.
 *
 * @param data what was trained on
 * @param model what was trained
 * @param seeds runs of each batch size
 * @param rows one for each batch size
 */
public record StudyReport(
    int schema,
    String halfstep,
    String data,
    String model,
    int seeds,
    List<BatchSizeStudy.Row> rows)
    implements JsonDocument {

  /**
   * The report of a study.
   *
   * @param data a name for what was trained on
   * @param model a name for what was trained
   */
  public static StudyReport of(
      BatchSizeStudy study, BatchSizeStudy.Result result, String data, String model) {
    return new StudyReport(
        Report.SCHEMA, HalfstepVersion.current(), data, model, study.seeds(), result.rows());
  }
}
