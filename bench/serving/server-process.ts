import { type ChildProcess, fork } from "node:child_process";
import type { Answered, Asked } from "./serving.ts";

/** A server in a process of its own. It is asked for one thing at a time. */
export class ServerProcess {
  readonly name: string;
  readonly port: number;
  readonly #child: ChildProcess;

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

  /** Ends it, with all connections. */
  stop(): void {
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
