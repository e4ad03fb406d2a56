// Does one work in a process of its own, and sends its section to run.ts: `work.ts chain [--quick]`.
import type { MeasureOptions } from "./measure.ts";
import { type Work, measureOptions, workNamed } from "./options.ts";
import type { Section } from "./section.ts";

/** Only one is loaded: others' packages have no part in the process. */
const works: Record<Work, () => Promise<(options: MeasureOptions) => Promise<Section>>> = {
  chain: async () => (await import("./chain.ts")).chain,
  loop: async () => (await import("./loop.ts")).loop,
  fan: async () => (await import("./fan.ts")).fan,
  crowd: async () => (await import("./crowd.ts")).crowd,
  stream: async () => (await import("./stream.ts")).stream,
  waiting: async () => (await import("./waiting.ts")).waiting,
  durable: async () => (await import("./durable.ts")).durable,
  "durable-alone": async () => (await import("./durable-alone.ts")).durableAlone,
  recovery: async () => (await import("./recovery.ts")).recovery,
  serve: async () => (await import("./serve.ts")).serve,
  importing: async () => (await import("./importing.ts")).importing,
  tokens: async () => (await import("./tokens.ts")).tokens,
  instant: async () => (await import("./instant.ts")).instant,
  early: async () => (await import("./early.ts")).early,
};
const [name, flag] = process.argv.slice(2);
const work = await works[workNamed(name)]();
const section = await work(measureOptions({ quick: flag === "--quick" }));
process.send?.(section, () => process.exit()); // some peers would keep it alive
