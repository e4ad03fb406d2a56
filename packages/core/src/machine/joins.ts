import type { Step, Steps } from "../graph/routes.ts";
import type { Arrival } from "./arrival.ts";
import type { Claims, IsTakenBack } from "./claims.ts";
import { type JoinData, type Part, isProvisional, joinWay, makeFirm } from "./join-way.ts";

/** The joins of one execution that wait for something. */
export class Joins {
  /** By scope, then by step. */
  #joins: Map<string, Map<string, JoinData>> | undefined;
  /** Those that have had something that can be taken back. */
  #provisional: Set<JoinData> | undefined;

  get #open(): Map<string, Map<string, JoinData>> {
    return (this.#joins ??= new Map());
  }

  /** A signal comes to a join. @returns the parts that fire now, in the order of the payload; undefined when some are missing */
  take(step: Step, slot: number, label: string, arrival: Arrival): readonly Part[] | undefined {
    const join = this.#join(step, scopeOf(step, arrival));
    if (arrival.claims !== undefined) (this.#provisional ??= new Set()).add(join);
    join.count += 1;
    const fired = joinWay(step).take(join, step, { slot, label, arrival, order: join.count });
    if (fired !== undefined) this.#fire(join, fired);
    else if (isEmpty(join)) this.#forget(join);
    return fired;
  }

  /** What follows from claims is taken back; the rest of what had fired with it is given back. @returns whose that was */
  takeBack(goes: IsTakenBack, steps: Steps): readonly JoinData[] {
    const touched: JoinData[] = [];
    for (const join of this.#takeable()) {
      const step = steps.get(join.step);
      const isGone = ({ arrival }: Part): boolean => goes(arrival.claims);
      if (step === undefined || !partsOf(join).some(isGone)) continue;
      joinWay(step).takeBack(join, isGone, step);
      for (let at = join.fired.length - 1; at >= 0; at -= 1) {
        if (join.fired[at]?.some(isGone) === true) join.fired.splice(at, 1);
      }
      touched.push(join);
      this.#leave(join);
    }
    return touched;
  }

  /** The join of a step in a scope; undefined when it knows nothing. */
  find({ scope, step }: Pick<JoinData, "scope" | "step">): JoinData | undefined {
    return this.#joins?.get(scope)?.get(step);
  }

  /** What has been given back may fire again. @returns the parts that fire */
  again(step: Step, join: JoinData): readonly Part[] | undefined {
    const fired = joinWay(step).again(join, step);
    if (fired !== undefined) this.#fire(join, fired);
    return fired;
  }

  /** Some can be taken back no more: what would be needed for that is let go. */
  confirm(isOpen: (claims: Claims) => boolean, steps: Steps): void {
    for (const join of this.#takeable()) {
      const step = steps.get(join.step);
      if (step === undefined) continue;
      makeFirm(join, isOpen);
      joinWay(step).confirm(join, step);
      if (!partsOf(join).some(isProvisional)) this.#provisional?.delete(join);
      this.#leave(join);
    }
  }

  /** A join has no deadline any more. */
  unbind(join: JoinData): void {
    join.timedIn = undefined;
    this.#leave(join);
  }

  /** The join that a signal belongs to; undefined when nothing waits there. */
  at(step: Step, arrival: Arrival): JoinData | undefined {
    return this.#open.get(scopeOf(step, arrival))?.get(step.id);
  }

  /** The join whose deadline has this name. */
  timed(timer: string): JoinData | undefined {
    for (const joins of this.#open.values()) {
      for (const join of joins.values()) if (join.timedIn !== undefined && timerOf(join) === timer) return join;
    }
    return undefined;
  }

  /** The deadlines that run. */
  deadlines(steps: Steps): readonly { readonly timer: string; readonly timeoutMs: number }[] {
    return [...this.#open.values()].flatMap((inScope) =>
      [...inScope.values()].flatMap((join) => {
        const timeoutMs = join.timedIn === undefined ? undefined : steps.get(join.step)?.timeoutMs;
        return timeoutMs === undefined ? [] : [{ timer: timerOf(join), timeoutMs }];
      }),
    );
  }

  /** What had come to a join whose time is over; it begins anew. */
  expire(join: JoinData): readonly Part[] {
    const parts =
      join.rounds.length === 0
        ? join.queues.flatMap((queue) => queue.slice(0, 1))
        : (join.rounds.find(({ fired }) => !fired)?.parts ?? []);
    this.#forget(join);
    if (join.fired.length > 0) {
      const queues = join.queues.map(() => []);
      const rounds = join.rounds.filter(({ fired }) => fired);
      const begun = { ...join, timedIn: undefined, queues, rounds };
      this.#put(begun);
      this.#provisional?.add(begun);
    }
    return parts;
  }

  /** Nothing more comes into a lane, or from a reply. A join with a deadline holds its lane, and waits for that. */
  forget(scope: string): void {
    for (const join of this.#joins?.get(scope)?.values() ?? []) if (join.timedIn === undefined) this.#forget(join);
  }

  list(): readonly JoinData[] {
    return [...this.#open.values()].flatMap((joins) => [...joins.values()].map(copyOf));
  }

  restore(joins: readonly JoinData[]): void {
    for (const one of joins) {
      const join = copyOf(one);
      this.#put(join);
      if (partsOf(join).some(isProvisional)) (this.#provisional ??= new Set()).add(join);
    }
  }

  /** Those that have had something that can be taken back, in the order of their making, which a snapshot keeps. */
  #takeable(): readonly JoinData[] {
    const provisional = [...(this.#provisional ?? [])];
    if (provisional.length < 2) return provisional;
    return [...this.#open.values()].flatMap((inScope) =>
      [...inScope.values()].filter((join) => this.#provisional?.has(join) === true),
    );
  }

  #join(step: Step, scope: string): JoinData {
    const known = this.#open.get(scope)?.get(step.id);
    if (known !== undefined) return known;
    const queues = Array.from({ length: step.size }, () => []);
    const join: JoinData = {
      step: step.id,
      scope,
      timedIn: undefined,
      count: 0,
      won: undefined,
      queues,
      rounds: [],
      fired: [],
    };
    this.#put(join);
    return join;
  }

  #put(join: JoinData): void {
    const inScope = this.#open.get(join.scope);
    if (inScope === undefined) this.#open.set(join.scope, new Map([[join.step, join]]));
    else inScope.set(join.step, join);
  }

  /** What has fired is kept as long as one of its parts can be taken back. */
  #fire(join: JoinData, parts: readonly Part[]): void {
    if (parts.some(isProvisional)) join.fired.push([...parts]);
    if (isEmpty(join)) this.#forget(join);
  }

  /** A join that knows nothing is let go, unless its lane waits for its deadline. */
  #leave(join: JoinData): void {
    if (isEmpty(join) && join.timedIn === undefined) this.#forget(join);
  }

  #forget(join: JoinData): void {
    const { scope, step } = join;
    this.#provisional?.delete(join);
    const inScope = this.#open.get(scope);
    inScope?.delete(step);
    if (inScope?.size === 0) this.#open.delete(scope);
  }
}

/** The name of a join's deadline. */
export function timerOf({ step, scope }: Pick<JoinData, "step" | "scope">): string {
  return `join ${step} ${scope}`;
}

/** A join fills in one lane, for one reply, or for one value at a path of its payloads. */
export function scopeOf({ by, ofReply }: Step, { payload, lane, reply }: Arrival): string {
  if (by !== undefined) return `by ${JSON.stringify(keyOf(payload, by))}`;
  return ofReply && reply !== undefined ? reply : lane;
}

/** The value that payloads are correlated by; undefined when there is none. */
export function keyOf(payload: unknown, by: string): string | number | undefined {
  let value = payload;
  for (const key of by.split(".")) {
    value = typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return typeof value === "string" || typeof value === "number" ? value : undefined;
}

/** All parts that a join knows. */
function partsOf({ won, queues, rounds, fired }: JoinData): readonly Part[] {
  return [
    ...(won === undefined ? [] : [won]),
    ...queues.flat(),
    ...rounds.flatMap(({ parts }) => parts),
    ...fired.flat(),
  ];
}

/** Whether something has come, and the rest has not. */
export function isWaiting({ queues, rounds }: JoinData): boolean {
  if (rounds.length > 0) return rounds.some(({ fired }) => !fired);
  return queues.some((queue) => queue.length > 0) && queues.some((queue) => queue.length === 0);
}

function copyOf(join: JoinData): JoinData {
  const queues = join.queues.map((queue) => [...queue]);
  const rounds = join.rounds.map((round) => ({ ...round, parts: [...round.parts] }));
  return { ...join, queues, rounds, fired: [...join.fired] };
}

function isEmpty({ won, queues, rounds, fired }: JoinData): boolean {
  return won === undefined && fired.length === 0 && rounds.length === 0 && queues.every((queue) => queue.length === 0);
}
