/**
 * Schedules of learning rate and batch size, fixed in advance or driven by measurements during the
 * run.
 */
@NullMarked
package dev.halfstep.schedule;

import org.jspecify.annotations.NullMarked;
