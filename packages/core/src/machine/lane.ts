/** The name of the lane that an execution starts in. */
export const rootLane = "/";

/** The correlation scope of signals: the root, an item of a fan-out, or one signal of an event that opens lanes. */
export interface Lane {
  readonly id: string;
  /** The lane above; the root has none. */
  readonly parent: string | undefined;
  /** The fan-out that it is an item of, and which one. */
  readonly fan: string | undefined;
  readonly index: number;
  /** Its positions in the fan-outs on the way, outermost first. */
  readonly indexes: readonly number[];
  /** Activations that are queued or running in it, and lanes and fan-outs below that are not done. */
  count: number;
  /** Whether its source can still bring something in. */
  open: boolean;
}

/** One opening of lanes, one for each item of an array. It counts in the lane above until all its lanes are done. */
export interface Fan {
  readonly id: string;
  /** Which fan-outs of the graph it is: two patterns or triggers may take the same array apart. */
  readonly sources: string[];
  /** The lane above. */
  readonly lane: string;
  /** How many lanes are not done. */
  undone: number;
  /** The highest position that has a lane, plus one. */
  size: number;
  /** Whether more items can come. */
  open: boolean;
  /** Its source broke off: nothing is gathered. */
  broken: boolean;
  /** By chunk, what it returned last in each lane; sparse. */
  readonly values: Map<number, unknown[]>;
}

/** A fan-out as plain data. */
export type FanData = Omit<Fan, "values"> & {
  readonly values: readonly (readonly [
    chunk: number,
    returned: readonly (readonly [index: number, value: unknown])[],
  ])[];
};

/** Hears of a lane that is done, and of a fan-out whose lanes all are, while the lane above is not. */
type OnDone = (done: Lane | Fan) => void;

const nowhere: readonly number[] = [];

/** The lanes of one execution. Bookkeeping costs O(1) a signal. A lane is forgotten when it is done. */
export class Lanes {
  /** All but the root: most executions have no other. */
  #below: Map<string, Lane> | undefined;
  #open: Map<string, Fan> | undefined;
  readonly #onDone: OnDone;
  readonly #root: Lane = {
    id: rootLane,
    parent: undefined,
    fan: undefined,
    index: 0,
    indexes: nowhere,
    count: 0,
    open: false,
  };

  constructor(onDone: OnDone) {
    this.#onDone = onDone;
  }

  get #lanes(): Map<string, Lane> {
    return (this.#below ??= new Map());
  }

  get #fans(): Map<string, Fan> {
    return (this.#open ??= new Map());
  }

  /** A lane under `parent`, in which it counts until it is done. */
  open(id: string, parent: string): Lane {
    const indexes = this.indexesOf(parent);
    const lane: Lane = { id, parent, fan: undefined, index: 0, indexes, count: 0, open: true };
    this.#lanes.set(id, lane);
    this.enter(parent);
    return lane;
  }

  /** The fan-out under a lane, made when it is not there. */
  fan(id: string, lane: string, source: string): Fan {
    const known = this.#fans.get(id);
    if (known !== undefined) {
      if (!known.sources.includes(source)) known.sources.push(source);
      return known;
    }
    const fan: Fan = { id, sources: [source], lane, undone: 0, size: 0, open: true, broken: false, values: new Map() };
    this.#fans.set(id, fan);
    this.enter(lane);
    return fan;
  }

  /** Whether items can still come into a fan-out. */
  isOpen(id: string): boolean {
    return this.#open?.get(id)?.open === true;
  }

  /** The lane of an item, made when it is not there. */
  item(fan: Fan, index: number): Lane {
    const id = `${fan.id}[${index}]`;
    const known = index < fan.size ? this.#lanes.get(id) : undefined;
    if (known !== undefined) return known;
    const indexes = [...this.indexesOf(fan.lane), index];
    const lane: Lane = { id, parent: fan.lane, fan: fan.id, index, indexes, count: 0, open: true };
    this.#lanes.set(id, lane);
    fan.undone += 1;
    fan.size = Math.max(fan.size, index + 1);
    return lane;
  }

  /** The positions of a lane in the fan-outs on the way, outermost first. */
  indexesOf(id: string): readonly number[] {
    return this.#laneOf(id)?.indexes ?? nowhere;
  }

  /** Something begins in the lane. */
  enter(id: string): void {
    const lane = this.#laneOf(id);
    if (lane !== undefined) lane.count += 1;
  }

  /** Something in the lane has ended. */
  leave(id: string): void {
    const lane = this.#laneOf(id);
    if (lane === undefined) return;
    lane.count -= 1;
    if (lane.count === 0 && lane !== this.#root) this.#settle(lane);
  }

  /** Nothing more comes into the lane from its source. */
  close(lane: Lane | undefined): void {
    if (lane === undefined || !lane.open) return;
    lane.open = false;
    this.#settle(lane);
  }

  /** Nothing more comes into the fan-out or its lanes; `broken`: because its source failed. */
  closeFan(id: string, broken = false): void {
    const fan = this.#fans.get(id);
    if (fan === undefined || !fan.open) return;
    fan.broken = broken;
    for (let index = 0; fan.undone > 0 && index < fan.size; index += 1) {
      this.close(this.#lanes.get(`${id}[${index}]`));
    }
    this.seal(fan);
  }

  /** Nothing more comes into the fan-out, whose lanes are all closed. */
  seal(fan: Fan): void {
    if (!fan.open) return;
    fan.open = false;
    this.#finish(fan);
  }

  /** Keeps what a chunk returned, for those who gather it. */
  keep(id: string, chunk: number, value: unknown): void {
    const lane = this.#lanes.get(id);
    const fan = lane?.fan === undefined ? undefined : this.#fans.get(lane.fan);
    if (lane === undefined || fan === undefined) return;
    const values = fan.values.get(chunk);
    if (values === undefined) {
      const first: unknown[] = [];
      first[lane.index] = value;
      fan.values.set(chunk, first);
    } else values[lane.index] = value;
  }

  /** Whether nothing is unfinished in the whole execution. */
  get quiet(): boolean {
    return this.#root.count === 0;
  }

  /** What is not done, as plain data. */
  list(): { readonly lanes: Lane[]; readonly fans: FanData[] } {
    const fans = [...this.#fans.values()].map(({ values, ...fan }) => ({
      ...fan,
      sources: [...fan.sources],
      values: [...values].map(([chunk, returned]) => [chunk, presentIn(returned)] as const),
    }));
    return { lanes: [this.#root, ...this.#lanes.values()].map((lane) => ({ ...lane })), fans };
  }

  /** Takes over what was listed. */
  restore({ lanes, fans }: ReturnType<Lanes["list"]>): void {
    for (const lane of lanes) if (lane.id !== rootLane) this.#lanes.set(lane.id, { ...lane });
    this.#root.count = lanes.find(({ id }) => id === rootLane)?.count ?? 0;
    for (const { values, ...fan } of fans) {
      const sparse = values.map(([chunk, returned]) => {
        const list: unknown[] = [];
        for (const [index, value] of returned) list[index] = value;
        return [chunk, list] as const;
      });
      this.#fans.set(fan.id, { ...fan, sources: [...fan.sources], values: new Map(sparse) });
    }
  }

  #laneOf(id: string): Lane | undefined {
    return id === rootLane ? this.#root : this.#below?.get(id);
  }

  #settle(lane: Lane): void {
    if (lane.count > 0 || lane.open || lane.parent === undefined) return;
    this.#lanes.delete(lane.id);
    this.#onDone(lane);
    if (lane.fan === undefined) return this.leave(lane.parent);
    const fan = this.#fans.get(lane.fan);
    if (fan === undefined) return;
    fan.undone -= 1;
    this.#finish(fan);
  }

  #finish(fan: Fan): void {
    if (fan.undone > 0 || fan.open) return;
    this.#fans.delete(fan.id);
    if (!fan.broken) this.#onDone(fan);
    this.leave(fan.lane);
  }
}

/** The positions of a sparse list that are there, with their values. */
export function presentIn(list: readonly unknown[]): readonly (readonly [index: number, value: unknown])[] {
  const present: (readonly [number, unknown])[] = [];
  list.forEach((value, index) => present.push([index, value])); // which leaves holes out
  return present;
}
