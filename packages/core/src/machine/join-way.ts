import type { Step } from "../graph/routes.ts";
import type { Arrival } from "./arrival.ts";
import type { Claims } from "./claims.ts";

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
  /** What has fired and can be taken back: then the other parts are given back. Of `latest` also what has fired last. */
  readonly fired: (readonly Part[])[];
}

/** How a kind of join fills. */
export interface JoinWay {
  /** A part has come. @returns the parts that fire now */
  readonly take: (join: JoinData, step: Step, part: Part) => readonly Part[] | undefined;
  /** Some parts are gone; those that fired with them wait again. */
  readonly takeBack: (join: JoinData, isGone: (part: Part) => boolean, step: Step) => void;
  /** @returns the parts that fire without a further one */
  readonly again: (join: JoinData, step: Step) => readonly Part[] | undefined;
  /** Some of it can be taken back no more. */
  readonly confirm: (join: JoinData, step: Step) => void;
}

/** The way of a step that is a join. */
export function joinWay({ op }: Step): JoinWay {
  return ways[op as keyof typeof ways]; // fan-outs and pipelines do not come here
}

/** How each kind of join fills. */
const ways = {
  race: {
    take: (join, _step, part) => {
      const behind = join.queues[0] ?? [];
      // where others wait, the winner has been taken back, and one of them is next as soon as that is undone
      if (join.won === undefined && behind.length === 0) return [(join.won = part)];
      if (join.won === undefined || isProvisional(join.won)) behind.push(part);
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
      if (!isProvisional(next)) join.queues[0]?.splice(0);
      return [next];
    },
    confirm: ({ won, queues, fired }) => {
      if (won !== undefined && !isProvisional(won)) queues[0]?.splice(0);
      letGo(fired);
    },
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
    confirm: ({ fired }) => letGo(fired),
  },
  latest: {
    take: (join, _step, part) => {
      const queue = join.queues[part.slot];
      if (!isProvisional(part)) queue?.splice(0);
      queue?.push(part);
      const tails = tailsOf(join.queues);
      // what it comes back to when all that can be taken back is
      if (tails?.some(isProvisional) === false) join.fired.splice(0, join.fired.length, tails);
      return tails;
    },
    takeBack: ({ queues }, isGone) => without(queues, isGone),
    again: ({ queues, fired }) => {
      const tails = tailsOf(queues);
      if (tails === undefined || fired.some((parts) => isSame(parts, tails))) return undefined;
      if (!tails.some(isProvisional)) fired.push(tails);
      return tails;
    },
    confirm: ({ queues, fired }) => {
      for (const queue of queues)
        queue.splice(
          0,
          queue.findLastIndex((part) => !isProvisional(part)),
        );
      const firm = queues.flatMap((queue) => queue.slice(0, 1));
      letGo(fired, (parts) => isSame(parts, firm));
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
    takeBack: ({ rounds }, isGone, { n }) => {
      for (const round of rounds) {
        // a late vote that is taken back changes nothing
        if (round.parts.slice(0, n).some(isGone)) round.fired = false;
        without([round.parts], isGone);
      }
    },
    again: ({ rounds }, { n }) => {
      const round = rounds.find(({ fired, parts }) => !fired && parts.length >= n);
      if (round === undefined) return undefined;
      round.fired = true;
      return round.parts.slice(0, n);
    },
    confirm: (join, { size }) => {
      closeRounds(join, size);
      letGo(join.fired);
    },
  },
} satisfies Record<"race" | "all" | "latest" | "quorum", JoinWay>;

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
  const isOver = ({ parts, fired }: Round): boolean => fired && parts.length === size && !parts.some(isProvisional);
  while (rounds[0] !== undefined && isOver(rounds[0])) rounds.shift();
}

/** Whether a part can be taken back. */
export function isProvisional({ arrival }: Part): boolean {
  return arrival.claims !== undefined;
}

function isSame(parts: readonly Part[], others: readonly Part[]): boolean {
  return parts.every(({ order }, index) => order === others[index]?.order);
}

/** What has fired and cannot be taken back is not remembered, but where it is needed. */
function letGo(fired: JoinData["fired"], isNeeded?: (parts: readonly Part[]) => boolean): void {
  const left = fired.filter((parts) => parts.some(isProvisional) || isNeeded?.(parts) === true);
  fired.splice(0, fired.length, ...left);
}

/** Those of its parts that cannot be taken back any more are facts from here on. */
export function makeFirm(join: JoinData, isOpen: (claims: Claims) => boolean): void {
  const firm = (part: Part): Part => {
    const { claims } = part.arrival;
    return claims === undefined || isOpen(claims) ? part : { ...part, arrival: { ...part.arrival, claims: undefined } };
  };
  for (const parts of [...join.queues, ...join.rounds.map((round) => round.parts)])
    for (const [at, part] of parts.entries()) parts[at] = firm(part);
  join.won &&= firm(join.won);
  for (const [at, parts] of join.fired.entries()) join.fired[at] = parts.map(firm);
}
