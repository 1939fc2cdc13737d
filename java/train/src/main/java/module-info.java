/** Trainer, losses, optimizers, schedules, checkpoints and batch-size studies. */
module dev.halfstep.train {
  exports dev.halfstep.data;

  requires transitive dev.halfstep;
  requires org.slf4j;
  requires static org.jspecify;
}
