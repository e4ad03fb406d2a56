import type { Step, Steps } from "../graph/routes.ts";
import type { Arrival } from "./arrival.ts";
import type { Claims, IsTakenBack } from "./claims.ts";

/** A signal that has come to a join, and what it is called there. */
export interface Part {
  readonly slot: number;
  readonly label: string;
  readonly arrival: Arrival;
  /** Its number among all that have come to this join. */
  readonly order: number;
}

/** A round of a quorum: who has been heard in it, in order, and whether it has fired. */
interface Round {
  readonly parts: Part[];
  fired: boolean;
}

/** What has come to one join, in one lane (or for one key, or reply). */
export interface JoinData {
  readonly step: string;
  readonly scope: string;
  /** The lane that its deadline counts in; undefined while it has none. */
  timedIn: string | undefined;
  /** How many parts have come. */
  count: number;
  /** Of a race: who has won. */
  won: Part | undefined;
  /**
   * By slot, oldest first. Of `latest` the newest, and what it would be without those that can be taken back; of a race, in
   * the first, who came later than a winner that can be taken back.
   */
  readonly queues: Part[][];
  /** Of a quorum: its rounds, oldest first. */
  readonly rounds: Round[];
  /** What has fired and can be taken back: then the other parts are given back. */
  readonly fired: (readonly Part[])[];
}

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
    const fired = wayOf(step).take(join, step, { slot, label, arrival, order: join.count });
    if (fired !== undefined) this.#fire(join, fired);
    else if (isEmpty(join)) this.#forget(join);
    return fired;
  }

  /** What follows from claims is taken back; the rest of what had fired with it is given back. @returns whose that was */
  takeBack(goes: IsTakenBack, steps: Steps): readonly JoinData[] {
    const touched: JoinData[] = [];
    for (const join of this.#provisional ?? []) {
      const step = steps.get(join.step);
      const isGone = ({ arrival }: Part): boolean => goes(arrival.claims);
      if (step === undefined || !partsOf(join).some(isGone)) continue;
      wayOf(step).takeBack(join, isGone);
      for (let at = join.fired.length - 1; at >= 0; at -= 1) {
        if (join.fired[at]?.some(isGone) === true) join.fired.splice(at, 1);
      }
      touched.push(join);
      if (isEmpty(join) && join.timedIn === undefined) this.#forget(join);
    }
    return touched;
  }

  /** The join of a step in a scope; undefined when it knows nothing. */
  find({ scope, step }: Pick<JoinData, "scope" | "step">): JoinData | undefined {
    return this.#joins?.get(scope)?.get(step);
  }

  /** What has been given back may fire again. @returns the parts that fire */
  again(step: Step, join: JoinData): readonly Part[] | undefined {
    const fired = wayOf(step).again(join, step);
    if (fired !== undefined) this.#fire(join, fired);
    return fired;
  }

  /** Some can be taken back no more: what would be needed for that is let go. */
  confirm(isOpen: (claims: Claims) => boolean, steps: Steps): void {
    for (const join of this.#provisional ?? []) {
      const step = steps.get(join.step);
      const parts = partsOf(join);
      if (step === undefined || parts.some(({ arrival: { claims } }) => claims !== undefined && isOpen(claims)))
        continue;
      this.#provisional?.delete(join);
      makeFirm(join);
      wayOf(step).confirm(join, step);
      if (isEmpty(join)) this.#forget(join);
    }
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
    for (const one of joins) {
      const join = copyOf(one);
      this.#put(join);
      if (partsOf(join).some(({ arrival }) => arrival.claims !== undefined))
        (this.#provisional ??= new Set()).add(join);
    }
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
    if (parts.some(({ arrival }) => arrival.claims !== undefined)) join.fired.push([...parts]);
    if (isEmpty(join)) this.#forget(join);
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

/** How a kind of join fills. */
interface Way {
  /** A part has come. @returns the parts that fire now */
  readonly take: (join: JoinData, step: Step, part: Part) => readonly Part[] | undefined;
  /** Some parts are gone; those that fired with them wait again. */
  readonly takeBack: (join: JoinData, isGone: (part: Part) => boolean) => void;
  /** @returns the parts that fire without a further one */
  readonly again: (join: JoinData, step: Step) => readonly Part[] | undefined;
  /** Nothing of it can be taken back any more. */
  readonly confirm: (join: JoinData, step: Step) => void;
}

const wayOf = ({ op }: Step): Way => ways[op as keyof typeof ways]; // fan-outs and pipelines do not come here

/** How each kind of join fills. */
const ways = {
  race: {
    take: (join, _step, part) => {
      if (join.won === undefined) return [(join.won = part)];
      if (join.won.arrival.claims !== undefined) join.queues[0]?.push(part);
      return undefined;
    },
    takeBack: (join, isGone) => {
      if (join.won !== undefined && isGone(join.won)) join.won = undefined;
      without(join.queues, isGone);
    },
    again: (join) => {
      const next = join.won === undefined ? join.queues[0]?.shift() : undefined;
      if (next === undefined) return undefined;
      join.won = next;
      return [next];
    },
    confirm: ({ won, queues }) => void (won !== undefined && queues[0]?.splice(0)),
  },
  all: {
    take: (join, _step, part) => {
      join.queues[part.slot]?.push(part);
      return headsOf(join.queues);
    },
    takeBack: ({ queues, fired }, isGone) => {
      without(queues, isGone);
      for (const parts of fired.toReversed()) {
        if (!parts.some(isGone)) continue;
        for (const part of parts) if (!isGone(part)) queues[part.slot]?.unshift(part);
      }
    },
    again: ({ queues }) => headsOf(queues),
    confirm: () => {},
  },
  latest: {
    take: (join, _step, part) => {
      const queue = join.queues[part.slot];
      if (part.arrival.claims === undefined) queue?.splice(0);
      queue?.push(part);
      return tailsOf(join.queues);
    },
    takeBack: ({ queues }, isGone) => without(queues, isGone),
    again: ({ queues, fired }) => {
      const tails = tailsOf(queues);
      const isKnown = fired.some((parts) => parts.every(({ order }, slot) => order === tails?.[slot]?.order));
      return isKnown ? undefined : tails;
    },
    confirm: ({ queues }) => {
      for (const queue of queues) queue.splice(0, queue.length - 1);
    },
  },
  quorum: {
    take: (join, { n, size }, part) => {
      // a slot votes once a round
      let round = join.rounds.find(({ parts }) => !parts.some(({ slot }) => slot === part.slot));
      if (round === undefined) join.rounds.push((round = { parts: [], fired: false }));
      round.parts.push(part);
      const fires = !round.fired && round.parts.length === n;
      round.fired ||= fires;
      closeRounds(join, size);
      return fires ? round.parts : undefined;
    },
    takeBack: ({ rounds }, isGone) => {
      for (const round of rounds) {
        const left = round.parts.filter((part) => !isGone(part));
        if (left.length === round.parts.length) continue;
        round.parts.splice(0, round.parts.length, ...left);
        round.fired = false;
      }
    },
    again: ({ rounds, fired }, { n }) => {
      for (const round of rounds) {
        if (round.fired || round.parts.length < n) continue;
        round.fired = true;
        const parts = round.parts.slice(0, n);
        // a late vote that was taken back changes nothing
        if (!fired.some((one) => one.every(({ order }, index) => order === parts[index]?.order))) return parts;
      }
      return undefined;
    },
    confirm: (join, { size }) => closeRounds(join, size),
  },
} satisfies Record<"race" | "all" | "latest" | "quorum", Way>;

/** The oldest of each queue, taken out; undefined while one is empty. */
function headsOf(queues: Part[][]): readonly Part[] | undefined {
  if (queues.some((queue) => queue.length === 0)) return undefined;
  return queues.flatMap((queue) => queue.splice(0, 1));
}

/** The newest of each queue; undefined while one is empty. */
function tailsOf(queues: Part[][]): readonly Part[] | undefined {
  if (queues.some((queue) => queue.length === 0)) return undefined;
  return queues.flatMap((queue) => queue.slice(-1));
}

function without(queues: Part[][], isGone: (part: Part) => boolean): void {
  for (const queue of queues) {
    if (queue.some(isGone)) queue.splice(0, queue.length, ...queue.filter((part) => !isGone(part)));
  }
}

/** A round that has fired and in which all have been heard is over, unless one of them can be taken back. */
function closeRounds({ rounds }: JoinData, size: number): void {
  const isOver = ({ parts, fired }: Round): boolean =>
    fired && parts.length === size && parts.every(({ arrival }) => arrival.claims === undefined);
  while (rounds[0] !== undefined && isOver(rounds[0])) rounds.shift();
}

/** Its parts are facts from here on. */
function makeFirm(join: JoinData): void {
  const firm = (part: Part): Part => ({ ...part, arrival: { ...part.arrival, claims: undefined } });
  for (const parts of [...join.queues, ...join.rounds.map((round) => round.parts)]) {
    parts.splice(0, parts.length, ...parts.map(firm));
  }
  join.won &&= firm(join.won);
  join.fired.length = 0;
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
