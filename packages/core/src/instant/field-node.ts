import type { ValueKind } from "../schema/value-kind.ts";

/** Where the parser stands. Valid only during the call that hands it over: read what you need, keep no reference. */
export interface Cursor {
  /** The value's canonical path, `items[3].name`; the root's is `""`. Built on first read, once per value. */
  readonly path: string;
  /** The array indexes on the way to the value, outermost first. Built on first read, once per value. */
  readonly indexes: readonly number[];
  /** Characters of text before this point: an opened value's first character, a complete value's end, a delta's end. */
  readonly offset: number;
}

/**
 * One place of a reply, and who listens there. Nothing is paid for places without a node: return `undefined` for them.
 * All elements of an array may share one node. A listener must not push into the parser that calls it.
 */
export interface FieldNode {
  /** A value begins. Numbers, booleans and null are announced together with their completion: until then they are a guess. */
  readonly opened?: ((at: Cursor, kind: ValueKind) => void) | undefined;
  /** More of a string: at most one call for each pushed chunk; joined they are the value. Never half a surrogate pair. */
  readonly delta?: ((at: Cursor, text: string) => void) | undefined;
  /** The value is complete: plain JSON data, which belongs to the reply and is not to be changed. */
  readonly complete?: ((at: Cursor, value: unknown) => void) | undefined;
  /** Whether such a value may stand here. Asked only while a root is searched in prose. Left out: any may. */
  readonly expects?: ((kind: ValueKind) => boolean) | undefined;
  /**
   * Whether a string means nothing here until it is complete. Asked only while a root is searched in prose: in a candidate
   * that may be a sketch, such a value is waited for. @default false
   */
  readonly isAtomic?: boolean | undefined;
  /** The node of an object's key. Asked about once per node and name: the answer is remembered. */
  key(name: string): FieldNode | undefined;
  /** The node of an array's element. Asked for each element. */
  index(position: number): FieldNode | undefined;
}
