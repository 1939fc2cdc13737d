/** Random numbers as a pure function of seed and position, equal on every machine. */
@NullMarked
package dev.halfstep.random;

import org.jspecify.annotations.NullMarked;
