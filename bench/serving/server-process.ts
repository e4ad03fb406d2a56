import { type ChildProcess, fork } from "node:child_process";
import type { Answered, Asked } from "./serving.ts";
import { Watcher } from "./watcher.ts";

/** A server in a process of its own, and its clients in this one. It is asked for one thing at a time. */
export class ServerProcess {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;
  #watchers: Watcher[] = [];

  private constructor(child: ChildProcess, { name = "", port = 0 }: Answered) {
    this.#child = child;
    this.name = name;
    this.port = port;
  }

  /** @param contestant its file in `contestants` */
  static async start(contestant: string): Promise<ServerProcess> {
    const child = fork(new URL("host.ts", import.meta.url), [contestant], { execArgv: ["--expose-gc"] });
    return new ServerProcess(child, await answerOf(child));
  }

  /** @throws Error when the process ends instead */
  ask(asked: Asked): Promise<Answered> {
    const answer = answerOf(this.#child);
    this.#child.send(asked);
    return answer;
  }

  /**
   * Has so many more clients watch a stream, and comes back when they do.
   *
   * @param wanted as `Watcher` has it
   * @throws Error when one of them cannot
   */
  async watch(path: string, clients: number, wanted: number | "end"): Promise<readonly Watcher[]> {
    const all = Array.from({ length: clients }, () => new Watcher(this.port, path, wanted));
    this.#watchers.push(...all);
    const gathered = this.ask({ ask: "gather", clients: this.#watchers.length });
    await Promise.race([gathered, Promise.all(all.map(({ over }) => over)).then(() => gathered)]);
    return all;
  }

  /** Lets all clients go. */
  async clear(): Promise<void> {
    for (const watcher of this.#watchers) watcher.leave();
    this.#watchers = [];
    await this.ask({ ask: "gather", clients: 0 });
  }

  /** Ends it, with all connections. */
  stop(): void {
    for (const watcher of this.#watchers) watcher.leave();
    this.#child.disconnect();
  }
}

function answerOf(child: ChildProcess): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error("A server has ended: see above"));
    child.once("exit", failed);
    child.once("message", (answer) => {
      child.off("exit", failed);
      resolve(answer as Answered); // host.ts sends nothing else
    });
  });
}
