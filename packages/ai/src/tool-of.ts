import type { Instant } from "@sluice/core";
import { type Tool, type ToolExecutionOptions, type ToolSet, jsonSchema } from "ai";
import { z } from "zod";
import { writtenSchema } from "./reply-output.ts";

/** What a tool is besides its input: named and documented as in the AI SDK's `tool`. */
export interface ToolOfOptions<INPUT, OUTPUT> extends Pick<
  Tool<INPUT, OUTPUT, unknown>,
  "title" | "providerOptions" | "metadata" | "strict"
> {
  /** What the tool does, for the model. */
  readonly description?: string;
  /** Runs it, with the input as the reply's schema puts it out. Without it the model's call is the end. */
  readonly execute?: (
    input: INPUT,
    options: ToolExecutionOptions<unknown>,
  ) => AsyncIterable<OUTPUT> | PromiseLike<OUTPUT> | OUTPUT;
}

const REPLY = Symbol("sluice:reply");

/**
 * A tool whose input is a reply: its fields are triggers while the model is still writing the call, as those of
 * `ctx.instant` are. Each call is a reply of its own.
 *
 * ```
 * tools: { refund: toolOf(Refund, { description: "Pays back", execute: (refund) => shop.payBack(refund) }) }
 * ```
 */
export function toolOf<R extends Instant, OUTPUT>(
  reply: R,
  { execute, ...options }: ToolOfOptions<z.output<R["schema"]>, OUTPUT>,
): Tool {
  type Input = z.output<R["schema"]>;
  const { schema } = reply;
  // The input stays as it was written until the tool runs: so it can be read, and logged, as it was.
  const inputSchema = jsonSchema<unknown>(writtenSchema(schema), {
    validate(value) {
      const { success, error } = z.safeParse(schema, value);
      return success ? { success, value } : { success, error };
    },
  });
  return {
    ...options,
    inputSchema,
    ...(execute !== undefined && {
      execute: (input: unknown, given: ToolExecutionOptions<unknown>) =>
        execute(z.parse(schema, input) as Input, given),
    }),
    [REPLY]: reply,
  } as Tool; // what `tool` gives is what it was given
}

/** The tools whose input is a reply. */
export function repliesOf(tools: ToolSet | undefined): Readonly<Record<string, Instant>> {
  const replies = Object.entries(tools ?? {}).flatMap(([name, tool]) => {
    const { [REPLY]: reply } = tool as { readonly [REPLY]?: Instant };
    return reply === undefined ? [] : [[name, reply] as const];
  });
  return Object.fromEntries(replies);
}
