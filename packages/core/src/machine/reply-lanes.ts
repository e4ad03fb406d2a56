import type { FieldListener } from "../graph/routes.ts";
import { lanePaths } from "../graph/routes.ts";
import type { EntryOf } from "./entry.ts";
import { type Lanes, rootLane } from "./lane.ts";

type Opened = readonly (readonly [string, readonly string[]])[];

/** The lanes that open replies have opened: one for each item of each array that somebody listens into. */
export class ReplyLanes {
  readonly #lanes: Lanes;
  /** By activation and reply. */
  readonly #opened: Map<string, Set<string>>;

  constructor(lanes: Lanes, opened: Opened = []) {
    this.#lanes = lanes;
    this.#opened = new Map(opened.map(([key, ids]) => [key, new Set(ids)]));
  }

  /** The lane of a field: a fan-out belongs to the reply, so all who listen to item i share its lane. */
  laneOf(entry: EntryOf<unknown, "field:complete">, { fansOut }: FieldListener): string {
    const { activationId, replyId, field, lane } = entry;
    let below = lane;
    for (const path of lanePaths(field, fansOut)) {
      const id = `${lane === rootLane ? "" : lane}/${replyId}:${path}`;
      this.#lanes.ensure(id, below);
      const key = `${activationId} ${replyId}`;
      const opened = this.#opened.get(key);
      if (opened === undefined) this.#opened.set(key, new Set([id]));
      else opened.add(id);
      below = id;
    }
    return below;
  }

  /** Nothing more comes from a reply. */
  close(activationId: string, replyId: string): void {
    this.#close(`${activationId} ${replyId}`);
  }

  /** Nothing more comes from any reply of an activation. */
  closeAll(activationId: string): void {
    for (const key of this.#opened.keys()) if (key.startsWith(`${activationId} `)) this.#close(key);
  }

  /** What is open, as plain data. */
  list(): Opened {
    return [...this.#opened].map(([key, ids]) => [key, [...ids]] as const);
  }

  #close(key: string): void {
    const ids = this.#opened.get(key);
    if (ids === undefined) return;
    this.#opened.delete(key);
    for (const id of ids) this.#lanes.close(id);
  }
}
