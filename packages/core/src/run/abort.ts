import { SluiceError } from "../error/sluice-error.ts";

/** One node of the tree of abort signals. Its `AbortController` is made when somebody first asks for the signal. */
export class Abort {
  #controller: AbortController | undefined;
  #reason: SluiceError | undefined;
  #below: Set<(reason: SluiceError) => void> | undefined;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): SluiceError | undefined {
    return this.#reason;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Calls `abort` when this is aborted, at once if it is already. @returns takes it back */
  onAbort(abort: (reason: SluiceError) => void): () => void {
    if (this.#reason !== undefined) {
      abort(this.#reason);
      return () => {};
    }
    this.#below ??= new Set();
    this.#below.add(abort);
    return () => void this.#below?.delete(abort);
  }

  abort(reason: SluiceError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const below = this.#below;
    this.#below = undefined;
    for (const abort of below ?? []) abort(reason);
  }
}

/** Why an attempt was ended from outside. */
export function aborted(where: string, why: string, cause?: unknown): SluiceError {
  return new SluiceError("chunk-aborted", {
    what: `The attempt was ended: ${why}`,
    where,
    retryable: false,
    ...(cause !== undefined && { cause }),
  });
}
