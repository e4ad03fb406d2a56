import { type Execution, SluiceError } from "@sluice/core";
import { take } from "rxjs";
import { type Hosted, type Listed, isEnded } from "../hosting/hosted.ts";
import { Refusal } from "../request/problem.ts";

/** How the turns of chats are kept. */
export interface TurnOptions {
  /** Whose chats a request may mean, such as the user's id: a chat's id of another owner is another chat. @default all have the same */
  readonly owner?: (request: Request) => string | Promise<string>;
  /** What else cancels a turn: the client's leaving its stream (`stop()` of `useChat`, and each reload of a page), or the user's next message. @default neither */
  readonly cancelOn?: readonly ("leave" | "message")[];
  /** Of how many ended turns the log stays in memory, with a store, too, for those who come back for what was written. @default 100 */
  readonly keepEnded?: number;
}

/** Of so many chats the number of turns is remembered; those of others are counted again. */
const MAX_KNOWN = 10_000;

/**
 * The executions of chats: one for each turn. Their ids are made of the chat's, `chat-<owner>-<chat>.<turn>`, so that they are found
 * again by it in whatever store, after a restart, too.
 */
export class ChatTurns {
  readonly #hosted: Hosted;
  readonly #flow: string;
  readonly #keepEnded: number;
  /** The number of the last turn of each chat, as far as it is known; the latest used last. */
  readonly #known = new Map<string, number>();
  /** What was started here, the oldest first: a store has no tokens, and who comes late is to see what was written. */
  readonly #started = new Map<string, Execution>();

  constructor(hosted: Hosted, flow: string, keepEnded: number) {
    hosted.flow(flow);
    this.#hosted = hosted;
    this.#flow = flow;
    this.#keepEnded = keepEnded;
  }

  /** What the ids of a chat's executions begin with. @param owner who has it: two owners never have one chat */
  async key(chat: string, owner: string): Promise<string> {
    return `${await this.#prefix(owner)}${await hashOf([this.#flow, owner, chat])}`;
  }

  /** An execution of this flow, unless it is a turn of another owner's chat. */
  async findOf(owner: string, executionId: string): Promise<Listed | undefined> {
    const isOthers = executionId.startsWith("chat-") && !executionId.startsWith(await this.#prefix(owner));
    return isOthers ? undefined : this.find(executionId);
  }

  async #prefix(owner: string): Promise<string> {
    return `chat-${(await hashOf([this.#flow, owner])).slice(0, 16)}-`;
  }

  /** An execution of this flow, of the chat with this key where one is given. */
  async find(executionId: string, key?: string): Promise<Listed | undefined> {
    if (key !== undefined && !executionId.startsWith(`${key}.`)) return undefined;
    const found = await this.#find(executionId);
    return found?.flow === this.#flow ? found : undefined;
  }

  /** The last turn of a chat. */
  async latest(key: string): Promise<Listed | undefined> {
    const turn = await this.#count(key);
    return turn === 0 ? undefined : this.#find(idOf(key, turn));
  }

  /** Cancels the last turn of a chat, if it has not ended. */
  async overtake(key: string): Promise<void> {
    const found = await this.latest(key);
    if (found !== undefined && !isEnded(found)) (await this.get(found)).cancel("the user has gone on");
  }

  /** Begins the next turn of a chat, or an execution that belongs to none. @throws as `Hosted.start` */
  async start(input: unknown, key?: string): Promise<Execution> {
    if (key === undefined) return this.#begun(this.#hosted.start(this.#flow, input));
    for (let tries = 0; tries < 100; tries += 1) {
      const turn = (await this.#count(key)) + 1;
      try {
        return await this.#begun(this.#hosted.start(this.#flow, input, idOf(key, turn)));
      } catch (error) {
        if (!isTaken(error)) throw error; // another request was faster
        this.#remember(key, turn);
      }
    }
    throw new Refusal({ status: 409, code: "chat-busy", title: "Too many turns of this chat begin at once" });
  }

  /** An execution of which something is known. @throws as `Hosted.get` */
  async get(found: Listed): Promise<Execution> {
    return this.#started.get(found.executionId) ?? this.#hosted.get(found.executionId, found);
  }

  /** Whether an execution's log is all there in memory, with what no store has: then its message is the same each time. */
  isWhole(execution: Execution): boolean {
    if (this.#started.get(execution.id) !== execution) return false;
    let first: number | undefined;
    execution.events$
      .pipe(take(1))
      .subscribe({ next: ({ seq }) => (first = seq), error: () => {} }) // one that has failed is not whole
      .unsubscribe();
    return first === 1;
  }

  async #begun(execution: Execution): Promise<Execution> {
    await execution.stored();
    this.#started.set(execution.id, execution);
    execution.result.catch(() => {
      if (!isEnded(execution)) this.#started.delete(execution.id); // it does not go on here, and may elsewhere
    });
    const ended = [...this.#started.values()].filter(isEnded);
    for (const { id } of ended.slice(0, Math.max(0, ended.length - this.#keepEnded))) this.#started.delete(id);
    return execution;
  }

  async #find(executionId: string): Promise<Listed | undefined> {
    const here = this.#started.get(executionId);
    return here === undefined ? this.#hosted.find(executionId) : { executionId, flow: this.#flow, status: here.status };
  }

  /** How many turns a chat has had: in twice the logarithm of that many looks where nothing is known of it. */
  async #count(key: string): Promise<number> {
    const has = async (turn: number): Promise<boolean> => (await this.#find(idOf(key, turn))) !== undefined;
    let turn = this.#known.get(key) ?? 0;
    let step = 1;
    while (await has(turn + step)) {
      turn += step;
      step *= 2;
    }
    for (step /= 2; step >= 1; step /= 2) if (await has(turn + step)) turn += step;
    this.#remember(key, turn);
    return turn;
  }

  #remember(key: string, turn: number): void {
    this.#known.delete(key);
    if (turn > 0) this.#known.set(key, turn);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** 16 bytes, in hexadecimal digits. */
async function hashOf(parts: readonly string[]): Promise<string> {
  const data = new TextEncoder().encode(JSON.stringify(parts));
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return Array.from(hash.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function idOf(key: string, turn: number): string {
  return `${key}.${turn}`;
}

function isTaken(error: unknown): boolean {
  if (error instanceof Refusal) return error.problem.code === "execution-exists";
  return error instanceof SluiceError && error.code === "execution-exists";
}

/** An answer came, and nothing is there that could go on with it. */
export function nothingAsked(executionId: string): Refusal {
  return new Refusal({
    status: 409,
    code: "nothing-asked",
    title: `The execution "${executionId}" has ended, and asks nothing`,
    mend: "Send a message of the user, or answers to questions that are open",
  });
}
