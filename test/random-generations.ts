// Generations by chance: calls of a model that write, reason and call tools, and end well or not; and what their tools do.
import { callerOf } from "@sluice/ai";
import type { VirtualTime } from "@sluice/testing";
import { type Tool, tool } from "ai";
import type { MockLanguageModelV4 } from "ai/test";
import fc from "fast-check";
import { z } from "zod";
import { type CallOptions, type ProviderPart, START, callParts, finishPart, mock } from "./mock-model.ts";
import { streamOf } from "./random-models.ts";

/** What a tool does when it runs. */
export interface Doing {
  readonly yields: number;
  readonly pauseMs: number;
  readonly fails: boolean;
  /** Whether it goes on when it is aborted. */
  readonly isDeaf: boolean;
}

/** What comes in a call. */
export type Piece =
  | { readonly kind: "text" | "reasoning"; readonly text: string; readonly pauseMs: number }
  | ({ readonly kind: "tool" } & Doing)
  /** A tool that the provider runs. */
  | { readonly kind: "search"; readonly pauseMs: number }
  /** One that is not there. */
  | { readonly kind: "unknown" };

/** One call of a model. */
export interface Call {
  readonly pieces: readonly Piece[];
  readonly ends: "well" | "interrupted" | "breaks" | "hangs" | "refuses";
}

const pauseMs = fc.nat(3);
const piece: fc.Arbitrary<Piece> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("text" as const, "reasoning" as const),
      text: fc.string({ minLength: 1, maxLength: 6 }),
      pauseMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("tool" as const),
      yields: fc.nat(3),
      pauseMs,
      fails: fc.boolean(),
      isDeaf: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant("search" as const), pauseMs }),
  fc.record({ kind: fc.constant("unknown" as const) }),
);

export const calls: fc.Arbitrary<readonly Call[]> = fc.array(
  fc.record({
    pieces: fc.array(piece, { maxLength: 5 }),
    ends: fc.oneof(
      { weight: 6, arbitrary: fc.constant("well" as const) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("interrupted" as const, "breaks" as const, "hangs" as const, "refuses" as const),
      },
    ),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Tools that do what their input says, and tell how far they are. */
export const toolsOf = ({ delay }: VirtualTime): { readonly act: Tool } => ({
  act: tool({
    inputSchema: z.object({ yields: z.number(), pauseMs: z.number(), fails: z.boolean(), isDeaf: z.boolean() }),
    async *execute(doing: Doing, options) {
      const { abortSignal } = options;
      for (let step = 0; step < doing.yields; step += 1) {
        await delay(doing.pauseMs, { ...(abortSignal && !doing.isDeaf && { abortSignal }) });
        if (step % 2 === 0) callerOf(options)?.progress(step);
        else yield step;
      }
      if (doing.fails) throw new Error("It does not work");
      await delay(doing.pauseMs);
      yield "done";
    },
  }),
});

/** What a call writes. */
export const writtenBy = ({ pieces }: Call, kind: "text" | "reasoning"): string =>
  pieces.map((one) => (one.kind === kind ? one.text : "")).join("");

async function* partsOf(
  { pieces, ends }: Call,
  number: number,
  { abortSignal }: CallOptions,
  { delay }: VirtualTime,
): AsyncGenerator<ProviderPart> {
  const wait = (ms: number) => delay(ms, { ...(abortSignal && { abortSignal }) });
  yield START;
  for (const [index, one] of pieces.entries()) {
    const id = `${number}.${index}`;
    if (one.kind === "text" || one.kind === "reasoning") {
      await wait(one.pauseMs);
      yield { type: `${one.kind}-start`, id };
      yield { type: `${one.kind}-delta`, id, delta: one.text };
      yield { type: `${one.kind}-end`, id };
    } else if (one.kind === "search") {
      const call = { toolCallId: id, toolName: "search", dynamic: true };
      yield { type: "tool-call", ...call, input: "{}", providerExecuted: true };
      await wait(one.pauseMs);
      yield { type: "tool-result", ...call, result: "found" };
    } else {
      const { kind, ...doing } = one;
      yield* callParts(id, kind === "tool" ? "act" : "missing", doing);
    }
  }
  if (ends === "breaks") throw new Error("The line is cut");
  if (ends === "hangs") await wait(1000);
  const goesOn = pieces.some(({ kind }) => kind === "tool" || kind === "unknown");
  yield finishPart(ends === "interrupted" ? "interrupted" : goesOn ? "tool-calls" : "stop");
}

/** A model that makes these calls, and has nothing more to say then. */
export function modelOf(script: readonly Call[], time: VirtualTime): MockLanguageModelV4 {
  let number = 0;
  return mock(async (options) => {
    const call: Call = script[number] ?? { pieces: [], ends: "well" };
    number += 1;
    if (call.ends === "refuses") throw new Error("Not now");
    return { stream: streamOf(partsOf(call, number, options, time)) };
  });
}
