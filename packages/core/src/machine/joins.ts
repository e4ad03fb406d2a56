import type { Step } from "../graph/routes.ts";
import type { Arrival } from "./arrival.ts";

/** A signal that has come to a join, and what it is called there. */
export interface Part {
  readonly label: string;
  readonly arrival: Arrival;
}

/** What has come to one join, in one lane (or for one key, or reply). */
export interface JoinData {
  readonly step: string;
  readonly scope: string;
  /** The lane that its deadline counts in; undefined while it has none. */
  timedIn: string | undefined;
  /** Of a race: whether it has been won. */
  won: boolean;
  /** By slot, oldest first; of `latest` the newest only. */
  readonly queues: Part[][];
  /** Of a quorum: its rounds, oldest first; and by slot, how many of these rounds it has been in. */
  readonly rounds: { readonly parts: Part[]; heard: number; fired: boolean }[];
  readonly turns: number[];
}

/** The joins of one execution that wait for something. */
export class Joins {
  /** By scope, then by step. */
  #joins: Map<string, Map<string, JoinData>> | undefined;

  get #open(): Map<string, Map<string, JoinData>> {
    return (this.#joins ??= new Map());
  }

  /** A signal comes to a join. @returns the parts that fire now, in the order of the payload; undefined when some are missing */
  take(step: Step, slot: number, part: Part): readonly Part[] | undefined {
    const join = this.#join(step, scopeOf(step, part.arrival));
    const fired = ways[step.op as keyof typeof ways](join, step, slot, part); // fan-outs and pipelines do not come here
    if (isEmpty(join)) this.#forget(join);
    return fired;
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
  deadlines(steps: ReadonlyMap<string, Step>): readonly { readonly timer: string; readonly timeoutMs: number }[] {
    return [...this.#open.values()].flatMap((inScope) =>
      [...inScope.values()].flatMap((join) => {
        const timeoutMs = join.timedIn === undefined ? undefined : steps.get(join.step)?.timeoutMs;
        return timeoutMs === undefined ? [] : [{ timer: timerOf(join), timeoutMs }];
      }),
    );
  }

  /** What had come to a join whose time is over; it begins anew. */
  expire(join: JoinData): readonly Part[] {
    this.#forget(join);
    if (join.rounds.length === 0) return join.queues.flatMap((queue) => queue.slice(0, 1));
    return join.rounds.find(({ fired }) => !fired)?.parts ?? [];
  }

  /** Nothing more comes into a lane, or from a reply. A join with a deadline holds its lane, and waits for that. */
  forget(scope: string): void {
    for (const join of this.#joins?.get(scope)?.values() ?? []) if (join.timedIn === undefined) this.#forget(join);
  }

  /** Nothing more comes from any reply of an activation. */
  forgetReplies(activationId: string): void {
    for (const scope of this.#joins?.keys() ?? []) {
      const of = scope.slice(scope.lastIndexOf("@") + 1); // `/#triage@a1`, `/#triage@a1.2`
      if (of === activationId || of.startsWith(`${activationId}.`)) this.forget(scope);
    }
  }

  list(): readonly JoinData[] {
    return [...this.#open.values()].flatMap((joins) => [...joins.values()].map(copyOf));
  }

  restore(joins: readonly JoinData[]): void {
    for (const join of joins) this.#put(copyOf(join));
  }

  #join(step: Step, scope: string): JoinData {
    const known = this.#open.get(scope)?.get(step.id);
    if (known !== undefined) return known;
    const queues = Array.from({ length: step.size }, () => []);
    const join = { step: step.id, scope, timedIn: undefined, won: false, queues, rounds: [], turns: [] };
    this.#put(join);
    return join;
  }

  #put(join: JoinData): void {
    const inScope = this.#open.get(join.scope);
    if (inScope === undefined) this.#open.set(join.scope, new Map([[join.step, join]]));
    else inScope.set(join.step, join);
  }

  #forget({ scope, step }: JoinData): void {
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

type Way = (join: JoinData, step: Step, slot: number, part: Part) => readonly Part[] | undefined;

/** How each kind of join fills. */
const ways = {
  race: (join, _step, _slot, part) => {
    if (join.won) return undefined;
    join.won = true;
    return [part];
  },
  all: ({ queues }, _step, slot, part) => {
    queues[slot]?.push(part);
    if (queues.some((queue) => queue.length === 0)) return undefined;
    return queues.flatMap((queue) => queue.splice(0, 1));
  },
  latest: ({ queues }, _step, slot, part) => {
    queues[slot]?.splice(0, 1, part);
    return queues.some((queue) => queue.length === 0) ? undefined : queues.flat();
  },
  quorum: ({ rounds, turns }, { n, size }, slot, part) => {
    const turn = turns[slot] ?? 0;
    turns[slot] = turn + 1;
    const round = (rounds[turn] ??= { parts: [], heard: 0, fired: false });
    round.heard += 1;
    if (!round.fired) round.parts.push(part);
    const fires = !round.fired && round.parts.length === n;
    if (fires) round.fired = true;
    // a round in which all have been heard is over; the first one always is over first
    if (rounds[0]?.heard === size) {
      rounds.shift();
      turns.forEach((count, index) => (turns[index] = count - 1));
    }
    return fires ? round.parts : undefined;
  },
} satisfies Record<"race" | "all" | "latest" | "quorum", Way>;

/** Whether something has come, and the rest has not. */
export function isWaiting({ queues, rounds }: JoinData): boolean {
  if (rounds.length > 0) return rounds.some(({ fired }) => !fired);
  return queues.some((queue) => queue.length > 0) && queues.some((queue) => queue.length === 0);
}

function copyOf(join: JoinData): JoinData {
  const queues = join.queues.map((queue) => [...queue]);
  const rounds = join.rounds.map((round) => ({ ...round, parts: [...round.parts] }));
  return { ...join, queues, rounds, turns: [...join.turns] };
}

function isEmpty({ won, queues, rounds }: JoinData): boolean {
  return !won && rounds.length === 0 && queues.every((queue) => queue.length === 0);
}
