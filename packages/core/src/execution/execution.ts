import type { z } from "zod";
import { type Observable, type SchedulerLike } from "rxjs";
import type { EventDef } from "../define/event.ts";
import type { Instant } from "../define/instant.ts";
import type { Interrupt } from "../define/interrupt.ts";
import type { PathIn, ValueAt } from "../define/schema-path.ts";
import type { AcceptedBy, ItemOf, PayloadFor, ResultOf, StateOf } from "../define/spec.ts";
import { SluiceError } from "../error/sluice-error.ts";
import {
  type Common,
  type Entry,
  type EntryFields,
  type EntryType,
  type ExecutionStatus,
  type OpenQuestion,
  isOwn,
  isShown,
  statusOf,
} from "../machine/entry.ts";
import {
  type FieldSignal,
  changesView,
  eventsView,
  fieldProjection,
  project,
  stateChanges,
  statusChanges,
} from "../views/projections.ts";
import { type BatchOptions, type Gap, type PullOptions, pull, pullBatches } from "../views/pull.ts";
import type { ReportError, View } from "../views/view.ts";
import { validatePayload } from "../run/chunk-context.ts";
import type { StateData } from "../machine/state-fold.ts";
import type { Shell } from "../run/shell.ts";
import type { Store } from "../store/store.ts";
import { readLog } from "./stored-log.ts";

type Pulled<T, O> = O extends { readonly lag: "gap" } ? T | Gap : T;
type PullOf<T, O> = AsyncGenerator<Pulled<T, O>, void, undefined>;
type BatchesOf<T, O> = AsyncGenerator<readonly Pulled<T, O>[], void, undefined>;

/** How an execution is cancelled. */
export interface CancelOptions {
  /** Undo first what has completed and can be undone. Without it a cancel also ends an undoing that is under way. @default false */
  readonly rollback?: boolean;
}

/** How an answer is given. */
export interface AnswerOptions {
  /** Names this delivery of the answer: the same again, with the same name, is harmless. @default none */
  readonly requestId?: string;
}

/** One run of a flow. All that it shows are views of its one log; nobody who looks changes what it does. */
export interface Execution<S = any> extends AsyncDisposable {
  readonly id: string;
  readonly status: ExecutionStatus;
  /** Where the log stands: the position of the last entry that can be seen, `0` before the first. */
  readonly position: string;
  /** The present state. */
  readonly state: StateOf<S>;
  /** The answer. Rejects when the execution fails or is cancelled; unread, it is never an unhandled rejection. */
  readonly result: Promise<ResultOf<S>>;
  /** Settles when the execution ends, or has nothing to do but to wait for people; tells its status. Never rejects. */
  readonly settled: Promise<ExecutionStatus>;
  /** The questions that people can answer now, those of children too. */
  readonly interrupts: readonly OpenQuestion[];
  /** The runtime stream: what is retained, then what comes. Called synchronously. */
  readonly stream$: Observable<ItemOf<S>>;
  /** The present state, then the state after each change. */
  readonly state$: Observable<StateOf<S>>;
  /** The present status, then each change of it. */
  readonly status$: Observable<ExecutionStatus>;
  /** The log: what is retained, then what comes. It completes after the final entry. */
  readonly events$: Observable<Entry<S>>;
  /** The signals of the fields of a reply that fit a path. */
  readonly field$: <R extends Instant, const P extends string>(
    reply: R,
    path: PathIn<R["schema"], P>,
  ) => Observable<FieldSignal<ValueAt<R["schema"], P>>>;
  /** The runtime stream, pulled: a cursor of its own. */
  readonly stream: <const O extends PullOptions>(options?: O) => PullOf<ItemOf<S>, O>;
  /** The log, pulled: a cursor of its own. It ends after the final entry. */
  readonly events: <const O extends PullOptions>(options?: O) => PullOf<Entry<S>, O>;
  /** The same, all that is there at once: for who hands it on to many. */
  readonly eventBatches: <const O extends BatchOptions>(options?: O) => BatchesOf<Entry<S>, O>;
  /** Calls `handler` with each coming entry of a type. @returns stops it */
  readonly on: <K extends `${keyof EntryFields<unknown>}`>(
    type: K,
    handler: (entry: Common & { readonly type: K } & EntryFields<S>[K]) => void,
  ) => () => void;
  /**
   * Brings in a business event that the flow accepts.
   *
   * @returns the signal's id
   * @throws SluiceError `event-not-accepted`, `payload-invalid`, `execution-ended`
   */
  readonly emit: {
    <E extends AcceptedBy<S> & EventDef>(event: E, payload: PayloadFor<E>): string;
    /** For hosts, which know events by their names. */
    (event: string, payload: unknown): string;
  };
  /**
   * Answers a question, once: what depends on the answer goes on. The same answer with the same `requestId` again does
   * nothing.
   *
   * @throws SluiceError `answer-invalid`, `interrupt-unknown`, `interrupt-closed`, `execution-ended`; nothing is changed then
   */
  readonly resume: {
    <D extends Interrupt>(question: D, id: string, answer: z.input<D["answer"]>, options?: AnswerOptions): void;
    (id: string, answer: unknown, options?: AnswerOptions): void;
  };
  /** Of a flow with `keepOpen`: waits for events no longer. What is unfinished goes on; then the execution completes. */
  readonly close: () => void;
  /**
   * Settles when all that has come in and been done so far is stored: the start, an answer, an event. Without a store at
   * once.
   *
   * @throws SluiceError `store-failed`, `claim-lost` or `execution-released`
   */
  readonly stored: () => Promise<void>;
  /**
   * Puts a stored execution away: nothing of it stays in memory, `load` goes on with it later. Meant for one that waits;
   * chunks that run are ended here, and start over there. What waits for its end or looks at it fails with
   * `execution-released`.
   *
   * @throws SluiceError `store-missing`, `store-failed`, `claim-lost`
   */
  readonly release: () => Promise<void>;
  /** Ends the execution: every running chunk's abort signal fires. Afterwards it does nothing. */
  readonly cancel: (reason?: string, options?: CancelOptions) => void;
}

/** What an execution is made of. */
export interface ExecutionParts {
  readonly shell: Shell;
  readonly scheduler: SchedulerLike;
  readonly report: ReportError;
  /** Where its log is stored; undefined where it is not. */
  readonly store?: Store | undefined;
}

/** The public face of an execution. What it offers is made when it is read, and may be handed around: `const { emit } = execution`. */
export function createExecution(parts: ExecutionParts): Execution {
  return new Face(parts) as unknown as Execution; // the spec's types exist at compile time only: here every item, state and result is unknown
}

/** How much an execution holds; undefined for what is none. */
export function shellOf(execution: object): Shell | undefined {
  return Face.shellOf(execution);
}

const wholeLog = { select: (entry: Entry) => ({ item: entry }), endsAt: () => false, failing: false };

/** Many executions may wait at a time: nothing is made before somebody asks for it. */
class Face {
  readonly #parts: ExecutionParts;
  #result: Promise<unknown> | undefined;
  /** For all who wait for the same end or wait. */
  #settling: PromiseWithResolvers<ExecutionStatus> | undefined;
  #isEndAwaited = false;

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
  }

  static shellOf(execution: object): Shell | undefined {
    return #parts in execution ? execution.#parts.shell : undefined;
  }

  get id(): string {
    return this.#parts.shell.id;
  }

  get status(): ExecutionStatus {
    const { final, shown } = this.#parts.shell;
    if (shown !== undefined) return shown.status;
    if (final !== undefined) return statusOf(final) ?? "running";
    return this.#parts.shell.standstill.isOn ? "waiting" : "running";
  }

  get position(): string {
    return this.#parts.shell.log.position;
  }

  get state(): unknown {
    const { shell } = this.#parts;
    return shell.shown?.state ?? shell.state;
  }

  get result(): Promise<unknown> {
    this.#result ??= resultOf(this.#parts.shell);
    return this.#result;
  }

  get settled(): Promise<ExecutionStatus> {
    const { shell } = this.#parts;
    const { status } = this;
    if (status !== "running" || shell.halted !== undefined) return Promise.resolve(status);
    if (this.#settling !== undefined) return this.#settling.promise;
    const settling = Promise.withResolvers<ExecutionStatus>();
    this.#settling = settling;
    if (!this.#isEndAwaited) shell.onEnded(() => this.#settle()); // once: it may wait many times
    this.#isEndAwaited = true;
    shell.standstill.onWaiting(() => shell.whenStored(() => this.#settle()));
    return settling.promise;
  }

  #settle(): void {
    this.#settling?.resolve(this.status);
    this.#settling = undefined;
  }

  get interrupts(): readonly OpenQuestion[] {
    return this.#parts.shell.people.open();
  }

  get stream$(): View<unknown> {
    const { shell, report } = this.#parts;
    return project(shell.log, report, (entry, next) => isShown(entry) && next(entry.item), true);
  }

  get state$(): View<unknown> {
    const { shell, report } = this.#parts;
    return changesView(shell.log, report, () => stateChanges(this.state as StateData));
  }

  get status$(): View<ExecutionStatus> {
    const { shell, report } = this.#parts;
    return changesView(shell.log, report, () => statusChanges(this.status), true);
  }

  get events$(): View<Entry> {
    return eventsView(this.#parts.shell.log, this.#parts.report);
  }

  get field$() {
    const { shell, report } = this.#parts;
    return (reply: Instant, path: string) => project(shell.log, report, fieldProjection(reply.name, path));
  }

  get stream() {
    const select = (entry: Entry) => (isShown(entry) ? { item: entry.item } : undefined);
    const endsAt = (entry: Entry): boolean => entry.type === "stream:stop" && isOwn(entry);
    return (options?: PullOptions) => pull({ ...this.#source(), select, endsAt, failing: true }, options);
  }

  get events() {
    return (options?: PullOptions) => pull({ ...this.#source(), ...wholeLog }, options);
  }

  get eventBatches() {
    return (options?: BatchOptions) => pullBatches({ ...this.#source(), ...wholeLog }, options);
  }

  get on() {
    const { shell, report } = this.#parts;
    return (type: EntryType, handler: (entry: never) => void) =>
      shell.log.listen(
        { receive: (entry) => entry.type === type && handler(entry as never), end: () => {}, fail: report },
        shell.log.end,
      );
  }

  get emit() {
    const { shell } = this.#parts;
    return (given: EventDef | string, payload: unknown): string => {
      const { accepts = [] } = shell.spec;
      const name = typeof given === "string" ? given : given?.name;
      const event = typeof given === "string" ? accepts.find((one) => one.name === name) : given;
      if (event === undefined || !accepts.some((one) => one.name === name))
        throw notAccepted(name, accepts, shell.where);
      if (shell.halted !== undefined) throw shell.halted;
      if (shell.machine.ended) throw ended(`The event "${event.name}"`, shell.where);
      const valid = validatePayload(event, payload, shell.where);
      shell.start();
      return shell.signal(event.name, valid, "outside");
    };
  }

  get resume() {
    const { shell } = this.#parts;
    return (...given: readonly unknown[]): void => {
      const [question, id, answer, options] = typeof given[0] === "string" ? [undefined, ...given] : given;
      const { name, answer: schema } = (question ?? {}) as Partial<Interrupt>;
      const { requestId } = (options ?? {}) as AnswerOptions;
      if (shell.halted !== undefined) throw shell.halted;
      const isOver = shell.ending !== undefined || shell.machine.ended;
      // who has not heard that an answer was taken sends it again, also after what came of it
      if (isOver && !shell.people.hasEnded(String(id))) throw ended(`The answer to "${String(id)}"`, shell.where);
      shell.start();
      shell.people.answer({
        id: String(id),
        answer,
        ...(name !== undefined && { name }),
        ...(schema !== undefined && { schema }),
        ...(requestId !== undefined && { requestId }),
      });
    };
  }

  get stored(): Execution["stored"] {
    const { shell } = this.#parts;
    return () =>
      new Promise((resolve, reject) => {
        if (shell.keeper !== undefined) {
          shell.start(); // one that has not begun is to be found again, too
          shell.keeper.writer.flush();
        }
        shell.whenStored((failure) => (failure === undefined ? resolve() : reject(failure)));
      });
  }

  get release(): Execution["release"] {
    const { shell } = this.#parts;
    return async () => {
      if (shell.final !== undefined || shell.halted?.code === "execution-released") return;
      if (shell.keeper === undefined) throw notStored(shell.where);
      await this.stored();
      shell.halt(released(shell.id, shell.where));
    };
  }

  get close(): Execution["close"] {
    return () => this.#parts.shell.close("closed");
  }

  get cancel(): Execution["cancel"] {
    return (reason = "cancelled", options = {}) => this.#parts.shell.cancel(reason, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel("disposed");
  }

  #source() {
    const { shell, scheduler, store } = this.#parts;
    const onExit = (): void => this.cancel("the reader of its stream left");
    const isStored = shell.keeper?.writer.isAhead !== true || shell.final !== undefined;
    const earlier = store && ((from: number, to: number) => readSome(store, shell, { from, to }));
    // what is shown before it is stored may be in neither place: that is a gap
    return { log: shell.log, scheduler, where: shell.where, onExit, earlier: isStored ? earlier : undefined };
  }
}

/** Stored entries from one number on, to another at most. */
function readSome(store: Store, { id, where }: Shell, { from, to }: { readonly from: number; readonly to: number }) {
  const lastSeq = Math.min(to, from + 199); // a reader that stops holds them
  return readLog(store, { executionId: id, flow: where, lastSeq }, { after: from - 1 });
}

/** Settles with the end of the execution, at once when that is over. Unread, it is never an unhandled rejection. */
function resultOf(shell: Shell): Promise<unknown> {
  const result = new Promise<unknown>((resolve, reject) => {
    shell.onEnded((error, value) => {
      if (error === undefined) resolve(value);
      else reject(error);
    });
  });
  result.catch(() => {});
  return result;
}

function notAccepted(event: string | undefined, accepts: readonly EventDef[], where: string): SluiceError {
  const list = accepts.length === 0 ? "none" : accepts.map(({ name }) => `"${name}"`).join(", ");
  return new SluiceError("event-not-accepted", {
    what: `The event "${event}" came from outside; the flow accepts ${list}`,
    where,
    mend: "List it in the spec's `accepts`",
  });
}

function ended(what: string, where: string): SluiceError {
  return new SluiceError("execution-ended", {
    what: `${what} came after the end of the execution`,
    where,
    mend: "Look at execution.status, or start another execution",
  });
}

function notStored(where: string): SluiceError {
  return new SluiceError("store-missing", {
    what: "An execution was to be released that is not stored: it would be lost",
    where,
    mend: "Give run() a `store`",
  });
}

function released(id: string, where: string): SluiceError {
  return new SluiceError("execution-released", {
    what: `The execution "${id}" was put away`,
    where,
    mend: "Load it where it is to go on",
    retryable: false,
  });
}
