import { createInterface } from "node:readline";

/** Who answers what an example asks. */
export interface Answers {
  /** Whether nobody is there, and a script answers. */
  readonly areScripted: boolean;
  /** What is answered to a question. */
  readonly ask: (question: string) => Promise<string>;
  readonly close: () => void;
}

/** What answers are taken from when nobody is at a terminal. */
export interface AnswersOptions {
  /** Answers for when there is no input at all. */
  readonly script: readonly string[];
  /** Whoever answers has left, by Ctrl-C or at the end of the input. Ends the process. */
  readonly onLeave: (exitCode: number) => never;
}

/** The exit code of what Ctrl-C has ended. */
const interrupted = 130;

/** Answers from the terminal, from the lines of the standard input where that is none, or from a script where that is empty. */
export async function findAnswers({ script, onLeave }: AnswersOptions): Promise<Answers> {
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY;
  const input = createInterface({ input: stdin, output: isTerminal ? stdout : undefined, prompt: "> " });
  const said: string[] = [];
  let hears: ((line: string | undefined) => void) | undefined;
  let hasEnded = false;
  const hear = (line: string | undefined): void => {
    const heard = hears;
    hears = undefined;
    if (heard !== undefined) heard(line);
    else if (line !== undefined) said.push(line);
  };
  input.on("line", hear);
  input.on("close", () => {
    hasEnded = true;
    hear(undefined);
  });
  process.on("SIGINT", () => onLeave(interrupted));
  input.on("SIGINT", () => onLeave(interrupted)); // a terminal that is read hands Ctrl-C on as a key

  const next = async (): Promise<string | undefined> => {
    if (said.length > 0 || hasEnded) return said.shift();
    if (isTerminal) input.prompt();
    return new Promise((resolve) => (hears = resolve));
  };

  const first = isTerminal ? undefined : await next();
  const areScripted = !isTerminal && first === undefined;
  if (areScripted) said.push(...script);
  else if (first !== undefined) said.unshift(first);
  return {
    areScripted,
    ask: async (question) => {
      console.log(question);
      const line = await next();
      if (line === undefined) return onLeave(0);
      if (!isTerminal) console.log(`> ${line}`);
      return line;
    },
    close: () => input.close(),
  };
}
