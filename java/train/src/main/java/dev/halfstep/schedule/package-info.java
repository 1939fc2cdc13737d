/** Learning rates and batch sizes over the steps of a run, and what changes them as it goes on. */
@NullMarked
package dev.halfstep.schedule;

import org.jspecify.annotations.NullMarked;
