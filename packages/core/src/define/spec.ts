import type { z } from "zod";
import type { EventDef } from "./event.ts";
import type { Problem } from "./problem.ts";
import type { Schema } from "./schema-path.ts";

/** What a flow takes, keeps, shows and gives: the part of a flow that the outside sees. */
export interface Spec {
  /** Names the flow in entries, errors and graphs. */
  readonly name: string;
  readonly input: Schema;
  /** The recoverable data of one execution. It must accept `{}` (use defaults) and must not transform. */
  readonly state?: Schema;
  /** The items of the runtime stream. */
  readonly stream?: Schema;
  readonly result?: Schema;
  /** The events that may come from outside. @default none */
  readonly accepts?: readonly EventDef[];
  /** Stay open when all is quiet, for events from outside: until `ctx.end`, `execution.close()`, `idle` or a cancel. @default false */
  readonly keepOpen?: boolean;
  /** With `keepOpen`: close when nothing has happened for so long, in milliseconds. @default never */
  readonly idle?: number;
  /** Longest time of an execution, in milliseconds; then it ends as `flow:timeout`. @default no limit */
  readonly timeout?: number;
  /** Chunks that run at the same time. @default no limit */
  readonly concurrency?: number;
}

/** Writes a spec down; its literal types are kept. */
export function defineFlow<const S extends Spec>(spec: S): S {
  return spec;
}

/** The schema at one key of a spec; `never` where the spec has none. */
export type SchemaAt<S, K extends string> = K extends keyof S ? (S[K] extends Schema ? S[K] : never) : never;
type No<K extends string> = Problem<`the flow's spec has no \`${K}\` schema`>;
/** What a user writes at that key. */
export type Given<S, K extends string> = 0 extends 1 & S
  ? any
  : [SchemaAt<S, K>] extends [never]
    ? No<K>
    : z.input<SchemaAt<S, K>>;
type Out<S, K extends string, Else> = 0 extends 1 & S
  ? any
  : [SchemaAt<S, K>] extends [never]
    ? Else
    : z.output<SchemaAt<S, K>>;

export type InputOf<S> = Out<S, "input", unknown>;
export type StateOf<S> = Out<S, "state", {}>;
export type ItemOf<S> = Out<S, "stream", never>;
export type ResultOf<S> = Out<S, "result", unknown>;
/** The events that may come from outside. */
export type AcceptedBy<S> = 0 extends 1 & S ? any : S extends { accepts: readonly (infer E)[] } ? E : never;
/** What `emit` takes for an event: the schema's input. */
export type PayloadFor<E extends EventDef> = z.input<E["schema"]>;
