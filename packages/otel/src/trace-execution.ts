import { type Context, type Tracer, context, trace } from "@opentelemetry/api";
import type { Execution } from "@sluice/core";
import { ExecutionSpans } from "./execution-spans.ts";

/** How an execution is traced. */
export interface TraceOptions {
  /** Makes the spans. @default that of the registered SDK */
  readonly tracer?: Tracer;
  /** What the trace is within. @default the context in which `traceExecution` is called */
  readonly parent?: Context;
  /**
   * Whether inputs, outputs, what models write and the messages of errors, which may quote them, are recorded. What models
   * are asked is not in the log: the `telemetry` of the AI SDK records it. @default false
   */
  readonly content?: boolean;
}

/**
 * Traces an execution: spans for it and its children, for each attempt of a chunk, each call of a model and each tool, all
 * with the times of the log. Begin with it before the execution starts, or later: what is retained is traced, too, if that
 * is all of it. Where no
 * SDK is registered, or the trace is not sampled, it lets go with the first entry.
 *
 * The spans are made from the log: they are not the active context of the chunks' code.
 *
 * @returns stops tracing; what is open ends with the last entry that was seen
 */
export function traceExecution(
  execution: Pick<Execution, "events$">,
  { tracer = trace.getTracer("@sluice/otel"), parent = context.active(), content = false }: TraceOptions = {},
): () => void {
  const spans = new ExecutionSpans({ tracer, parent, content });
  let subscription: { unsubscribe(): void } | undefined;
  let left = false;
  const leave = (): void => {
    left = true;
    spans.leave();
    subscription?.unsubscribe();
  };
  subscription = execution.events$.subscribe((entry) => {
    if (!left && !spans.note(entry)) leave();
  });
  if (left) subscription.unsubscribe(); // while it was being subscribed
  return leave;
}
