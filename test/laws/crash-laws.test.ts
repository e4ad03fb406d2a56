import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteStore } from "@sluice/sqlite";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type CrashPlan, crashPlans } from "./crash-flow.ts";
import { endOf, logBreaks } from "./crash-lawful.ts";
import { type Fate, lived } from "./crash-life.ts";
import type { PromptStore } from "./mortal-store.ts";

/** More by hand: `CRASH_RUNS=20000 CRASH_SEED=7 npx vitest run test/laws/crash-laws.test.ts`. */
const { CRASH_RUNS: numRuns = "300", CRASH_SEED: seed, CRASH_PATH: path } = process.env;

const fates: fc.Arbitrary<Fate> = fc.record({
  deaths: fc.array(
    fc.record({
      after: fc.integer({ min: 1, max: 14 }),
      taken: fc.boolean(),
      how: fc.constantFrom("silent", "silent", "throws", "release", "takeover"),
      letters: fc.boolean(),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  durability: fc.constantFrom("sync", "async", "exit"),
  checkpointEvery: fc.constantFrom(1, 2, 5, 2_000),
  slow: fc.oneof(fc.constant([]), fc.array(fc.nat(2), { maxLength: 4 })),
});
const calm: Fate = { deaths: [], durability: "sync", checkpointEvery: 2_000, slow: [] };

/** An execution has lived through its deaths: nothing is wrong. */
async function expectRight(plan: CrashPlan, fate: Fate, store?: PromptStore): Promise<void> {
  const life = await lived(plan, fate, store);
  expect(life.broken).toEqual([]);
  expect(logBreaks(life.entries, life.graph)).toEqual([]);
  if (!plan.steady) return;
  const whole = await lived(plan, calm);
  expect(whole.broken).toEqual([]);
  expect(endOf(life.entries)).toEqual(endOf(whole.entries));
}

test("S26 whatever ends its processes, an execution comes to the end that it would have come to", async () => {
  await fc.assert(
    fc.asyncProperty(crashPlans, fates, (plan, fate) => expectRight(plan, fate)),
    {
      numRuns: Number(numRuns),
      ...(seed !== undefined && { seed: Number(seed) }),
      ...(path !== undefined && { path, endOnFailure: true }),
      interruptAfterTimeLimit: 600_000, // a case that is made smaller may take long
    },
  );
}, 3_600_000);

test("S26 so it does in a file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-crash-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let files = 0;
  await fc.assert(
    fc.asyncProperty(crashPlans, fates, async (plan, fate) => {
      const store = sqliteStore(join(folder, `${(files += 1)}.db`));
      await expectRight(plan, fate, store);
      store.close();
    }),
    { numRuns: Math.ceil(Number(numRuns) / 10), endOnFailure: true },
  );
}, 3_600_000);
