// Real processes, a real file, SIGKILL: what was stored is never lost, and what was completed is never done again.
import { expect, test } from "vitest";
import { killed } from "./kill/supervisor.ts";

const kills = Number(process.env["SLUICE_KILLS"] ?? 200);
const seed = Number(process.env["SLUICE_KILL_SEED"] ?? Date.now() % 1_000_000_000);

test(
  "S26 whenever its process is killed, an execution goes on, loses nothing, and does nothing twice",
  { timeout: 120_000 + kills * 2_000 },
  async () => {
    const { violations, ...counts } = await killed({ kills, seed });
    const told = Object.entries({ ...counts, violations: violations.length }).map(
      ([name, count]) => `${count} ${name}`,
    );
    console.info(`SLUICE_KILL_SEED=${seed}: ${told.join(", ")}`);
    expect(violations).toEqual([]);
    expect(counts.kills).toBeGreaterThanOrEqual(kills);
  },
);
