/** A user's module: it names Halfstep, not its native libraries. */
module dev.halfstep.consumer {
  requires dev.halfstep.bindings;
  requires dev.halfstep.train;
}
