import type { ExecutionStatus } from "@sluice/core";
import { paint } from "./paint.ts";

const looks: Readonly<Record<ExecutionStatus, readonly [mark: string, colour: (text: string) => string]>> = {
  running: ["▸", paint.busy],
  waiting: ["?", paint.asks],
  completed: ["✓", paint.good],
  failed: ["✗", paint.bad],
  timeout: ["✗", paint.bad],
  cancelled: ["■", paint.warn],
};

/** A status with its mark. @param width of both together, in characters */
export function toldStatus(status: ExecutionStatus, width = 0): string {
  const [mark, colour] = looks[status];
  return colour(`${mark} ${status}`.padEnd(width));
}
