import { type SchedulerLike, asyncScheduler } from "rxjs";
import { refusalOf } from "./remote-error.ts";

/** How a server is reached. */
export interface ConnectionOptions {
  /** Where its handler is, such as `https://flows.example/api`; in a page, `/api` will do. */
  readonly url: string;
  /** Sent with each request, such as `authorization`; asked for each anew. */
  readonly headers?: () => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /** How often in a row a live connection may fail before that is an error; the pauses between double up to 30 s. @default no limit */
  readonly attempts?: number;
  /** The clock of the pauses. @default RxJS' `asyncScheduler` */
  readonly scheduler?: SchedulerLike;
}

/** Requests to a server. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get attempts(): number {
    return this.#options.attempts ?? Infinity;
  }

  /** Sends a request as it is, and gives its answer as it is. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const { url, headers, fetch = globalThis.fetch } = this.#options;
    const sent = new Headers(init.headers);
    for (const [name, value] of Object.entries((await headers?.()) ?? {})) sent.set(name, value);
    return fetch(url.replace(/\/$/, "") + path, { ...init, headers: sent });
  }

  /** @throws RemoteError when the server refuses */
  async get(path: string): Promise<unknown> {
    return bodyOf(await this.#again(() => this.request(path)));
  }

  /**
   * @param isRepeatable whether the server does the same once where it hears it twice: then it is sent again when the
   * connection is lost before there is an answer
   * @throws RemoteError when the server refuses
   */
  async post(path: string, body: unknown, { isRepeatable = false } = {}): Promise<unknown> {
    const headers = { "content-type": "application/json" };
    const send = (): Promise<Response> => this.request(path, { method: "POST", headers, body: JSON.stringify(body) });
    return bodyOf(await (isRepeatable ? this.#again(send) : send()));
  }

  /** Sends it up to three times: a connection that was kept may have been closed meanwhile, a server may be about to come back. */
  async #again(send: () => Promise<Response>): Promise<Response> {
    for (const pauseMs of [0, 1_000]) {
      try {
        return await send();
      } catch {
        await this.pause(pauseMs);
      }
    }
    return send();
  }

  /** Waits, or until nobody does any more. */
  pause(ms: number, abortSignal?: AbortSignal): Promise<void> {
    const { scheduler = asyncScheduler } = this.#options;
    return new Promise((resolve) => {
      const leave = (): void => {
        timer.unsubscribe();
        resolve();
      };
      const timer = scheduler.schedule(() => {
        abortSignal?.removeEventListener("abort", leave);
        resolve();
      }, ms);
      if (abortSignal?.aborted === true) leave();
      else abortSignal?.addEventListener("abort", leave, { once: true });
    });
  }
}

async function bodyOf(response: Response): Promise<unknown> {
  if (!response.ok) throw await refusalOf(response);
  return response.status === 204 ? undefined : response.json();
}
