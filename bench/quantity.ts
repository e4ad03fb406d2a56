/** What is measured: milliseconds of time or of processors, or bytes. */
export type Quantity = "time" | "CPU time" | "memory";

/** A cost as it stands in a table. */
export function formatted(quantity: Quantity, cost: number): string {
  return quantity === "memory" ? memory(cost) : duration(cost);
}

/** Three digits and a unit; `ms` is in milliseconds. */
export function duration(ms: number): string {
  if (ms < 0.001) return `${significant(ms * 1_000_000)} ns`;
  if (ms < 1) return `${significant(ms * 1_000)} µs`;
  return ms < 1_000 ? `${significant(ms)} ms` : `${significant(ms / 1_000)} s`;
}

/** How many times as much. */
export function times(factor: number): string {
  return factor >= 100 ? Math.round(factor).toLocaleString("en") : significant(factor);
}

function memory(bytes: number): string {
  if (bytes < 1_024) return `${significant(bytes)} B`;
  return bytes < 1_048_576 ? `${significant(bytes / 1_024)} KB` : `${significant(bytes / 1_048_576)} MB`;
}

function significant(number: number): string {
  return number >= 100 ? number.toFixed(0) : number >= 10 ? number.toFixed(1) : number.toFixed(2);
}
