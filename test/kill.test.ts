// Real processes, a real file: whatever ends them or takes their executions from them, what was stored stays, and what was completed is not done again.
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import type { Findings } from "./kill/inquest.ts";
import { filled, killed, takenOver } from "./kill/supervisor.ts";

const kills = Number(process.env["SLUICE_KILLS"] ?? 200);
const seed = Number(process.env["SLUICE_KILL_SEED"] ?? Date.now() % 1_000_000_000);

/** The counts of what was found, as they are printed. */
function told(name: string, { violations, ...counts }: Findings): void {
  const all = Object.entries({ ...counts, violations: violations.length });
  console.info(`${name}, SLUICE_KILL_SEED=${seed}: ${all.map(([what, count]) => `${count} ${what}`).join(", ")}`);
}

test(
  "S26 whenever its process is killed, an execution goes on, loses nothing, and does nothing twice",
  { timeout: 120_000 + kills * 3_000 },
  async () => {
    const found = await killed({ kills, seed });
    told("killed", found);
    expect(found.violations).toEqual([]);
    expect(found.kills).toBeGreaterThanOrEqual(kills);
  },
);

test.runIf(existsSync("/bin/bash"))(
  "on a full disk executions stop with store-failed, their process does not, and they go on when there is room",
  { timeout: 180_000 },
  async () => {
    const found = await filled({ seed });
    told("full disk", found);
    expect(found.violations).toEqual([]);
    expect(found.stopped).toBeGreaterThan(0);
  },
);

test(
  "S29 what another process takes over stops here with claim-lost, and goes on there",
  { timeout: 180_000 },
  async () => {
    const found = await takenOver({ files: 3, seed });
    told("taken over", found);
    expect(found.violations).toEqual([]);
    expect(found.stopped).toBeGreaterThan(0);
  },
);
