// Keeps executions of one contestant waiting, and sends what each of them holds in memory: `wait.ts sluice [--quick]`. It is
// a process of its own, so that there is nothing else in the heap.
import type { Waiter } from "./contestants/waiter.ts";

const warmUps = 100;
const payload = 7;

const [file, flag] = process.argv.slice(2);
const { waiter } = (await import(`./contestants/${file}.ts`)) as { waiter: () => Waiter<unknown> };
const { name, begin, wake, count = 10_000 } = waiter();
const amount = flag === "--quick" ? count / 10 : count;

const warm = await beginAll(warmUps);
const before = retained();
const waiting = await beginAll(amount);
const bytes = (retained() - before) / amount;
for (const one of [...warm, ...waiting.filter((_, index) => index % 100 === 0)]) {
  const value = await wake(one, payload);
  if (value !== payload)
    throw new Error(`${name} gives a wrong value, ${String(value)}: see its file in bench/contestants`);
}
process.send?.({ name, bytes, amount }, () => process.exit()); // some peers would keep it alive

async function beginAll(amount: number): Promise<unknown[]> {
  const all: unknown[] = new Array(amount);
  for (let index = 0; index < amount; index += 1) all[index] = await begin();
  return all;
}

/** Bytes that are still held after a collection: of the heap, and of buffers outside it. */
function retained(): number {
  for (let collection = 0; collection < 3; collection += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
