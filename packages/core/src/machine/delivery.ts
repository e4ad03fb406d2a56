import { SluiceError } from "../error/sluice-error.ts";
import type { Listener, Step, Steps, Up } from "../graph/routes.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import { unionOf } from "./claims.ts";
import type { JoinData, Part } from "./join-way.ts";
import { type Joins, isWaiting, keyOf, scopeOf, timerOf } from "./joins.ts";
import { type Lanes, rootLane } from "./lane.ts";

/** Where a signal has come to: a chunk's trigger. */
export type Target = Pick<Listener, "chunk" | "trigger" | "label" | "once">;

/** What comes of signals on their way. */
export interface Outcome {
  /** Whether a trigger starts its chunk no more in a lane. */
  readonly isSpent: (target: Target, lane: string) => boolean;
  /** A trigger fires. */
  readonly activate: (target: Target, arrival: Arrival) => void;
  /** A pipeline gets a payload. */
  readonly pipe: (step: Step, payload: unknown) => void;
  /** A join begins to wait, within its time; or waits no longer. */
  readonly wait: (timer: string, timeoutMs: number) => void;
  readonly unwait: (timer: string) => void;
  /** A payload cannot be taken where it has come to. */
  readonly refuse: (error: SluiceError, arrival: Arrival) => void;
}

interface Way {
  readonly target: Target;
  readonly up: Up;
}

const nothing = arrivalOf(undefined, rootLane, "");

/** Brings signals to the chunks that they trigger: at once, or through fan-outs, joins, races and pipelines. */
export class Delivery {
  readonly #lanes: Lanes;
  readonly #joins: Joins;
  readonly #outcome: Outcome;

  constructor(lanes: Lanes, joins: Joins, outcome: Outcome) {
    this.#lanes = lanes;
    this.#joins = joins;
    this.#outcome = outcome;
  }

  /** The signal itself first, in declaration order; then, item by item, those who take it apart, in a fan-out of this name. */
  deliver(listeners: readonly Listener[], arrival: Arrival, name: string): void {
    let spread: Way[] | undefined;
    for (const listener of listeners) {
      const { up } = listener;
      if (up === undefined) this.#outcome.activate(listener, arrival);
      else if (up.step.op === "each") (spread ??= []).push({ target: listener, up });
      else this.#rise({ target: listener, up }, arrival);
    }
    if (spread !== undefined) this.#spread(spread, arrival, name);
  }

  /** What comes out of an operator goes on its way. */
  proceed(step: Step, arrival: Arrival): void {
    this.#proceed(step, arrival, step);
  }

  /** What joins have been given back may fire, or wait, again. */
  again(joins: readonly JoinData[], steps: Steps): void {
    for (const join of joins) {
      const step = steps.get(join.step);
      if (step === undefined) continue;
      for (let parts = this.#joins.again(step, join); parts !== undefined; parts = this.#joins.again(step, join)) {
        this.#fire(step, parts, this.#present(latestOf(parts)?.arrival ?? nothing));
      }
      const { timedIn } = join;
      if (timedIn !== undefined && !isWaiting(join)) {
        this.#joins.unbind(join);
        this.#outcome.unwait(timerOf(join));
        this.#lanes.leave(timedIn);
      }
      const waiting = join.queues.flat()[0] ?? join.rounds.find(({ fired }) => !fired)?.parts[0];
      if (waiting !== undefined) this.#bound(step, join, this.#lanes.near(waiting.arrival.lane));
    }
  }

  /** What has waited in a join by a key comes in the root lane when its own is gone. */
  #present(arrival: Arrival): Arrival {
    const lane = this.#lanes.near(arrival.lane);
    return lane === arrival.lane ? arrival : { ...arrival, lane, indexes: nothing.indexes };
  }

  /** The time of a join is over. @returns what had come, and whose join it was; undefined when it waits no longer */
  expire(timer: string, stepOf: (id: string) => Step | undefined) {
    const join = this.#joins.timed(timer);
    const step = join && stepOf(join.step);
    if (join === undefined || step === undefined) return undefined;
    const parts = this.#joins.expire(join);
    return { step, lane: join.timedIn ?? rootLane, arrival: joined(step, parts, parts[0]?.arrival ?? nothing) };
  }

  #rise({ target, up }: Way, arrival: Arrival): void {
    const { step, slot } = up;
    if (step.op === "each") return this.#spread([{ target, up }], arrival, `${arrival.id}:${step.id}`);
    if (step.op === "rx") return this.#outcome.pipe(step, arrival.payload);
    // what starts nothing is not waited for either
    if (step.up === undefined && step.by === undefined && this.#outcome.isSpent(step, arrival.lane)) return;
    if (step.by !== undefined && keyOf(arrival.payload, step.by) === undefined) {
      return this.#refuse(step, arrival, `the payload of ${target.label} has no text or number at "${step.by}"`);
    }
    const timedIn = step.timeoutMs === undefined ? undefined : this.#joins.at(step, arrival)?.timedIn;
    const parts = this.#joins.take(step, slot, target.label, arrival);
    if (parts !== undefined) {
      this.#fire(step, parts, arrival);
      if (timedIn !== undefined) this.#unbound(step, arrival, timedIn);
    }
    if (step.timeoutMs !== undefined) this.#bound(step, this.#joins.at(step, arrival), arrival.lane);
  }

  /** A join has its parts. */
  #fire(step: Step, parts: readonly Part[], last: Arrival): void {
    if (step.op === "race") this.#proceed(step, last, parts[0] ?? step);
    else this.#proceed(step, joined(step, parts, last), step);
  }

  #proceed({ up, chunk, trigger, once }: Step, arrival: Arrival, { label }: { readonly label: string }): void {
    const target = { chunk, trigger, label, once };
    if (up === undefined) this.#outcome.activate(target, arrival);
    else this.#rise({ target, up }, arrival);
  }

  /** A lane for each item. All who listen to the same source share them. */
  #spread(ways: readonly Way[], arrival: Arrival, name: string): void {
    const { payload, lane } = arrival;
    const [first] = ways;
    if (first === undefined) return;
    if (!Array.isArray(payload)) return this.#refuse(first.up.step, arrival, "the payload is no array");
    const id = `${lane === rootLane ? "" : lane}/${name}`;
    const fan = this.#lanes.fan(id, lane, first.up.step.fan, arrival.claims);
    for (const { up } of ways) this.#lanes.fan(id, lane, up.step.fan);
    payload.forEach((item: unknown, index) => {
      const itemLane = this.#lanes.item(fan, index);
      const itemArrival: Arrival = {
        ...arrival,
        payload: item,
        lane: itemLane.id,
        path: `${arrival.path}[${index}]`,
        indexes: itemLane.indexes,
      };
      let deeper: Way[] | undefined;
      for (const { up } of ways) {
        const above = up.step.up;
        if (above?.step.op === "each") (deeper ??= []).push({ target: up.step, up: above });
        else this.#proceed(up.step, itemArrival, up.step);
      }
      if (deeper !== undefined) this.#spread(deeper, itemArrival, name);
      this.#lanes.close(itemLane);
    });
    this.#lanes.seal(fan);
  }

  #refuse({ label, where }: Step, arrival: Arrival, what: string): void {
    const mend = "Emit or return what the trigger needs, or change the trigger";
    this.#outcome.refuse(
      new SluiceError("payload-invalid", { what: `${label}: ${what}`, where, mend, retryable: false }),
      arrival,
    );
  }

  /** The time of a join runs from its first signal on. It counts in its lane: a lane with a deadline is not done. */
  #bound(step: Step, join: JoinData | undefined, lane: string): void {
    if (step.timeoutMs === undefined || join === undefined || join.timedIn !== undefined) return;
    if (!isWaiting(join)) return;
    join.timedIn = lane;
    this.#lanes.enter(lane);
    this.#outcome.wait(timerOf(join), step.timeoutMs);
  }

  #unbound(step: Step, arrival: Arrival, timedIn: string): void {
    const join = this.#joins.at(step, arrival);
    if (join !== undefined) this.#joins.unbind(join);
    this.#outcome.unwait(timerOf({ step: step.id, scope: scopeOf(step, arrival) }));
    this.#lanes.leave(timedIn);
  }
}

function latestOf(parts: readonly Part[]): Part | undefined {
  return parts.toSorted((one, other) => one.order - other.order).at(-1);
}

/** The signal that a join gives. Parts of several lanes, which only a key brings together, meet in the root lane. */
function joined({ op }: Step, parts: readonly Part[], last: Arrival): Arrival {
  const arrivals = parts.map(({ arrival }) => arrival);
  const values = arrivals.map(({ payload }) => payload);
  const isInOne = arrivals.every(({ lane }) => lane === last.lane);
  return {
    ...last,
    payload: op === "quorum" ? { fired: parts.map(({ label }) => label), values } : values,
    ...(!isInOne && { lane: rootLane, indexes: nothing.indexes }),
    answers: arrivals.some(({ answers }) => answers),
    claims: unionOf(arrivals.map(({ claims }) => claims)),
  };
}
