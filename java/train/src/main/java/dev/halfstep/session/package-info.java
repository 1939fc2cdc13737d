/**
 * Training steps of one model on one device, for callers who write their own loop: memory, plans,
 * data, and the steps themselves.
 */
@NullMarked
package dev.halfstep.session;

import org.jspecify.annotations.NullMarked;
