/** Random numbers that are a function of seed and position, the same on every machine. */
@NullMarked
package dev.halfstep.random;

import org.jspecify.annotations.NullMarked;
