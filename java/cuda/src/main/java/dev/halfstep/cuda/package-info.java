/** The jar of the CUDA plug-in; it has no API of its own. */
package dev.halfstep.cuda;
