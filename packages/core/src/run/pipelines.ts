import { type Observable, type SchedulerLike, Subject, Subscription } from "rxjs";
import type { ChunkDefinition, FlowDefinition } from "../define/flow.ts";
import type { TriggerPlan } from "../define/trigger-plan.ts";
import { SluiceError, messageOf } from "../error/sluice-error.ts";
import type { Step } from "../graph/routes.ts";

/** The user's pipeline of `rx(…)`. */
export type Pipe = (payload$: Observable<unknown>, scheduler: SchedulerLike) => Observable<unknown>;

/** What comes of pipelines. */
interface PipelineListener {
  readonly onYield: (step: Step, value: unknown) => void;
  readonly onFailure: (error: SluiceError) => void;
  /** One has come to its end. */
  readonly onEnd: () => void;
}

/** What pipelines act on. */
interface PipelineParts extends PipelineListener {
  readonly steps: readonly Step[];
  readonly chunks: readonly ChunkDefinition[];
  readonly where: string;
  readonly scheduler: SchedulerLike;
}

/** The pipelines of an execution; undefined where its flow has none. */
export function pipelinesOf(
  steps: readonly Step[],
  {
    definition: { chunks, spec },
    scheduler,
  }: { readonly definition: FlowDefinition; readonly scheduler: SchedulerLike },
  listener: PipelineListener,
): Pipelines | undefined {
  return steps.length === 0 ? undefined : new Pipelines({ steps, chunks, where: spec.name, scheduler, ...listener });
}

interface Pipeline {
  readonly source: Subject<unknown>;
  readonly subscription: Subscription;
}

/** The RxJS pipelines of one execution: one for each `rx(…)` of its flow. */
export class Pipelines {
  readonly #parts: PipelineParts;
  readonly #open = new Map<string, Pipeline>();
  #closing = false;
  #stopped = false;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** Subscribes to all of them. */
  start(): void {
    for (const step of this.#parts.steps) if (!this.#stopped) this.#begin(step); // one that fails at once ends the execution
  }

  /** Gives a payload to a pipeline; one that has come to its end takes none. */
  give(step: string, payload: unknown): void {
    this.#open.get(step)?.source.next(payload);
  }

  /** All else is quiet: the sources complete. @returns whether all pipelines have come to their ends */
  finish(): boolean {
    if (!this.#closing) {
      this.#closing = true;
      for (const { source } of this.#open.values()) source.complete();
    }
    return this.#open.size === 0;
  }

  /** Unsubscribes from all of them. */
  stop(): void {
    this.#stopped = true;
    for (const { subscription } of this.#open.values()) subscription.unsubscribe();
    this.#open.clear();
  }

  #begin(step: Step): void {
    const { chunks, scheduler, onYield, onFailure, onEnd } = this.#parts;
    const source = new Subject<unknown>();
    const end = (): void => {
      this.#open.delete(step.id);
      onEnd();
    };
    try {
      const yields$ = pipeOf(chunks, step)(source.asObservable(), scheduler);
      const pipeline = { source, subscription: new Subscription() };
      this.#open.set(step.id, pipeline);
      const subscription = yields$.subscribe({
        next: (value) => onYield(step, value),
        error: (error: unknown) => {
          this.#open.delete(step.id);
          onFailure(this.#failure(step, error));
        },
        complete: end,
      });
      pipeline.subscription.add(subscription);
    } catch (error) {
      this.#open.delete(step.id);
      onFailure(this.#failure(step, error));
    }
  }

  #failure({ label }: Step, error: unknown): SluiceError {
    if (error instanceof SluiceError) return error;
    return new SluiceError("pipeline-failed", {
      what: `The pipeline ${label} failed: ${messageOf(error)}`,
      where: this.#parts.where,
      mend: "Catch the error in the pipeline: catchError(…)",
      cause: error,
      retryable: false,
    });
  }
}

/** The pipeline that a step of the graph stands for: both were read from the same plan, operator by operator. */
function pipeOf(chunks: readonly ChunkDefinition[], { chunk, trigger, id }: Step): Pipe {
  const plan = chunks[chunk]?.triggers[trigger]?.plan;
  const operators = plan === undefined ? [] : operatorsOf(plan);
  const found = operators[Number(id.slice(id.lastIndexOf(".") + 1)) - 1];
  if (found?.on === "rx") return found.pipe as Pipe; // `rx` has put it there
  throw new TypeError("it is not there");
}

function operatorsOf(plan: TriggerPlan): readonly TriggerPlan[] {
  if (!("of" in plan)) return [];
  return [...(plan.on === "any" ? [] : [plan]), ...plan.of.flatMap(operatorsOf)];
}
