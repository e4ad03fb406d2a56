import { keySegment } from "../schema/field-path.ts";
import type { FieldNode } from "./field-node.ts";

/** Keys that one slot remembers; later ones are looked up again at each occurrence. */
const maxSteps = 64;

/** A key as seen at one place, with the key that followed it last time. */
export interface Step {
  readonly key: string;
  /** The key as part of a path: `.name` or `["a.b"]`. */
  readonly segment: string;
  /** The key that is expected next. */
  next: Step | undefined;
  /** The place of the key's value; found when a value first begins there. */
  slot: Slot | undefined;
}

/**
 * One place of a document as the scanner knows it: its node, and what was learned there. The keys of an object tend to
 * come in the order of the object before it, so the incoming text is compared with the key that is expected: a repeated
 * key costs no substring and no lookup. What is learned is bounded.
 */
export class Slot {
  readonly node: FieldNode | undefined;
  /** The key that objects at this place are expected to begin with. */
  first: Step | undefined;
  #steps: Map<string, Step> | undefined;
  #element: Slot | undefined;

  constructor(node: FieldNode | undefined) {
    this.node = node;
  }

  /** The step of a key that has been read in full. */
  step(key: string): Step {
    this.#steps ??= new Map();
    const known = this.#steps.get(key);
    if (known !== undefined) return known;
    const step: Step = { key, segment: keySegment(key), next: undefined, slot: undefined };
    if (this.#steps.size < maxSteps) this.#steps.set(key, step);
    return step;
  }

  /** Expects `step` after `before` from now on (at the beginning where there is none). Steps that were not kept are not learned. */
  learn(before: Step | undefined, step: Step): void {
    if (this.#steps?.get(step.key) !== step) return;
    if (before === undefined) this.first = step;
    else before.next = step;
  }

  /** The place of a key's value. */
  value(step: Step): Slot {
    step.slot ??= new Slot(this.node?.key(step.key));
    return step.slot;
  }

  /** The place of an element. Neighbours with the same node share it. */
  element(position: number): Slot {
    const node = this.node?.index(position);
    if (this.#element === undefined || this.#element.node !== node) this.#element = new Slot(node);
    return this.#element;
  }
}
