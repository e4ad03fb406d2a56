import type { ModelCall, ModelPart, ModelRequest } from "../../packages/core/src/index.ts";
import { replay, virtualTime } from "../../packages/testing/src/index.ts";
import { type Way, lookUpMs } from "./way.ts";

/** What happened when, in milliseconds of virtual time from the beginning on. */
export interface Played {
  readonly name: string;
  /** When the model's stream ended, or was left. */
  readonly modelEnd: number;
  /** Tokens that the model gave out. */
  readonly tokens: number;
  /** When each look-up began; it takes `lookUpMs`. In that order. */
  readonly lookUps: readonly number[];
  readonly end: number;
  readonly found: readonly string[] | undefined;
}

/**
 * One way, on one recording, in virtual time: only waiting counts, and it is the same in each run.
 *
 * @param atOnce look-ups at the same time, at most
 */
export async function play({ name, run }: Way, file: string, atOnce = Number.POSITIVE_INFINITY): Promise<Played> {
  const lookUps: number[] = [];
  const given: Given = { tokens: 0, modelEnd: 0 };
  let found: readonly string[] | undefined;
  let end = 0;
  await virtualTime(async (time) => {
    const model = watched(replay(file, { delay: time.delay }), given, time.now);
    const lookUp = async (step: string): Promise<string> => {
      lookUps.push(time.now());
      await time.delay(lookUpMs);
      return `an article on "${step}"`;
    };
    found = await run({ model, lookUp, atOnce, time });
    end = time.now();
  });
  return { name, ...given, lookUps, end, found };
}

/** What a model has given so far. */
interface Given {
  tokens: number;
  modelEnd: number;
}

/** The same model; what it gives is counted. */
function watched({ model, stream }: ModelCall, given: Given, now: () => number): ModelCall {
  async function* watching(request: ModelRequest): AsyncGenerator<ModelPart> {
    try {
      for await (const part of stream(request)) {
        if (part.type === "text") given.tokens += 1; // each piece of these recordings is a token
        yield part;
      }
    } finally {
      given.modelEnd = now();
    }
  }
  return { model, stream: watching };
}
