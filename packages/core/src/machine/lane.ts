import type { Claims, IsTakenBack } from "./claims.ts";
import { type Fan, type FanData, presentIn } from "./fan.ts";

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
  /** It is done, and kept: what was taken back may come again. */
  done: boolean;
}

/** Who hears of lanes. */
export interface LaneListener {
  /** A lane is done for good. */
  readonly forgotten: (lane: string) => void;
  /** All lanes of a fan-out are done, while the lane above is not. @returns the claim of what is gathered, if it can be taken back */
  readonly gather: (fan: Fan) => string | undefined;
  /** What was gathered is not all that there is: it is taken back. */
  readonly outdated: (gathered: string, fan: Fan) => void;
  /** Whether any of these can still be taken back. */
  readonly isOpen: (claims: Claims) => boolean;
}

const nowhere: readonly number[] = [];
const none: readonly never[] = [];

/**
 * The lanes of one execution. Bookkeeping costs O(1) a signal. A lane is forgotten when it is done; those of a fan-out that
 * can be taken back are kept until it is confirmed, and begin again when something comes into them.
 */
export class Lanes {
  /** All but the root: most executions have no other. */
  #below: Map<string, Lane> | undefined;
  #open: Map<string, Fan> | undefined;
  /** The fan-outs that can be taken back. */
  #provisional: Set<Fan> | undefined;
  readonly #listener: LaneListener;
  readonly #root: Lane = {
    id: rootLane,
    parent: undefined,
    fan: undefined,
    index: 0,
    indexes: nowhere,
    count: 0,
    open: false,
    done: false,
  };

  constructor(listener: LaneListener) {
    this.#listener = listener;
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
    const lane: Lane = { id, parent, fan: undefined, index: 0, indexes, count: 0, open: true, done: false };
    this.#lanes.set(id, lane);
    this.enter(parent);
    return lane;
  }

  /** The fan-out under a lane, made when it is not there, because of what can be taken back. */
  fan(id: string, lane: string, source: string, claims?: Claims): Fan {
    const known = this.#fans.get(id);
    if (known !== undefined) {
      if (!known.sources.includes(source)) known.sources.push(source);
      return known;
    }
    const fan: Fan = {
      id,
      sources: [source],
      lane,
      undone: 0,
      size: 0,
      open: true,
      broken: false,
      values: new Map(),
      returned: undefined,
      claims,
      finished: false,
      gathered: undefined,
      awaited: [],
    };
    this.#fans.set(id, fan);
    if (claims !== undefined) (this.#provisional ??= new Set()).add(fan);
    this.enter(lane);
    return fan;
  }

  /** How many items a fan-out has had. */
  sizeOf(id: string): number {
    return this.#open?.get(id)?.size ?? 0;
  }

  /** The lane of an item, made when it is not there. */
  item(fan: Fan, index: number): Lane {
    const id = `${fan.id}[${index}]`;
    const known = index < fan.size ? this.#lanes.get(id) : undefined;
    if (known !== undefined) return known;
    const indexes = [...this.indexesOf(fan.lane), index];
    const lane: Lane = { id, parent: fan.lane, fan: fan.id, index, indexes, count: 0, open: true, done: false };
    this.#lanes.set(id, lane);
    fan.size = Math.max(fan.size, index + 1);
    this.#begin(fan);
    return lane;
  }

  /** The positions of a lane in the fan-outs on the way, outermost first. */
  indexesOf(id: string): readonly number[] {
    return this.#laneOf(id)?.indexes ?? nowhere;
  }

  /** Something begins in the lane. */
  enter(id: string): void {
    const lane = this.#laneOf(id);
    if (lane === undefined) return;
    lane.count += 1;
    if (!lane.done) return;
    lane.done = false;
    const fan = this.#fans.get(lane.fan ?? "");
    if (fan !== undefined) this.#begin(fan);
  }

  /** A lane, or the root where that is gone. */
  near(id: string): string {
    return this.#laneOf(id) === undefined ? rootLane : id;
  }

  /** Enters a lane, or the root where that is gone. @returns the one that is to be left */
  hold(id: string): string {
    const lane = this.near(id);
    this.enter(lane);
    return lane;
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
  keep(id: string, chunk: number, value: unknown, claims: Claims | undefined): void {
    const lane = this.#below?.get(id);
    const fan = lane?.fan === undefined ? undefined : this.#fans.get(lane.fan);
    if (lane === undefined || fan === undefined) return;
    if (claims !== undefined) fan.returned ??= [];
    if (fan.returned !== undefined) {
      (this.#provisional ??= new Set()).add(fan);
      return void fan.returned.push({ chunk, index: lane.index, value, claims });
    }
    const values = fan.values.get(chunk);
    if (values === undefined) {
      const first: unknown[] = [];
      first[lane.index] = value;
      fan.values.set(chunk, first);
    } else values[lane.index] = value;
  }

  /** The claims of what was gathered of values that are taken back. */
  outdatedBy(goes: IsTakenBack): readonly string[] {
    if (this.#provisional === undefined) return none;
    return this.#takeable().flatMap(({ gathered, returned = none }) =>
      gathered !== undefined && returned.some(({ claims }) => goes(claims)) ? [gathered] : [],
    );
  }

  /** What follows from claims is taken back: fan-outs go, values are forgotten, and what was gathered of these is to be gathered again. */
  takeBack(goes: IsTakenBack, replies: readonly string[]): void {
    for (const fan of this.#takeable()) {
      if (this.#provisional?.has(fan) !== true) continue; // it went with one before
      if (goes(fan.claims)) this.#discard(fan);
      else if (fan.returned?.some(({ claims }) => goes(claims)) === true) {
        fan.returned = fan.returned.filter(({ claims }) => !goes(claims));
        fan.gathered = undefined; // it went with what it was made of
        if (fan.finished) this.#reopen(fan, replies);
      }
    }
  }

  /** A fan-out is not there any more: what was gathered of it is taken back. */
  discard(id: string): void {
    const fan = this.#fans.get(id);
    if (fan === undefined) return;
    if (fan.gathered !== undefined) this.#listener.outdated(fan.gathered, fan);
    this.#discard(fan);
  }

  /** A reply is over: what can be taken back no more is let go when it is done. */
  confirm(reply: string): void {
    for (const fan of this.#takeable()) {
      if (this.#provisional?.has(fan) !== true) continue;
      const at = fan.awaited.indexOf(reply);
      if (at >= 0) fan.awaited.splice(at, 1);
      if (at >= 0 && fan.awaited.length === 0) this.seal(fan);
      if (fan.claims === undefined || this.#listener.isOpen(fan.claims)) continue;
      fan.claims = undefined;
      if (fan.finished) this.#forget(fan);
      else for (const lane of this.#lanesOf(fan)) if (lane.done) this.#drop(lane);
      if (fan.returned === undefined || fan.finished) this.#provisional?.delete(fan);
    }
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
      awaited: [...fan.awaited],
      returned: fan.returned && [...fan.returned],
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
      const own: Fan = {
        ...fan,
        sources: [...fan.sources],
        awaited: [...fan.awaited],
        returned: fan.returned && [...fan.returned],
        values: new Map(sparse),
      };
      this.#fans.set(fan.id, own);
      if (own.claims !== undefined || own.returned !== undefined) (this.#provisional ??= new Set()).add(own);
    }
  }

  /** The fan-outs that can be taken back, in the order of their making, which a snapshot keeps. */
  #takeable(): readonly Fan[] {
    const provisional = [...(this.#provisional ?? none)];
    if (provisional.length < 2) return provisional;
    return [...this.#fans.values()].filter((fan) => this.#provisional?.has(fan) === true);
  }

  #laneOf(id: string): Lane | undefined {
    return id === rootLane ? this.#root : this.#below?.get(id);
  }

  /** A lane of the fan-out begins, or begins again. What has been gathered of it is not all, then. */
  #begin(fan: Fan): void {
    fan.undone += 1;
    if (fan.finished) this.#reopen(fan, none);
  }

  /** A fan-out that was finished is so no more. */
  #reopen(fan: Fan, awaited: readonly string[]): void {
    fan.finished = false;
    if (awaited.length > 0) {
      fan.open = true;
      fan.awaited.push(...awaited.filter((reply) => !fan.awaited.includes(reply)));
    }
    this.enter(fan.lane);
    const { gathered } = fan;
    fan.gathered = undefined;
    if (gathered !== undefined) this.#listener.outdated(gathered, fan);
  }

  #settle(lane: Lane): void {
    if (lane.count > 0 || lane.open || lane.parent === undefined) return;
    const fan = lane.fan === undefined ? undefined : this.#fans.get(lane.fan);
    if (fan?.claims === undefined) this.#drop(lane);
    else lane.done = true;
    if (lane.fan === undefined) return this.leave(lane.parent);
    if (fan === undefined) return;
    fan.undone -= 1;
    this.#finish(fan);
  }

  #finish(fan: Fan): void {
    if (fan.undone > 0 || fan.open || fan.finished) return;
    if (fan.claims !== undefined) fan.finished = true;
    else this.#remove(fan);
    if (!fan.broken) fan.gathered = this.#listener.gather(fan);
    this.leave(fan.lane);
  }

  /** The fan-out has been taken back: nothing is gathered of it. What happens in its lanes as a fact goes on there. */
  #discard(fan: Fan): void {
    fan.claims = undefined;
    this.#provisional?.delete(fan);
    if (fan.finished) return this.#forget(fan);
    for (const lane of this.#lanesOf(fan)) if (lane.done) this.#drop(lane);
    fan.broken = true;
    this.closeFan(fan.id, true);
  }

  #remove(fan: Fan): void {
    this.#fans.delete(fan.id);
    if (fan.returned !== undefined) this.#provisional?.delete(fan);
  }

  /** A fan-out that was kept is let go. */
  #forget(fan: Fan): void {
    this.#remove(fan);
    this.#provisional?.delete(fan);
    for (const lane of this.#lanesOf(fan)) this.#drop(lane);
  }

  #drop(lane: Lane): void {
    this.#lanes.delete(lane.id);
    this.#listener.forgotten(lane.id);
  }

  /** The lanes of a fan-out that are there. */
  *#lanesOf({ id, size }: Fan): Generator<Lane> {
    for (let index = 0; index < size; index += 1) {
      const lane = this.#lanes.get(`${id}[${index}]`);
      if (lane !== undefined) yield lane;
    }
  }
}
