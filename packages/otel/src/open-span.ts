import {
  type Attributes,
  type Context,
  type Span,
  type SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { moment } from "./moment.ts";

/** Where a span begins. */
export interface SpanPlace {
  readonly tracer: Tracer;
  readonly parent: Context;
}

/** A span that has not ended, with times of the log. */
export class OpenSpan {
  readonly startedAt: number;
  readonly #span: Span;
  readonly #context: Context;
  readonly #tracer: Tracer;

  constructor({ tracer, parent }: SpanPlace, name: string, at: number, kind: SpanKind, attributes: Attributes) {
    this.startedAt = at;
    this.#tracer = tracer;
    this.#span = tracer.startSpan(name, { kind, attributes, startTime: moment(at) }, parent);
    this.#context = trace.setSpan(parent, this.#span);
  }

  /** Whether anybody will see it. */
  get isRecording(): boolean {
    return this.#span.isRecording();
  }

  /** A span within it begins. */
  begin(name: string, at: number, kind: SpanKind, attributes: Attributes): OpenSpan {
    return new OpenSpan({ tracer: this.#tracer, parent: this.#context }, name, at, kind, attributes);
  }

  set(attributes: Attributes): this {
    this.#span.setAttributes(attributes);
    return this;
  }

  event(name: string, at: number, attributes: Attributes): void {
    this.#span.addEvent(name, attributes, moment(at));
  }

  /** It has gone wrong: `type` is one word for why, a code. */
  fail(type: string, message?: string): this {
    this.#span.setAttribute("error.type", type);
    this.#span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) });
    return this;
  }

  end(at: number): void {
    this.#span.end(moment(at));
  }
}
