import type { Action, Target } from "../request/action.ts";
import { type AccessOptions, admit } from "./access.ts";
import { type LimitOptions, limitsOf } from "./limits.ts";
import type { ReadTokens } from "./read-tokens.ts";
import type { Watch } from "./watch.ts";

/** What a gate lets in. */
export interface GateOptions extends AccessOptions {
  /** How much a client may ask for. @default no limits */
  readonly limits?: LimitOptions;
}

/** Lets requests in: who may, how often, and for how long. */
export interface Gate {
  /** Counts a request, once. @throws Refusal 429 */
  readonly count: (request: Request, action: Action) => Promise<void>;
  /** Counts what a request asks for besides: a message on its socket. @throws Refusal 429 */
  readonly countMore: (request: Request, action: Action) => Promise<void>;
  /** Counts a request and lets it do what it asks for. @throws Refusal 401, 403, 429 */
  readonly admit: (request: Request, action: Action, target: Target) => Promise<void>;
  /** The leave to watch of a request that was admitted: one for each. @throws Refusal 429 */
  readonly watch: (request: Request) => Watch;
  /** The request was refused after all: nothing comes of its stream. */
  readonly refuse: (request: Request) => void;
  /** What a client is told of its limits. */
  readonly headers: (request: Request) => Readonly<Record<string, string>>;
}

/** @param closing ends all streams */
export function gateOf(options: GateOptions, tokens: ReadTokens | undefined, closing: AbortSignal): Gate {
  const limits = limitsOf(options.limits ?? { client: () => undefined });
  const untils = new WeakMap<Request, number>();
  const watches = new WeakMap<Request, Watch>();
  return {
    count: limits.take,
    countMore: limits.takeMore,
    admit: async (request, action, target) => {
      await limits.take(request, action);
      const until = await admit(options, tokens, request, action, target);
      if (until !== undefined) untils.set(request, until);
    },
    watch: (request) => {
      const watch = watches.get(request) ?? { closing, until: untils.get(request), end: limits.open(request) };
      watches.set(request, watch);
      return watch;
    },
    refuse: (request) => watches.get(request)?.end(),
    headers: limits.headers,
  };
}
