import {
  type AcceptedBy,
  type Entry,
  type EventDef,
  type Execution,
  type ExecutionStatus,
  type FieldSignal,
  type Gap,
  type Instant,
  type Interrupt,
  type OpenQuestion,
  type PayloadFor,
  type ResultOf,
  type StateOf,
  comparePositions,
  fieldProjection,
  foldState,
  isFinal,
  isOwn,
  isShown,
  parsePosition,
  statusOf,
} from "@sluice/core";
import {
  Observable,
  ReplaySubject,
  concatMap,
  defer,
  distinctUntilChanged,
  filter,
  of,
  scan,
  share,
  startWith,
  switchMap,
  throwError,
} from "rxjs";
import type { z } from "zod";
import type { Standing as WireStanding } from "../request/wire.ts";
import type { Connection } from "./connection.ts";
import { RemoteError, failureOf } from "./remote-error.ts";
import { type LogOptions, type Shown, remoteLog } from "./remote-log.ts";

/** How an execution stands, and what it came to. */
export interface Standing<S = unknown> {
  readonly executionId: string;
  readonly flow: string;
  readonly status: ExecutionStatus;
  /** Where its log ends. */
  readonly position: string;
  readonly state: StateOf<S>;
  /** The questions that people can answer now. */
  readonly interrupts: readonly OpenQuestion[];
  /** Where it has completed. */
  readonly result?: ResultOf<S>;
  /** Where it has failed, was cancelled, or ran out of time. */
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}

/**
 * An execution on a server, as `run` gives one at hand. What is typed as a schema's output comes as JSON can say it: a
 * date is a text.
 *
 * Its observables share one connection, which is made when the first is subscribed to and closed when nobody is any more;
 * until then what came is kept for those who subscribe late. They fail with a `RemoteError`.
 */
export interface RemoteExecution<S = unknown> extends Pick<
  Execution<S>,
  "id" | "stream$" | "state$" | "status$" | "events$" | "field$"
> {
  /** Waits for the end, on a connection of its own. Rejects where the execution has not completed. */
  readonly result: Promise<ResultOf<S>>;
  /** The log, pulled, on a connection of its own: leave the loop to close it. */
  readonly events: (options?: LogOptions) => AsyncGenerator<Entry<S> | Gap, void, undefined>;
  /** How it stands now. */
  readonly get: () => Promise<Standing<S>>;
  /** Brings in an event that the flow accepts. @returns the signal's id */
  readonly emit: <N extends NameOf<AcceptedBy<S>>>(event: N, payload: PayloadOf<AcceptedBy<S>, N>) => Promise<string>;
  /**
   * Answers a question; `answer<typeof Approval>(id, …)` checks the answer's type. It is sent with an id of its own or the
   * one that is given: the same answer with the same id again does nothing.
   */
  readonly answer: <D extends Interrupt = Interrupt>(
    id: string,
    answer: z.input<D["answer"]>,
    options?: { readonly requestId?: string },
  ) => Promise<void>;
  /** Ends it. */
  readonly cancel: (reason?: string, options?: { readonly rollback?: boolean }) => Promise<void>;
}

type NameOf<E> = E extends EventDef<infer N> ? N : never;
type PayloadOf<E, N> = E extends EventDef ? (E["name"] extends N ? PayloadFor<E> : never) : never;

/** @param shown what its observables are to see */
export function remoteExecution<S>(connection: Connection, id: string, shown: Shown): RemoteExecution<S> {
  return new Remote(connection, id, shown) as unknown as RemoteExecution<S>; // the spec's types exist at compile time only
}

class Remote {
  readonly id: string;
  readonly events$: Observable<Entry>;
  readonly stream$: Observable<unknown>;
  readonly state$: Observable<unknown>;
  readonly status$: Observable<ExecutionStatus>;
  readonly #connection: Connection;
  #result: Promise<unknown> | undefined;

  constructor(connection: Connection, id: string, shown: Shown) {
    this.#connection = connection;
    this.id = id;
    this.events$ = new Observable<Entry>((subscriber) => {
      const leaving = new AbortController();
      const read = async (): Promise<void> => {
        for await (const entry of remoteLog(connection, id, shown, leaving.signal)) {
          if (entry.type === "gap") throw gapError(entry);
          subscriber.next(entry);
        }
      };
      read().then(
        () => subscriber.complete(),
        (error: unknown) => subscriber.error(error),
      );
      return () => leaving.abort();
    }).pipe(
      share({
        connector: () => new ReplaySubject(),
        resetOnComplete: false,
        resetOnError: true,
        resetOnRefCountZero: true,
      }),
    );
    this.stream$ = this.events$.pipe(
      concatMap((entry) => {
        if (isShown(entry)) return of(entry.item);
        return isFinal(entry) && entry.type !== "flow:completed" ? this.#failed() : [];
      }),
    );
    this.state$ = this.#since(
      ({ state }) => state,
      (state: Readonly<Record<string, unknown>>, entry) =>
        entry.type === "state:changed" && isOwn(entry) ? foldState(state, entry.diff) : state,
    );
    this.status$ = this.#since(
      ({ status }) => status,
      (status: ExecutionStatus, entry) => statusOf(entry) ?? status,
    );
  }

  field$(reply: Instant, path: string): Observable<FieldSignal<unknown>> {
    const project = fieldProjection(reply.name, path);
    return this.events$.pipe(
      concatMap((entry) => {
        const signals: FieldSignal<unknown>[] = [];
        project(entry, (signal) => signals.push(signal));
        return signals;
      }),
    );
  }

  get result(): Promise<unknown> {
    this.#result ??= this.#ended();
    this.#result.catch(() => {}); // one that nobody reads is no unhandled rejection
    return this.#result;
  }

  events(options: LogOptions = {}): AsyncGenerator<Entry | Gap, void, undefined> {
    const leaving = new AbortController();
    const log = remoteLog(this.#connection, this.id, options, leaving.signal);
    const end = log.return.bind(log);
    // a generator that waits would hear of it with the next entry only
    log.return = (value) => {
      leaving.abort();
      return end(value);
    };
    return log;
  }

  async get(): Promise<Standing> {
    return (await this.#connection.get(this.#path(""))) as z.infer<typeof WireStanding>;
  }

  async emit(event: string, payload: unknown): Promise<string> {
    const sent = await this.#connection.post(this.#path(`/events/${encodeURIComponent(event)}`), { payload });
    return (sent as { readonly signal: string }).signal;
  }

  async answer(id: string, answer: unknown, { requestId = crypto.randomUUID() } = {}): Promise<void> {
    await this.#connection.post(
      this.#path(`/answers/${encodeURIComponent(id)}`),
      { answer, requestId },
      { isRepeatable: true },
    );
  }

  async cancel(reason?: string, { rollback = false } = {}): Promise<void> {
    await this.#connection.post(this.#path("/cancel"), { reason, rollback }, { isRepeatable: true });
  }

  #path(rest: string): string {
    return `/executions/${encodeURIComponent(this.id)}${rest}`;
  }

  async #ended(): Promise<unknown> {
    let standing = await this.get();
    if (standing.status === "running" || standing.status === "waiting") {
      for await (const _ of this.events({ types: ["flow:completed"], after: standing.position })); // to its end
      standing = await this.get();
    }
    if (standing.error !== undefined) throw failureOf(standing.error);
    return standing.result;
  }

  #failed(): Observable<never> {
    return defer(() => this.get()).pipe(
      switchMap(({ error }) =>
        throwError(() => failureOf(error ?? { name: "Error", message: "It has not completed" })),
      ),
    );
  }

  /** What stands now, then after each entry that changes it. */
  #since<T>(begin: (standing: Standing) => T, fold: (value: T, entry: Entry) => T): Observable<T> {
    return defer(() => this.get()).pipe(
      switchMap((standing) => {
        const position = parsePosition(standing.position);
        const value = begin(standing);
        return this.events$.pipe(
          filter((entry) => comparePositions(entry, position) > 0),
          scan(fold, value),
          startWith(value),
          distinctUntilChanged(),
        );
      }),
    );
  }
}

function gapError({ from, to }: Gap): RemoteError {
  return new RemoteError("stream-gap", `The server has no entries from ${from} to ${to} any more`, {
    mend: "Read with events(), which tells of gaps and goes on, or give the server a store",
  });
}
