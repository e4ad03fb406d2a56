import type { Context, OpenOptions, StepOptions, TextReply } from "../define/context.ts";
import type { EventDef } from "../define/event.ts";
import type { Instant } from "../define/instant.ts";
import type { Interrupt } from "../define/interrupt.ts";
import type { ChildOptions, Runnable } from "../define/runnable.ts";
import type { TokenSource } from "../define/token-source.ts";
import { isTrigger } from "../define/trigger.ts";
import { SluiceError } from "../error/sluice-error.ts";
import { excerpt } from "../error/excerpt.ts";
import { validate } from "../schema/validate.ts";
import { aborted } from "./abort.ts";
import type { Attempt } from "./attempt.ts";
import { EarlierSignals } from "./earlier-signals.ts";
import type { Host } from "./host.ts";
import { readInstant } from "./instant-reading.ts";
import { sleep } from "./sleep.ts";
import { changeState } from "./state-store.ts";
import { takeStep } from "./steps.ts";
import { readText } from "./text-reading.ts";
import { readingInputs } from "./tool-inputs.ts";

/**
 * The ctx of one attempt. Its functions are made when they are read, so that they can be taken apart
 * (`({ emit }) => …`) and an attempt that needs none pays for none. When the attempt has ended, they do nothing and
 * leave a live `chunk:late` entry.
 */
export class ChunkContext implements Omit<Context, "~spec"> {
  readonly #host: Host;
  readonly #attempt: Attempt;

  constructor(host: Host, attempt: Attempt) {
    this.#host = host;
    this.#attempt = attempt;
  }

  get signal(): Context["signal"] {
    const { arrival, event } = this.#attempt.activation;
    const { id, path, indexes, interrupt } = arrival;
    return { id, event, path, indexes, ...(interrupt !== undefined && { interrupt }) };
  }

  get abortSignal(): AbortSignal {
    return this.#attempt.abort.signal;
  }

  get executionId(): string {
    return this.#host.id;
  }

  get activationId(): string {
    return this.#attempt.activation.id;
  }

  get attempt(): number {
    return this.#attempt.number;
  }

  get idempotencyKey(): string {
    return this.#host.keyOf(this.#attempt);
  }

  get putIntoStream(): Context["putIntoStream"] {
    return (item) => {
      const attempt = this.#attempt;
      if (this.#isOver("putIntoStream", true, this.#host.streamStopped)) return;
      const valid = validate(this.#schema("stream", "putIntoStream"), item, {
        code: "item-invalid",
        what: "The stream item",
        where: attempt.where,
        mend: "Put in what the flow's `stream` schema says, or widen it",
      });
      attempt.shown = true;
      this.#host.putItem(attempt, valid);
    };
  }

  get stopStream(): Context["stopStream"] {
    return () => {
      if (this.#isOver("stopStream") || this.#host.streamStopped) return;
      this.#host.append({ type: "stream:stop", ...this.#attempt.origin() });
    };
  }

  get setResult(): Context["setResult"] {
    return (value) => {
      if (this.#isOver("setResult")) return;
      this.#attempt.result = { value: this.#valid("setResult", value) };
    };
  }

  get end(): Context["end"] {
    return (...results: readonly unknown[]) => {
      if (this.#isOver("end")) return;
      if (results.length > 0) this.#attempt.result = { value: this.#valid("end", results[0]) };
      this.#host.end(this.#attempt);
    };
  }

  get emit(): Context["emit"] {
    return (event, payload) => {
      const attempt = this.#attempt;
      if (this.#isOver("emit")) return "";
      const valid = validatePayload(event, payload, attempt.where);
      return this.#emittedBefore(event.name, valid) ?? this.#host.emit(attempt, event.name, valid);
    };
  }

  get state(): Context["state"] {
    const change = (call: string, work: (draft: Record<string, unknown>) => void): void => {
      const host = this.#host;
      if (this.#isOver(call)) return;
      const made = changeState(host.state, host.spec.state, work, this.#attempt.where);
      if (made !== undefined) host.append({ type: "state:changed", ...this.#attempt.origin(), ...made });
    };
    return {
      get: (key) => this.#host.state[key as string],
      set: (key, value) => change("state.set", (draft) => void (draft[key as string] = value)),
      update: (work) => change("state.update", work as (draft: Record<string, unknown>) => void),
    };
  }

  get instant(): Context["instant"] {
    return ((reply: Instant, source: TokenSource, options?: OpenOptions) => {
      if (this.#isOver("instant")) return late(this.#attempt);
      return readInstant(this.#host, this.#attempt, { ...options, reply, source: this.#read(source) });
    }) as Context["instant"]; // the reply's type is known to the caller only
  }

  get stop(): Context["stop"] {
    return ({ name }) => {
      if (!this.#isOver("stop")) this.#host.stop(this.#attempt, name);
    };
  }

  get interrupt(): Context["interrupt"] {
    return (question, payload) =>
      this.#isOver("interrupt") ? "" : this.#host.people.interrupt(this.#attempt, question, payload);
  }

  get ask(): Context["ask"] {
    return ((question: Interrupt, payload: unknown) => {
      if (this.#isOver("ask")) return late(this.#attempt);
      return this.#host.people.ask(this.#attempt, question, payload);
    }) as Context["ask"]; // the answer's type is known to the caller only
  }

  get step(): Context["step"] {
    return ((name: string, work: (step: StepOptions) => unknown) => {
      if (this.#isOver("step")) return late(this.#attempt);
      return takeStep(this.#host, this.#attempt, name, work);
    }) as Context["step"]; // the value's type is known to the caller only
  }

  get sleep(): Context["sleep"] {
    return (ms) => (this.#isOver("sleep") ? late(this.#attempt) : sleep(this.#host, this.#attempt, ms));
  }

  get child(): Context["child"] {
    return ((flow: Runnable, input: unknown, options?: ChildOptions<Runnable>) => {
      if (this.#isOver("child")) return late(this.#attempt);
      return this.#host.child(this.#attempt, flow, input, options ?? {});
    }) as Context["child"]; // the child's types are known to the caller only
  }

  get text(): Context["text"] {
    return (source) => this.#text("text", source, false);
  }

  get generate(): Context["generate"] {
    return (source) => this.#text("generate", source, true);
  }

  /** The id of an equal signal that an earlier attempt has emitted. */
  #emittedBefore(event: string, payload: unknown): string | undefined {
    const [attempt, { done }] = [this.#attempt, this.#host.machine];
    // how often an undoing was begun is not in the log
    if (attempt.number === 1 && !attempt.undoes) return undefined;
    attempt.earlier ??= new EarlierSignals((name) => done.signals(attempt.owner, name));
    return attempt.earlier.match(event, payload);
  }

  #text(call: string, source: TokenSource, quiet: boolean): TextReply {
    return readText(this.#host, this.#attempt, this.#read(source), { late: this.#isOver(call), quiet });
  }

  #read(source: TokenSource): TokenSource {
    return readingInputs(this.#host, this.#attempt, source);
  }

  #valid(call: string, result: unknown): unknown {
    const { where } = this.#attempt;
    const valid = validate(this.#schema("result", call), result, {
      code: "result-invalid",
      what: "The result",
      where,
      mend: "Set what the flow's `result` schema says, or widen it",
    });
    const refused = this.#host.keeper?.refusal(valid, where);
    if (refused !== undefined) throw refused;
    return valid;
  }

  /** Whether a call comes too late. @throws SluiceError `live-chunk` for what a live chunk may not do. */
  #isOver(call: string, inLive = false, stopped = false): boolean {
    const attempt = this.#attempt;
    if (attempt.live && !inLive) {
      throw new SluiceError("live-chunk", {
        what: `A chunk on delta or opened may only put items into the stream; this one called ${call}`,
        where: attempt.where,
        mend: "Do it in a chunk on the complete field, on done, or on an event",
        retryable: false,
      });
    }
    if (!attempt.ended && !stopped) return false;
    this.#host.append({ type: "chunk:late", ...attempt.origin(), call }, true);
    return true;
  }

  #schema(kind: "stream" | "result", call: string) {
    const { spec } = this.#host;
    const schema = spec[kind];
    if (schema !== undefined) return schema;
    throw new SluiceError("schema-missing", {
      what: `${call} was called, and the flow has no \`${kind}\` schema`,
      where: this.#attempt.where,
      mend: `Give its spec one: ${kind}: z.…`,
      retryable: false,
    });
  }
}

/**
 * The payload of an event as its schema puts it out.
 *
 * @throws SluiceError `payload-invalid`, or `event-unknown` for what is no event
 */
export function validatePayload(event: EventDef, payload: unknown, where: string): unknown {
  if (!isTrigger(event) || event.plan.on !== "event") {
    throw new SluiceError("event-unknown", {
      what: `${excerpt(event)} is not an event`,
      where,
      mend: "Emit what event(name, schema) gave",
      retryable: false,
    });
  }
  return validate(event.schema, payload, {
    code: "payload-invalid",
    what: `The payload of the event "${event.name}"`,
    where,
    mend: "Emit what its schema says, or widen the schema of the event",
  });
}

/** A promise that rejects, and ends no process when nobody looks at it. */
function late({ where }: Attempt): Promise<never> {
  const outcome = Promise.reject<never>(aborted(where, "its ctx was used after its end"));
  outcome.catch(() => {});
  return outcome;
}
