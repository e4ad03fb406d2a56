// What models use adds up: in the report, in the log, and in every budget's account.
import { ask, usageOf } from "@sluice/ai";
import { type Budget, type Entry, type EntryOf, run } from "@sluice/core";
import { VirtualTime, logOf, virtualTime } from "@sluice/testing";
import { APICallError } from "ai";
import { convertArrayToReadableStream } from "ai/test";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { asking } from "./agent.ts";
import { START, finishPart, mock, textParts } from "./mock-model.ts";
import { type Bill, type Plan, flowOf, plans } from "./random-models.ts";

type Finish = EntryOf<unknown, "model:finish">;
type Threshold = EntryOf<unknown, "budget:threshold_reached">;

const finishesOf = (entries: readonly Entry[]): Finish[] =>
  entries.flatMap((entry) => (entry.type === "model:finish" ? [entry] : []));
const tokensOf = ({ usage: { inputTokens = 0, outputTokens = 0, totalTokens } }: Finish): number =>
  totalTokens ?? inputTokens + outputTokens;

/** What has been spent, added up from the log. */
function sum(finishes: readonly Finish[]): { readonly tokens: number; readonly usd: number } {
  let [tokens, usd] = [0, 0];
  for (const finish of finishes) {
    tokens += tokensOf(finish);
    usd += finish.costUsd ?? 0;
  }
  return { tokens, usd };
}

/** Something that a budget bounds. */
interface Bounded {
  readonly path: readonly string[];
  readonly chunk?: string;
  readonly budget: Budget;
}

/** The chunk that runs each child, by the child's path. */
function runnersOf(entries: readonly Entry[]): Map<string, string> {
  const chunks = new Map<string, string>();
  const runners = new Map<string, string>();
  for (const entry of entries) {
    const path = entry.path.join("/");
    if (entry.type === "chunk:start") chunks.set(`${path} ${entry.activationId}`, entry.chunk);
    if (entry.type !== "flow:start" || entry.parent === undefined) continue;
    runners.set(path, chunks.get(`${entry.path.slice(0, -1).join("/")} ${entry.parent}`) ?? "nobody");
  }
  return runners;
}

/** Everything in a log that has a budget: the root, its chunks, its children and theirs. */
function boundedOf(entries: readonly Entry[], root: Plan): Bounded[] {
  const runners = runnersOf(entries);
  const plansAt = new Map<string, Plan>();
  return entries.flatMap((entry): Bounded[] => {
    if (entry.type !== "flow:start") return [];
    const { path } = entry;
    const runner = runners.get(path.join("/"));
    const above = plansAt.get(path.slice(0, -1).join("/"));
    const plan = runner === undefined ? root : above?.pieces[Number(runner.slice(1))]?.child;
    if (plan === undefined) throw new Error(`No plan for ${path.join("/")}`);
    plansAt.set(path.join("/"), plan);
    const chunks = plan.pieces.flatMap(({ budget }, index) => (budget ? [{ path, chunk: `c${index}`, budget }] : []));
    return plan.budget === undefined ? chunks : [{ path, budget: plan.budget }, ...chunks];
  });
}

/** The calls that are paid from an account. */
function paidFrom(entries: readonly Entry[], { path, chunk }: Pick<Bounded, "path" | "chunk">): Finish[] {
  const runners = runnersOf(entries);
  return finishesOf(entries).filter((finish) => {
    if (path.some((step, depth) => finish.path[depth] !== step)) return false;
    if (chunk === undefined) return true;
    const isBelow = finish.path.length > path.length;
    return chunk === (isBelow ? runners.get(finish.path.slice(0, path.length + 1).join("/")) : finish.chunk);
  });
}

/** Every account that does not add up, one line each. */
function wrongSums(entries: readonly Entry[], plan: Plan): string[] {
  return boundedOf(entries, plan).flatMap((account) => {
    const { path, chunk, budget } = account;
    const name = `${path.join("/")} ${chunk ?? ""} ${JSON.stringify(budget)}`;
    const told = entries.filter(
      (entry): entry is Threshold =>
        entry.type === "budget:threshold_reached" && entry.path.join("/") === path.join("/") && entry.chunk === chunk,
    );
    const wrong = told.flatMap((threshold) => {
      const { tokens, usd } = sum(paidFrom(entries.slice(0, entries.indexOf(threshold)), account));
      const { spentTokens, spentUsd, thresholdPct } = threshold;
      const isRight = spentTokens === tokens && spentUsd === usd;
      return isRight ? [] : [`${name}: ${spentTokens}, $${spentUsd} at ${thresholdPct}%, not ${tokens}, $${usd}`];
    });
    const { tokens, usd } = sum(paidFrom(entries, account));
    const share = Math.max(tokens / (budget.tokens ?? Infinity), usd / (budget.usd ?? Infinity));
    const due = [50, 75, 90, 100].filter((percent) => share * 100 >= percent).join();
    const reached = told.map(({ thresholdPct }) => thresholdPct).join();
    return due === reached ? wrong : [...wrong, `${name}: has told ${reached} and not ${due}`];
  });
}

async function played(plan: Plan, cancelAt: number | undefined) {
  const time = new VirtualTime();
  const bill: Bill = { tokens: 0 };
  const options = { scheduler: time.scheduler, id: "chance", ...(plan.budget && { budget: plan.budget }) };
  const execution = run(flowOf(plan, time, bill), "", options);
  if (cancelAt !== undefined) time.scheduler.schedule(() => execution.cancel("by chance"), cancelAt);
  execution.result.catch(() => {});
  const entries = await time.during(logOf(execution));
  return { entries, bill };
}

describe("over random flows with retries, children, lists of models, budgets and cancels", () => {
  test("the report is the sum of the log, and so is what every budget has counted", async () => {
    const cancelAt = fc.option(fc.nat(15), { nil: undefined, freq: 3 });
    await fc.assert(
      fc.asyncProperty(plans, cancelAt, async (plan, at) => {
        const { entries } = await played(plan, at);
        const finishes = finishesOf(entries);
        const { calls, totalTokens, costUsd, models } = usageOf(entries);
        const starts = entries.filter(({ type }) => type === "model:start").length;
        expect({ calls, totalTokens, costUsd }).toEqual({
          calls: starts,
          totalTokens: sum(finishes).tokens,
          costUsd: sum(finishes).usd,
        });
        expect(Object.values(models).reduce((total, one) => total + one.totalTokens, 0)).toBe(totalTokens);
        expect(wrongSums(entries, plan)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  test("what providers have told is in the log, once", async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { entries, bill } = await played(plan, undefined);
        const { tokens } = sum(finishesOf(entries).filter(({ estimated }) => estimated !== true));
        expect(tokens).toBeLessThanOrEqual(bill.tokens);
        fc.pre(!entries.some(isEnding)); // of one that is ended the last may be on its way
        expect(tokens).toBe(bill.tokens);
      }),
      { numRuns: 300 },
    );
  });
});

/** Whether it tells that a reply was ended by its reader, or by what it may spend. */
function isEnding(entry: Entry): boolean {
  if (entry.type === "model:finish") return entry.finishReason === "aborted";
  if (entry.type === "model:resolved") return entry.reason === "timeout";
  return entry.type === "chunk:failed" && /budget-exceeded|had not begun/.test(JSON.stringify(entry.error));
}

describe("counts once, and not less,", () => {
  const overloaded = () =>
    new APICallError({ message: "No", url: "https://api.test", requestBodyValues: {}, statusCode: 503 });
  const failing = mock(
    async () => ({ stream: convertArrayToReadableStream([START, { type: "error", error: overloaded() }]) }),
    "best",
  );
  const writing = (finish = finishPart()) =>
    mock(async () => ({ stream: convertArrayToReadableStream([START, ...textParts("a", "b", "c"), finish]) }), "next");

  test("a model that has failed, when its successor is cancelled as it starts", () =>
    virtualTime(async ({ execute }) => {
      const execution = execute(asking(ask([failing, writing()], { prompt: "?" })), "");
      execution.on("model:start", ({ model }) => void (model === "mock/next" && execution.cancel("enough")));
      const [failed, cancelled] = finishesOf(await logOf(execution));
      expect(failed).toMatchObject({ model: "mock/best", finishReason: "error", estimated: true });
      expect(cancelled).toMatchObject({ model: "mock/next", finishReason: "aborted" });
      expect(cancelled?.usage).toEqual({});
    }));

  test("a reply that the provider had finished, when its reader is cancelled before its end", () =>
    virtualTime(async ({ execute }) => {
      const execution = execute(asking(ask(writing(), { prompt: "?" })), "");
      execution.on("model:token", ({ delta }) => void (delta === "b" && execution.cancel("enough")));
      const finishes = finishesOf(await logOf(execution));
      expect(finishes).toMatchObject([{ finishReason: "aborted", usage: { inputTokens: 12, outputTokens: 7 } }]);
      expect(finishes[0]).not.toHaveProperty("estimated");
    }));

  test("a reply that is not whole, as the provider has told", () =>
    virtualTime(async ({ execute }) => {
      const entries = await logOf(execute(asking(ask(writing(finishPart("interrupted")), { prompt: "?" })), ""));
      const finishes = finishesOf(entries);
      expect(finishes).toMatchObject([{ finishReason: "error", usage: { inputTokens: 12, outputTokens: 7 } }]);
      expect(finishes[0]).not.toHaveProperty("estimated");
    }));
});
