import type { Action } from "../request/action.ts";
import { Refusal } from "../request/problem.ts";

/** What a limiter says of one client. */
export interface Taken {
  /** Milliseconds until there is more. */
  readonly msBeforeNext: number;
  readonly remainingPoints: number;
}

/** Counts the requests of clients: those of `rate-limiter-flexible` do, in memory, Redis, Postgres and more. */
export interface RequestLimiter {
  /** How many requests there are for each client, and in how many seconds: clients are told. */
  readonly points?: number;
  readonly duration?: number;
  /** Takes one request of a client. Rejects with the same when none is left, with an `Error` when it cannot count. */
  readonly consume: (client: string) => Promise<Taken>;
}

/** How much a client may ask for. */
export interface LimitOptions {
  /** Who a request is from: a key, a session, an address; limits hold for each by itself. For undefined there are none. */
  readonly client: (request: Request) => string | undefined | Promise<string | undefined>;
  /** For actions by their names; `any` for those without a limiter of their own. @default no limit */
  readonly requests?: Readonly<Partial<Record<Action | "any", RequestLimiter>>>;
  /** Streams that a client may have open at a time. @default no limit */
  readonly streams?: number;
}

/** The limits of a handler. */
export interface Limits {
  /** Counts a request, once. @throws Refusal 429 */
  readonly take: (request: Request, action: Action) => Promise<void>;
  /** Counts what a request asks for besides: a message on its socket. @throws Refusal 429 */
  readonly takeMore: (request: Request, action: Action) => Promise<void>;
  /** Counts a stream of a request that has been counted. @returns to be called when it has ended. @throws Refusal 429 */
  readonly open: (request: Request) => () => void;
  /** What the client of a request is told of its limit. @see draft-ietf-httpapi-ratelimit-headers-10 */
  readonly headers: (request: Request) => Readonly<Record<string, string>>;
}

/** Limits of requests and streams, for each client. */
export function limitsOf({ client, requests = {}, streams = Infinity }: LimitOptions): Limits {
  const clients = new WeakMap<Request, string | undefined>();
  const told = new WeakMap<Request, Readonly<Record<string, string>>>();
  const open = new Map<string, number>();
  const takeMore: Limits["takeMore"] = async (request, action) => {
    const name = clients.has(request) ? clients.get(request) : await client(request);
    clients.set(request, name);
    const policy = requests[action] === undefined ? "any" : action;
    const limiter = requests[policy];
    if (name === undefined || limiter === undefined) return;
    const taken = await consumed(limiter, name);
    told.set(request, headersOf(policy, limiter, taken));
    if (taken.isRefused) throw tooMany("too-many-requests", "Too many requests", taken.msBeforeNext);
  };
  return {
    take: async (request, action) => {
      if (!clients.has(request)) await takeMore(request, action);
    },
    takeMore,
    open: (request) => {
      const name = clients.get(request);
      if (name === undefined) return () => {};
      const count = open.get(name) ?? 0;
      if (count >= streams) throw tooMany("too-many-streams", `${count} streams are open already`, 1_000);
      open.set(name, count + 1);
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (open.get(name) ?? 1) - 1;
        if (left > 0) open.set(name, left);
        else open.delete(name);
      };
    },
    headers: (request) => told.get(request) ?? {},
  };
}

async function consumed(limiter: RequestLimiter, client: string): Promise<Taken & { readonly isRefused: boolean }> {
  try {
    const { msBeforeNext, remainingPoints } = await limiter.consume(client);
    return { msBeforeNext, remainingPoints, isRefused: false };
  } catch (refused) {
    if (refused instanceof Error) throw refused; // it could not count: nobody is let in uncounted
    const { msBeforeNext, remainingPoints } = refused as Taken; // by the port's contract
    return { msBeforeNext, remainingPoints, isRefused: true };
  }
}

function headersOf(
  policy: string,
  { points, duration }: RequestLimiter,
  { msBeforeNext, remainingPoints }: Taken,
): Readonly<Record<string, string>> {
  const limit = `"${policy}";r=${Math.max(0, remainingPoints)};t=${seconds(msBeforeNext)}`;
  if (points === undefined) return { ratelimit: limit };
  const window = duration === undefined ? "" : `;w=${duration}`;
  return { ratelimit: limit, "ratelimit-policy": `"${policy}";q=${points}${window}` };
}

function tooMany(code: string, title: string, afterMs: number): Refusal {
  const headers = { "retry-after": `${Math.max(1, seconds(afterMs))}` };
  return new Refusal({ status: 429, code, title, mend: "Try again later, or ask for less" }, headers);
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}
