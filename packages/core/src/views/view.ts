import { Observable, type Observer, Subscriber, type Subscription } from "rxjs";

/** Where errors go that nobody can be given: those that an observer throws. */
export type ReportError = (error: unknown) => void;

/** Where they go when nobody says otherwise. */
export function reportToConsole(error: unknown): void {
  console.error("An observer threw and was detached:", error);
}

/** What hears of observers that throw is an observer, too. */
export function harmless(report: ReportError): ReportError {
  return (error) => {
    try {
      report(error);
    } catch (thrown) {
      reportToConsole(thrown);
    }
  };
}

/**
 * An Observable whose observers cannot harm the execution. One that throws is detached and its error reported. One
 * without an error handler just ends when the execution fails: the failure is told by `result` and by the final entry.
 * What is piped from a view is a view.
 */
export class View<T> extends Observable<T> {
  readonly #report: ReportError;

  constructor(subscribe: ((subscriber: Subscriber<T>) => (() => void) | void) | undefined, report: ReportError) {
    super(subscribe);
    this.#report = report;
  }

  override lift<R>(operator?: unknown): Observable<R> {
    const lifted = new View<R>(undefined, this.#report);
    // RxJS builds every operator on these two fields; it has no public way to keep a subclass
    return Object.assign(lifted, { source: this, operator });
  }

  override subscribe(observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null): Subscription;
  override subscribe(
    next?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (next instanceof Subscriber) return super.subscribe(next); // an operator downstream
    const observer: Partial<Observer<T>> =
      typeof next === "object" && next !== null
        ? next
        : { ...(next && { next }), ...(error && { error }), ...(complete && { complete }) };
    let subscription: Subscription | undefined;
    let detached = false;
    const guard = <A extends unknown[]>(call: (...args: A) => void): ((...args: A) => void) => {
      return (...args) => {
        if (detached) return;
        try {
          call(...args);
        } catch (thrown) {
          detached = true;
          subscription?.unsubscribe();
          this.#report(thrown);
        }
      };
    };
    subscription = super.subscribe({
      next: guard((value: T) => observer.next?.(value)),
      error: guard((failure: unknown) => observer.error?.(failure)),
      complete: guard(() => observer.complete?.()),
    });
    if (detached) subscription.unsubscribe(); // it threw while it was being subscribed
    return subscription;
  }
}
