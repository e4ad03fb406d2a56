/** The name of the lane that an execution starts in. */
export const rootLane = "/";

/** The correlation scope of signals: an item of a fan-out, or the root. */
export interface Lane {
  readonly id: string;
  /** The lane above; the root has none. */
  readonly parent: string | undefined;
  /** Activations that are queued or running in it, and lanes below that are not done. */
  count: number;
  /** Whether its source can still bring something in. */
  open: boolean;
}

/** The lanes of one execution. Bookkeeping costs O(1) a signal. A lane is forgotten when it is done. */
export class Lanes {
  readonly #lanes: Map<string, Lane>;

  constructor(lanes: readonly Lane[] = [{ id: rootLane, parent: undefined, count: 0, open: false }]) {
    this.#lanes = new Map(lanes.map((lane) => [lane.id, { ...lane }]));
  }

  /** The lane under `parent`, made when it is not there. It counts in its parent until it is done. */
  ensure(id: string, parent: string): void {
    if (this.#lanes.has(id)) return;
    this.#lanes.set(id, { id, parent, count: 0, open: true });
    this.enter(parent);
  }

  /** Something begins in the lane. */
  enter(id: string): void {
    const lane = this.#lanes.get(id);
    if (lane !== undefined) lane.count += 1;
  }

  /** Something in the lane has ended. */
  leave(id: string): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined) return;
    lane.count -= 1;
    this.#settle(lane);
  }

  /** Nothing more comes into the lane from its source. */
  close(id: string): void {
    const lane = this.#lanes.get(id);
    if (lane === undefined || !lane.open) return;
    lane.open = false;
    this.#settle(lane);
  }

  /** Whether nothing is unfinished in the whole execution. */
  get quiet(): boolean {
    return this.#lanes.get(rootLane)?.count === 0;
  }

  /** The lanes that are not done, as plain data. */
  list(): Lane[] {
    return [...this.#lanes.values()].map((lane) => ({ ...lane }));
  }

  #settle(lane: Lane): void {
    if (lane.count > 0 || lane.open || lane.parent === undefined) return;
    this.#lanes.delete(lane.id);
    this.leave(lane.parent);
  }
}
