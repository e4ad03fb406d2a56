import type { Execution } from "@sluice/core";
import type { Context, Hono } from "hono";
import type { Action, Target } from "../request/action.ts";
import type { EventStreams, StreamOptions } from "../stream/event-stream.ts";
import type { Hosted } from "../hosting/hosted.ts";
import type { BodyLimits } from "../request/json-body.ts";
import type { ReadTokens } from "../access/read-tokens.ts";
import type { Watch } from "../access/watch.ts";

/** What routes stand on. */
export interface Served {
  readonly hosted: Hosted;
  readonly basePath: string;
  readonly body: BodyLimits;
  readonly stream: StreamOptions;
  /** The open streams of server-sent events. */
  readonly streams: EventStreams;
  /** Origins whose pages may call it from a browser, beside its own. */
  readonly origins: readonly string[];
  /** Hears of errors that are the server's own. */
  readonly onError: (error: unknown) => void;
  /** Fires when the handler closes: streams end. */
  readonly closing: AbortSignal;
  /** Counts a request against its limits, once: before anything is looked up for it. `admit` and `execution` do so, too. @throws Refusal 429 */
  readonly count: (context: Context, action: Action) => Promise<void>;
  /** Lets a request do what it asks for. A read token is enough to read and to stream. @throws Refusal 401, 403, 429 */
  readonly admit: (context: Context, action: Action, target: Target) => Promise<void>;
  /** Lets a request do one thing more, with the execution that `execution` has given it: a message on its socket. @throws as `execution` */
  readonly further: (context: Context, action: Action) => Promise<Execution>;
  /** Lets a request watch what `execution` has given it: its `end` has to be called, where the request is not refused. The same request has it once. @throws Refusal 429 */
  readonly watch: (context: Context) => Watch;
  /** Gives leave to read one execution and watch it; undefined where the handler makes no tokens. */
  readonly tokens?: ReadTokens | undefined;
  /** An execution as clients may see it: where errors are not to be shown, without what others have thrown. */
  readonly shown: (execution: Execution) => Execution;
  /** The execution with this id, by default the address's `:id`, if the request may do with it what it asks for; as clients may see it. @throws Refusal 401, 403, 404, 429, 503 */
  readonly execution: (context: Context, action: Action, id?: string) => Promise<Execution>;
}

/** Adds routes to a handler. */
export type Routes = (app: Hono, served: Served) => void;
