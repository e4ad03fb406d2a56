import type { FieldNode } from "./field-node.ts";

/** Keys that one slot remembers; later ones are looked up again at each occurrence. */
const maxSteps = 64;
/** As many are compared one by one, which is faster than a map and needs none. */
const fewSteps = 8;

/** A key as seen at one place, with the key that followed it last time. */
export interface Step {
  readonly key: string;
  /** The key as part of a path, `.name` or `["a.b"]`, once somebody has asked. */
  segment: string | undefined;
  /** Whether it is `__proto__`, which an assignment would not make a property. */
  readonly isProto: boolean;
  /** Whether its slot remembers it. */
  readonly isKept: boolean;
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
  /** The keys that came first, and those that came later. */
  #few: Step[] | undefined;
  #more: Map<string, Step> | undefined;
  #element: Slot | undefined;

  constructor(node: FieldNode | undefined) {
    this.node = node;
  }

  /** The step of a key that has been read in full. */
  step(key: string): Step {
    this.#few ??= [];
    const few = this.#few;
    for (let at = 0; at < few.length; at += 1) {
      const step = few[at];
      if (step?.key === key) return step;
    }
    const known = this.#more?.get(key);
    if (known !== undefined) return known;
    const isKept = few.length + (this.#more?.size ?? 0) < maxSteps;
    const step: Step = {
      key,
      segment: undefined,
      isKept,
      isProto: key === "__proto__",
      next: undefined,
      slot: undefined,
    };
    if (few.length < fewSteps) few.push(step);
    else if (isKept) (this.#more ??= new Map()).set(key, step);
    return step;
  }

  /** Expects `step` after `before` from now on (at the beginning where there is none). Steps that were not kept are not learned. */
  learn(before: Step | undefined, step: Step): void {
    if (!step.isKept) return;
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
