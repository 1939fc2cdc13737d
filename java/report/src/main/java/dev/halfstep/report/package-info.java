/**
 * Reports and figures of what was trained, planned or found: the files that the command line
 * writes, for any program.
 *
 * <pre>{@code
 * History history = trainer.fit();
 * Report.of(trainer, history).write(Path.of("report.json"));
 * CurvesFigure.of(history).writePng(Path.of("training_curves.png"));
 * }</pre>
 *
 * <p>A document is a record whose fields are those of its JSON file: {@link
 * dev.halfstep.report.Report} of a run, {@link dev.halfstep.report.PlanReport} of a run to come,
 * {@link dev.halfstep.report.RangeTestReport} of a search for the learning rate, {@link
 * dev.halfstep.report.StudyReport} of a comparison of batch sizes. What a trainer does not know,
 * such as the name of a file that the data came from, is a {@link
 * dev.halfstep.report.RunDescription}.
 *
 * <p>Figures need the module java.desktop and, for their texts, fonts of the system. They need no
 * screen: the JVM may run with {@code -Djava.awt.headless=true}. All else here works without
 * java.desktop, where the class path is used.
 */
@org.jspecify.annotations.NullMarked
package dev.halfstep.report;
