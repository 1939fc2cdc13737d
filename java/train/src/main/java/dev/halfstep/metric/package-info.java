/** What an epoch of training is judged by, and the records of it. */
@NullMarked
package dev.halfstep.metric;

import org.jspecify.annotations.NullMarked;
