// Flows by chance that ask models by chance: several chunks, retries, children, lists, budgets; and how their models answer.
import { type PriceTable, ask } from "@sluice/ai";
import { type Budget, type Context, after, defineFlow, failed, flow, start } from "@sluice/core";
import type { VirtualTime } from "@sluice/testing";
import { APICallError } from "ai";
import type { MockLanguageModelV4 } from "ai/test";
import fc from "fast-check";
import { z } from "zod";
import { type CallOptions, type ProviderPart, START, mock } from "./mock-model.ts";

/** How a model answers one call. */
export interface Answer {
  /** `silent` tells no usage, `interrupted` ends irregularly but tells it, `breaks` fails in mid-stream. */
  readonly ends: "well" | "silent" | "interrupted" | "breaks" | "refuses" | "limited";
  readonly texts: readonly string[];
  readonly pauseMs: number;
  readonly input: number;
  readonly output: number;
}

/** A model or a list of them, each with its answers in turn. */
export interface Asking {
  readonly models: readonly (readonly Answer[])[];
  readonly maxOutputTokens: number | undefined;
  readonly firstTokenTimeoutMs: number | undefined;
}

/** A chunk that asks. */
export interface Piece {
  readonly asks: readonly Asking[];
  readonly isTogether: boolean;
  readonly isAfter: boolean;
  /** Whether it fails when it has asked, in its first attempt. */
  readonly fails: boolean;
  readonly attempts: number;
  readonly timeout: number | undefined;
  readonly budget: Budget | undefined;
  readonly child: Plan | undefined;
}

/** A flow. */
export interface Plan {
  readonly pieces: readonly Piece[];
  readonly budget: Budget | undefined;
  readonly isTolerant: boolean;
}

const optional = <T>(arbitrary: fc.Arbitrary<T>, freq = 2) => fc.option(arbitrary, { nil: undefined, freq });

const answer: fc.Arbitrary<Answer> = fc.record({
  ends: fc.oneof(
    { weight: 5, arbitrary: fc.constant("well" as const) },
    {
      weight: 4,
      arbitrary: fc.constantFrom(
        "silent" as const,
        "interrupted" as const,
        "breaks" as const,
        "refuses" as const,
        "limited" as const,
      ),
    },
  ),
  texts: fc.array(fc.string({ minLength: 1, maxLength: 20, unit: "grapheme" }), { maxLength: 3 }),
  pauseMs: fc.nat(4),
  input: fc.nat(60),
  output: fc.nat(40),
});

const asking: fc.Arbitrary<Asking> = fc.record({
  models: fc.array(fc.array(answer, { minLength: 1, maxLength: 2 }), { minLength: 1, maxLength: 3 }),
  maxOutputTokens: optional(fc.integer({ min: 1, max: 40 })),
  firstTokenTimeoutMs: optional(fc.integer({ min: 1, max: 5 })),
});

const budget: fc.Arbitrary<Budget> = fc.oneof(
  fc.record({ tokens: fc.integer({ min: 20, max: 800 }) }),
  fc.record({ usd: fc.double({ min: 0.1, max: 10, noNaN: true }) }),
  fc.record({
    usd: fc.double({ min: 0.1, max: 10, noNaN: true }),
    tokens: fc.integer({ min: 20, max: 800 }),
    unknownPrice: fc.constantFrom("warn" as const, "estimate" as const, "refuse" as const),
  }),
);

const planOf = (depth: number): fc.Arbitrary<Plan> =>
  fc.record({
    pieces: fc.array(
      fc.record({
        asks: fc.array(asking, { maxLength: 2 }),
        isTogether: fc.boolean(),
        isAfter: fc.boolean(),
        fails: fc.boolean(),
        attempts: fc.integer({ min: 1, max: 3 }),
        timeout: optional(fc.integer({ min: 1, max: 12 }), 5),
        budget: optional(budget),
        child: depth === 0 ? fc.constant(undefined) : optional(planOf(depth - 1)),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    budget: optional(budget),
    isTolerant: fc.boolean(),
  });

export const plans = planOf(2);

/** The third model of a list has no price. */
export const prices: PriceTable = {
  version: "chance",
  models: {
    "mock/m0": { input: 10_000, output: 100_000 },
    "mock/m1": { input: 1000, output: 3000, cachedInput: 100 },
  },
};

/** What models have told of their usage. */
export interface Bill {
  tokens: number;
}

const failure = (statusCode: number): APICallError =>
  new APICallError({
    message: "No",
    url: "https://api.test/v1",
    requestBodyValues: {},
    statusCode,
    responseHeaders: statusCode === 429 ? { "retry-after-ms": "3" } : {},
  });

async function* partsOf(
  { ends, texts, pauseMs, input, output }: Answer,
  { abortSignal }: CallOptions,
  { delay }: VirtualTime,
  bill: Bill,
): AsyncGenerator<ProviderPart> {
  yield START;
  yield { type: "text-start", id: "t" };
  for (const delta of texts) {
    if (pauseMs > 0) await delay(pauseMs, { ...(abortSignal && { abortSignal }) });
    yield { type: "text-delta", id: "t", delta };
  }
  if (ends === "breaks") throw failure(503);
  yield { type: "text-end", id: "t" };
  const isTold = ends !== "silent";
  if (isTold) bill.tokens += input + output;
  yield {
    type: "finish",
    finishReason: { unified: ends === "interrupted" ? "error" : "stop", raw: undefined },
    usage: {
      inputTokens: { total: isTold ? input : undefined, noCache: undefined, cacheRead: 0, cacheWrite: undefined },
      outputTokens: { total: isTold ? output : undefined, text: undefined, reasoning: undefined },
    },
  };
}

/** The stream of a provider, which is pulled part by part. */
export function streamOf(parts: AsyncGenerator<ProviderPart>): ReadableStream<ProviderPart> {
  return new ReadableStream<ProviderPart>({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

function modelOf(answers: readonly Answer[], id: string, time: VirtualTime, bill: Bill): MockLanguageModelV4 {
  let calls = 0;
  return mock(async (options) => {
    const given = answers[calls % answers.length];
    calls += 1;
    if (given === undefined || given.ends === "refuses") throw failure(503);
    if (given.ends === "limited") throw failure(429);
    return { stream: streamOf(partsOf(given, options, time, bill)) };
  }, id);
}

/** The builder of a flow whose chunks are not known to the types. */
interface Loose {
  readonly "~flow": { readonly name: string; readonly input: z.ZodString };
  chunk(name: string, trigger: unknown, work: (payload: never, ctx: Context) => unknown, options?: object): Loose;
}

/** The flow of a plan. */
export function flowOf(plan: Plan, time: VirtualTime, bill: Bill): Loose {
  let it = flow(defineFlow({ name: "chance", input: z.string(), result: z.unknown() })) as unknown as Loose;
  plan.pieces.forEach((piece, index) => {
    const sources = piece.asks.map(({ models, maxOutputTokens, firstTokenTimeoutMs }) => {
      const [first, ...rest] = models.map((answers, which) => modelOf(answers, `m${which}`, time, bill));
      const options = { prompt: "?", prices, firstTokenTimeoutMs, ...(maxOutputTokens && { maxOutputTokens }) };
      return ask(first === undefined ? "none" : [first, ...rest], options);
    });
    const child = piece.child && flowOf(piece.child, time, bill);
    const work = async (_payload: never, ctx: Context): Promise<unknown> => {
      if (piece.isTogether) await Promise.all(sources.map((source) => ctx.text(source)));
      else for (const source of sources) await ctx.text(source);
      if (child !== undefined)
        await ctx.child(child, "", { ...(piece.child?.budget && { budget: piece.child.budget }) });
      if (piece.fails && ctx.attempt === 1) throw new Error("the first attempt");
      return index;
    };
    it = it.chunk(`c${index}`, piece.isAfter && index > 0 ? after(`c${index - 1}`) : start, work, {
      retry: { attempts: piece.attempts, delay: 1, jitter: false },
      ...(piece.timeout !== undefined && { timeout: piece.timeout }),
      ...(piece.budget && { budget: piece.budget }),
    });
  });
  return plan.isTolerant ? it.chunk("handler", failed(), () => "so be it") : it;
}
