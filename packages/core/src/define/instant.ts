import type { z } from "zod";
import type { Limits } from "../instant/limits.ts";
import type { Guess } from "../schema/repair.ts";
import type { FieldAt, PathIn, Schema, TextPathIn, ValueAt } from "./schema-path.ts";
import { type Invalid, type Now, type Opened, type Trigger, trigger } from "./trigger.ts";
import type { FieldMoment } from "./trigger-plan.ts";

/** How a reply is read. */
export interface InstantOptions {
  /** Accept JSON only: no prose and no code fence around it, and nothing mended. @default false */
  readonly strict?: boolean;
  /** Repairs that may be wrong, to be made besides the safe ones. Without a meaning with `strict`. @default none */
  readonly guess?: readonly Guess[];
  /** How large a reply may be: what is larger is the error `reply-limit`. */
  readonly limits?: Partial<Limits>;
  /**
   * The text has several documents, as NDJSON has: the schema is an array, each document is one element of it, and the
   * array is complete when the text ends. @default false
   */
  readonly multi?: boolean;
  /**
   * What an invalid field does. `report`: a `field:invalid` entry, and reading goes on; the whole reply is judged at its
   * end. `fail`: the generation ends at once, and `ctx.instant` rejects with `reply-invalid`, which its chunk may answer.
   * `abort`: so does the attempt, whatever its chunk does; it is tried again within the `retry` of the chunk. Whichever it
   * is, the next attempt's model is told what was wrong. @default "report"
   */
  readonly onInvalid?: "report" | "fail" | "abort";
}

/** A structured reply whose fields are triggers while the model is still writing. */
export interface Instant<N extends string = string, S extends Schema = Schema> {
  readonly name: N;
  readonly schema: S;
  readonly options: InstantOptions;
  /** Fires when the whole reply is complete and valid. */
  readonly done: Trigger<Now<z.output<S>>>;
  /** Fires once per match, when that value is complete and valid. `[*]` opens a lane per item. */
  field<const P extends string>(path: PathIn<S, P>): Trigger<Now<ValueAt<S, P>>>;
  /** Fires once per match, when that value is complete and does not fit its schema. Its lanes are those of `field`. */
  invalid<const P extends string>(path: PathIn<S, P>): Trigger<Now<Invalid>>;
  /** Live: fires for each piece of a string field as it arrives, with the new text. */
  delta<const P extends string>(path: TextPathIn<S, P>): Trigger<Now<string>>;
  /** Live: fires when a value begins. */
  opened<const P extends string>(path: PathIn<S, P>): Trigger<Now<Opened>>;
}

/** A value as far as it has been written: any part of it may be missing. Nothing in it has been checked. */
export type DeepPartial<T> = T extends readonly (infer E)[]
  ? readonly DeepPartial<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;

/** What a reply comes to that chunks may stop. */
export type Stoppable<T> =
  | { readonly stopped: false; readonly value: T }
  /** What was complete when it was stopped: each part as its schema puts it out, the whole unchecked. */
  | { readonly stopped: true; readonly value: DeepPartial<T> };

/** The type of one field: `Field<typeof Triage, "steps[*]">`. */
export type Field<R extends { schema: Schema }, P extends string> = FieldAt<R["schema"], P>;

/**
 * Defines a structured reply. Paths follow what the model writes: `a.b`, `items[*].name`, `items[0]`, `scores.*`
 * (records), `["a.b"]`; the value is the schema's output.
 *
 * @param name names it in the log; unique within a flow.
 */
export function instant<const N extends string, S extends Schema>(
  name: N,
  schema: S,
  options: InstantOptions = {},
): Instant<N, S> {
  const at = (on: FieldMoment, path: string) => trigger<Now<never>>({ on, reply, path });
  const reply: Instant<N, S> = {
    name,
    schema,
    options,
    get done() {
      return at("done", "");
    },
    field: (path) => at("field", path),
    invalid: (path) => at("invalid", path),
    delta: (path) => at("delta", path),
    opened: (path) => at("opened", path),
  };
  return reply;
}
