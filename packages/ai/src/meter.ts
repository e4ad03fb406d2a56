import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { type Allowance, type Amount, SluiceError, type SourceClock, type Spent, type Usage } from "@sluice/core";
import { type LanguageModel, gateway, simulateReadableStream, wrapLanguageModel } from "ai";
import { answerOf } from "./answer.ts";
import type { Limiter } from "./limiter.ts";
import { type Price, type PriceTable, costOf, dearestOf, priceOf } from "./prices.ts";
import { KeptAnswer, type ReplyCache, keyOf } from "./reply-cache.ts";
import { retryAfter } from "./retry-after.ts";
import { bytesOf, inputTokensOf, tokensOfBytes } from "./token-estimate.ts";

/** What a meter counts with. */
export interface MeterOptions {
  readonly prices: PriceTable;
  /** What may be spent; undefined where nothing is limited. */
  readonly allowance: Allowance | undefined;
  readonly limiter: Limiter | undefined;
  readonly cache: ReplyCache | undefined;
  /** Whether the cache may answer; what is answered anew is kept there in any case. */
  readonly isCacheRead: boolean;
  readonly clock: SourceClock | undefined;
}

type PartController = TransformStreamDefaultController<LanguageModelV4StreamPart>;

const fromCache: Spent = { usage: {}, cached: true };

/** A call that has not ended. */
interface OpenCall {
  readonly model: string;
  readonly price: Price | undefined;
  /** An estimate. */
  readonly inputTokens: number;
  /** What is reserved; undefined where nothing is limited. */
  readonly granted: Amount | undefined;
  /** Tells the limiter what the call has used; undefined where there is none. */
  readonly settle: ((tokens: number) => void) | undefined;
  /** Of what has been written. */
  bytes: number;
  /** Whether its answer came at once: it is paid for then, and stopping it would save nothing. */
  isWhole: boolean;
}

/**
 * Counts what the calls of one generation use, and holds them to what they may spend: it reserves before each call from
 * what the model may write, and stops one that would cross the budget.
 */
export class Meter {
  readonly #prices: PriceTable;
  readonly #allowance: Allowance | undefined;
  readonly #options: MeterOptions;
  #call: OpenCall | "cached" | undefined;
  /** What calls have used that have ended, but not for the reader yet. Oldest first. */
  #untold: Spent[] = [];

  constructor(options: MeterOptions) {
    this.#options = options;
    this.#prices = options.prices;
    this.#allowance = options.allowance;
  }

  /** The same model; its calls are counted. @throws SluiceError `budget-exceeded` or `price-unknown`, by its calls */
  metered(model: LanguageModel, name: string): LanguageModelV4 {
    const given =
      typeof model === "string" ? (globalThis.AI_SDK_DEFAULT_PROVIDER ?? gateway).languageModel(model) : model;
    let canStream = typeof given.doStream === "function"; // a provider's own model may have none, whatever its type says
    return wrapLanguageModel({
      model: given,
      middleware: {
        specificationVersion: "v4",
        wrapStream: async ({ model: asked, params }) => {
          const { cache, isCacheRead, limiter, clock } = this.#options;
          const key = cache && keyOf(name, params);
          const known = key !== undefined && isCacheRead ? await cache?.get(key) : undefined;
          if (known !== undefined) {
            this.#call = "cached";
            return {
              stream: simulateReadableStream({
                chunks: known as LanguageModelV4StreamPart[],
                initialDelayInMs: null,
                chunkDelayInMs: null,
              }),
            }; // what was kept
          }
          const call = await this.#open(name, params);
          const answer = await answerOf(asked, params, canStream).then(undefined, (error: unknown) => {
            const pause = retryAfter(error);
            call.settle?.(0);
            if (clock !== undefined && pause !== undefined) limiter?.pause(clock.now() + pause.msFrom(clock.now()));
            throw error;
          });
          const { isWhole, ...result } = answer;
          canStream = !isWhole;
          call.isWhole = isWhole;
          if (params.abortSignal?.aborted !== true) this.#call = call; // a model that is deaf may answer after the next one
          const kept = new KeptAnswer();
          const transform = (part: LanguageModelV4StreamPart, controller: PartController): void => {
            this.#note(call, part);
            if (key !== undefined) kept.note(part);
            controller.enqueue(part);
          };
          const flush = async (): Promise<void> => {
            if (key !== undefined && kept.whole !== undefined) await cache?.set(key, kept.whole);
          };
          return { ...result, stream: result.stream.pipeThrough(new TransformStream({ transform, flush })) };
        },
      },
    });
  }

  /** The open call has ended. @returns what it has used, to be `told`; an estimate where the provider does not tell */
  finish(model: string, usage: Usage): Spent {
    const spent = this.#settled(model, usage);
    this.#untold.push(spent);
    return spent;
  }

  /** The reader has been told what the oldest call has used of those that have ended. */
  told(): void {
    this.#untold.shift();
  }

  /** What has been used so far without being told, by an estimate for the open call; undefined when there is nothing. */
  spent(): Spent | undefined {
    const open = this.#spentByOpen();
    return sumOf(open === undefined ? this.#untold : [...this.#untold, open]);
  }

  /** All that has been used is told, and no call is open. */
  forget(): void {
    this.#untold = [];
    this.#call = undefined;
  }

  #settled(model: string, usage: Usage): Spent {
    const call = this.#call;
    const estimate = this.#spentByOpen();
    this.#call = undefined;
    if (call === "cached") return fromCache;
    const price = call?.model === model ? call.price : priceOf(this.#prices, model);
    const isTold = usage.inputTokens !== undefined || usage.outputTokens !== undefined;
    const spent = isTold || estimate === undefined ? this.#priced(usage, price) : estimate;
    const { inputTokens = 0, outputTokens = 0, totalTokens = inputTokens + outputTokens } = spent.usage;
    call?.settle?.(totalTokens);
    return spent;
  }

  /** By an estimate; undefined when no call is open, or it has not been answered. */
  #spentByOpen(): Spent | undefined {
    const call = this.#call;
    if (call === undefined) return undefined;
    if (call === "cached") return fromCache;
    const outputTokens = tokensOfBytes(call.bytes);
    const { inputTokens } = call;
    const usage = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
    return { ...this.#priced(usage, call.price), estimated: true };
  }

  /** Whether a call may be made in full. */
  affords(model: string, inputTokens: number, maxOutputTokens: number | undefined): boolean {
    const left = this.#allowance?.left() ?? {};
    const price = this.#known(model);
    if (price === undefined && left.usd !== undefined && this.#allowance?.unknownPrice === "refuse") return false;
    const { usd, tokens } = mostOf(inputTokens, maxOutputTokens, price);
    return usd <= (left.usd ?? Infinity) && tokens <= (left.tokens ?? Infinity);
  }

  #priced(usage: Usage, price: Price | undefined): Spent {
    if (price === undefined) return { usage };
    return { usage, costUsd: costOf(usage, price), prices: this.#prices.version };
  }

  /** The price of a model, or what it counts as. */
  #known(model: string): Price | undefined {
    const price = priceOf(this.#prices, model);
    if (price !== undefined || this.#allowance?.left().usd === undefined) return price;
    return this.#allowance.unknownPrice === "estimate" ? dearestOf(this.#prices) : undefined;
  }

  async #open(model: string, params: LanguageModelV4CallOptions): Promise<OpenCall> {
    this.#call = undefined;
    const allowance = this.#allowance;
    const price = this.#known(model);
    const inputTokens = inputTokensOf(params);
    const { limiter, clock } = this.#options;
    const expected = inputTokens + (params.maxOutputTokens ?? 0);
    const settle = clock && (await limiter?.enter(expected, clock, params.abortSignal));
    const call = { model, price, inputTokens, settle, bytes: 0, isWhole: false };
    if (allowance === undefined) return { ...call, granted: undefined };
    if (price === undefined && allowance.left().usd !== undefined) {
      if (allowance.unknownPrice === "refuse") throw unknownPrice(model, this.#prices);
      allowance.unpriced(model);
    }
    const least = mostOf(inputTokens, 1, price);
    const most = mostOf(inputTokens, params.maxOutputTokens, price);
    try {
      return { ...call, granted: await allowance.reserve(least, most, params.abortSignal) };
    } catch (error) {
      settle?.(0);
      throw error;
    }
  }

  /** Counts a part of an answer. @throws SluiceError `budget-exceeded` */
  #note(call: OpenCall, part: LanguageModelV4StreamPart): void {
    const { granted, inputTokens, price, isWhole } = call;
    if (isWhole && part.type === "tool-call") call.bytes += bytesOf(part.input);
    if (part.type !== "text-delta" && part.type !== "reasoning-delta" && part.type !== "tool-input-delta") return;
    call.bytes += bytesOf(part.delta);
    if (granted === undefined || isWhole) return;
    const left = this.#allowance?.left() ?? {};
    const { usd, tokens } = mostOf(inputTokens, tokensOfBytes(call.bytes), price);
    const isOver =
      usd > (left.usd === undefined ? Infinity : left.usd + (granted.usd ?? 0)) ||
      tokens > (left.tokens === undefined ? Infinity : left.tokens + (granted.tokens ?? 0));
    if (isOver) throw crossed(call.model);
  }
}

/** What several calls have used and cost; undefined for none. */
function sumOf([first, ...rest]: readonly Spent[]): Spent | undefined {
  return first && rest.reduce(plus, first);
}

function plus(one: Spent, other: Spent): Spent {
  const usage: Record<string, number> = { ...one.usage };
  for (const [count, tokens] of Object.entries(other.usage)) usage[count] = (usage[count] ?? 0) + tokens;
  const isPriced = one.costUsd !== undefined || other.costUsd !== undefined;
  const prices = one.prices ?? other.prices;
  return {
    usage,
    ...(isPriced && { costUsd: (one.costUsd ?? 0) + (other.costUsd ?? 0) }),
    ...(prices !== undefined && { prices }),
    ...((one.estimated ?? other.estimated) && { estimated: true }),
    ...(one.cached && other.cached && { cached: true }),
  };
}

/** What a call may use and cost at most, when it writes so many tokens. */
function mostOf(inputTokens: number, maxOutputTokens: number | undefined, price: Price | undefined): Required<Amount> {
  const outputTokens = maxOutputTokens ?? price?.maxOutputTokens ?? Infinity;
  const tokens = inputTokens + outputTokens;
  if (price === undefined) return { usd: 0, tokens };
  const usd = costOf({ inputTokens, outputTokens }, price);
  return { usd: Number.isNaN(usd) ? costOf({ inputTokens }, price) : usd, tokens }; // no limit, at no price
}

function crossed(model: string): SluiceError {
  return new SluiceError("budget-exceeded", {
    what: `The reply of the model "${model}" was stopped: by an estimate it has used up what is left of the budget`,
    mend: "Raise the budget, ask for less (`maxOutputTokens`), or answer the failure in a chunk on failed(…)",
    retryable: false,
  });
}

function unknownPrice(model: string, { version }: PriceTable): SluiceError {
  return new SluiceError("price-unknown", {
    what: `The price of the model "${model}" is not in the table ${version}, and the budget refuses such models`,
    mend: "Give ask() `prices` that have it, or the budget another `unknownPrice`",
    retryable: false,
  });
}
