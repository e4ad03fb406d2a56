import { getHeapStatistics } from "node:v8";
import type { Contestant } from "./measure.ts";

const warmUps = 20;
const runs = 10;

/** Bytes that one run of a contestant allocates on the heap, whatever is collected meanwhile; NaN where Node does not tell. */
export async function allocatedBytes({ once }: Contestant): Promise<number> {
  for (let run = 0; run < warmUps; run += 1) await once();
  const before = allocated();
  for (let run = 0; run < runs; run += 1) await once();
  return (allocated() - before) / runs;
}

function allocated(): number {
  const statistics = getHeapStatistics() as object as { readonly total_allocated_bytes?: number }; // since Node 25
  return statistics.total_allocated_bytes ?? Number.NaN;
}
