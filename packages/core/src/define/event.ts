import type { z } from "zod";
import type { Schema } from "./schema-path.ts";
import { type Now, type Trigger, trigger } from "./trigger.ts";

/** A typed name for something that happens in a flow. It is a trigger: `@on(Escalated)`. */
export interface EventDef<N extends string = string, S extends Schema = Schema> extends Trigger<Now<z.output<S>>> {
  readonly name: N;
  readonly schema: S;
}

/** How an event is delivered. */
export interface EventOptions {
  /** Each signal opens a lane of its own under the present one: joins of what follows from it do not mix with another's. @default false */
  readonly lane?: boolean;
}

/**
 * Defines a business event.
 *
 * @param name names it in the log; unique within a flow.
 * @param schema what its payload must fit; handlers receive the schema's output.
 */
export function event<const N extends string, S extends Schema>(
  name: N,
  schema: S,
  { lane = false }: EventOptions = {},
): EventDef<N, S> {
  const plan = { on: "event" as const, event: { name, schema }, ...(lane && { lane }) };
  return { ...trigger<Now<z.output<S>>>(plan), name, schema };
}
