/**
 * Bindings of Halfstep's C ABI, generated from {@code halfstep.h} by JavaCPP.
 *
 * <p>Unchecked: a wrong address ends the JVM. Use {@code dev.halfstep} unless you write a layer
 * below it.
 */
package dev.halfstep.bindings;
