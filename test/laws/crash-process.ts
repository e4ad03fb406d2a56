import { type Context, interrupt } from "@sluice/core";
import type { VirtualTime } from "@sluice/testing";
import { z } from "zod";

/** The process that runs a flow. */
export interface Process {
  readonly number: number;
  readonly time: VirtualTime;
  readonly alive: () => boolean;
  /** How many tries of each activation have failed. */
  readonly failures: Map<string, number>;
  /** Something was called that must not be called again when it is done. */
  readonly called: (what: string) => void;
}

export const Approval = interrupt("approval", {
  ask: z.object({ draft: z.string() }),
  answer: z.object({ ok: z.boolean() }),
});

/** The first tries of an activation fail, as the world has it: what has failed and is not in the log has not. */
export function failFirst(times: number, { failures }: Process, { idempotencyKey }: Context): void {
  const before = failures.get(idempotencyKey) ?? 0;
  if (before >= times) return;
  failures.set(idempotencyKey, before + 1);
  throw new Error(`try ${before + 1}`);
}
