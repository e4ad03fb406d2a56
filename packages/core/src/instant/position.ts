import { keySegment } from "../schema/field-path.ts";
import type { Cursor } from "./field-node.ts";
import type { Slot, Step } from "./slot.ts";

/** An open object or array. Frames are reused: each keeps the one that was last opened inside it. */
export interface Frame {
  readonly parent: Frame | undefined;
  deeper: Frame | undefined;
  /** The nearest one around it of the other kind, an array for objects. */
  unlike: Frame | undefined;
  slot: Slot;
  /** The array, where it is one. */
  items: unknown[] | undefined;
  /** The object, where it is one. */
  fields: Record<string, unknown>;
  /** Complete elements, which is the index of the one that is open. */
  count: number;
  /** The key of the member that is open. */
  step: Step | undefined;
  /** Path of the child that is open, once somebody has asked. */
  path: string | undefined;
  /** Array indexes of the child that is open, once somebody has asked. */
  indexes: readonly number[] | undefined;
}

const nowhere: readonly number[] = [];

/** The scanner's one cursor: it stands at a child of `frame`, or at the root. */
export class Position implements Cursor {
  frame: Frame | undefined;
  offset = 0;

  get path(): string {
    const { frame } = this;
    return frame === undefined ? "" : (frame.path ?? pathIn(frame));
  }

  get indexes(): readonly number[] {
    const { frame } = this;
    return frame === undefined ? nowhere : (frame.indexes ?? indexesIn(frame));
  }
}

/** Builds the paths from the nearest ancestor that has one downward, each once. */
function pathIn(frame: Frame): string {
  let at = frame;
  while (at.parent !== undefined && at.parent.path === undefined) at = at.parent;
  let path = at.parent?.path ?? "";
  for (let next: Frame | undefined = at; next !== undefined; next = next.deeper) {
    const segment = next.items === undefined ? segmentOf(next.step) : `[${next.count}]`;
    path = path === "" && segment.startsWith(".") ? segment.slice(1) : path + segment;
    next.path = path;
    if (next === frame) break;
  }
  return path;
}

function segmentOf(step: Step | undefined): string {
  if (step === undefined) return "";
  step.segment ??= keySegment(step.key);
  return step.segment;
}

function indexesIn(frame: Frame): readonly number[] {
  let at = frame;
  while (at.parent !== undefined && at.parent.indexes === undefined) at = at.parent;
  let indexes = at.parent?.indexes ?? nowhere;
  for (let next: Frame | undefined = at; next !== undefined; next = next.deeper) {
    if (next.items !== undefined) indexes = [...indexes, next.count];
    next.indexes = indexes;
    if (next === frame) break;
  }
  return indexes;
}
