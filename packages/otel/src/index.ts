export { type TraceOptions, traceExecution } from "./trace-execution.ts";
