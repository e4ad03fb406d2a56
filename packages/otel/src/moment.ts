import type { HrTime } from "@opentelemetry/api";

/** A log's time, in Unix milliseconds, as OpenTelemetry takes it: small numbers would be taken for `performance.now()`. */
export function moment(at: number): HrTime {
  const seconds = Math.floor(at / 1000);
  return [seconds, Math.round((at - seconds * 1000) * 1e6)];
}
