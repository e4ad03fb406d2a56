// An execution as an OpenTelemetry trace, printed as a tree. In an application, register an SDK with an exporter instead.
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { ask } from "@sluice/ai";
import { type ContextOf, defineFlow, instant, run, start } from "@sluice/core";
import { chunk, flow, on } from "@sluice/decorators";
import { traceExecution } from "@sluice/otel";
import { z } from "zod";
import { tinyModel } from "./tiny-model/index.ts";

const Triage = instant("triage", z.object({ category: z.string(), summary: z.string(), steps: z.array(z.string()) }));
const spec = defineFlow({ name: "triage", input: z.string(), stream: z.string() });
type Ctx = ContextOf<typeof spec>;
const model = tinyModel({ tokensPerSecond: 400 });
let fails = 1;

@flow(spec)
class Tickets {
  @on(start)
  async read(ticket: string, ctx: Ctx) {
    await ctx.instant(Triage, ask(model, { prompt: ticket, temperature: 0 }));
  }

  @chunk({ retry: { attempts: 2, delay: 20 } })
  @on(Triage.field("category"))
  lookUp() {
    if (fails-- > 0) throw new Error("the register is busy");
  }
}

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });

const execution = run(Tickets, "I was charged twice for my order 7 of a kettle. Please send the money back.");
traceExecution(execution, { tracer: provider.getTracer("example") });
await execution.result;

const spans = exporter.getFinishedSpans().toSorted((a, b) => ms(a.startTime) - ms(b.startTime));
show(undefined, "");

function show(parent: string | undefined, indent: string): void {
  for (const span of spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)) {
    const { "error.type": failed } = span.attributes;
    console.log(`${indent}${span.name}${typeof failed === "string" ? ` failed: ${failed}` : ""}`);
    for (const { name, attributes } of span.events) {
      const path = attributes?.["sluice.field.path"];
      if (name !== "exception") console.log(`${indent}  · ${name}${typeof path === "string" ? ` ${path}` : ""}`);
    }
    show(span.spanContext().spanId, `${indent}    `);
  }
}

function ms([seconds, nanos]: [number, number]): number {
  return seconds * 1000 + nanos / 1e6;
}
