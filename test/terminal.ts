import { spawn as spawnPty } from "@lydell/node-pty";
import headless from "@xterm/headless";

/** A command in a pseudo-terminal, and what stands on its screen. */
export interface OpenTerminal {
  /** What has been written, lines that have scrolled away included, without colours. */
  readonly text: () => string;
  /** What stands on the screen now. */
  readonly screen: () => string;
  /** Settles when the text is as wanted; rejects when the command ends before. */
  readonly until: (isThere: string | RegExp | ((screen: string) => boolean)) => Promise<void>;
  /** Types keys. */
  readonly type: (keys: string) => void;
  readonly resize: (columns: number, rows: number) => void;
  readonly exit: Promise<number>;
  readonly kill: () => void;
}

/** How a terminal is opened. */
export interface TerminalOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  readonly rows?: number;
}

/** Keys as a terminal sends them. */
export const keys = { enter: "\r", ctrlC: "\u0003", left: "\u001b[D", right: "\u001b[C", down: "\u001b[B" } as const;

/** Opens a command in a pseudo-terminal. */
export function openTerminal(
  file: string,
  args: readonly string[],
  { cwd, env = {}, columns: cols = 100, rows = 40 }: TerminalOptions,
): OpenTerminal {
  const { CI: _ci, NO_COLOR: _colour, FORCE_COLOR: _force, ...kept } = process.env;
  const pty = spawnPty(file, [...args], { cwd, cols, rows, name: "xterm-256color", env: { ...kept, ...env } });
  const terminal = new headless.Terminal({ cols, rows, scrollback: 5_000, allowProposedApi: true });
  const waiting = new Set<() => void>();
  let hasEnded = false;
  pty.onData((data) => terminal.write(data, () => look()));
  const look = (): void => {
    for (const check of waiting) check();
  };
  const lines = (from: number): string => {
    const { active } = terminal.buffer;
    const all = Array.from({ length: active.length - from }, (_, row) =>
      active.getLine(from + row)?.translateToString(true),
    );
    return all.join("\n").trimEnd();
  };
  const text = (): string => lines(0);
  const screen = (): string => lines(terminal.buffer.active.baseY);
  const exit = new Promise<number>((resolve) => {
    pty.onExit(({ exitCode }) => {
      // what was written before may still be on its way into the screen
      terminal.write("", () => {
        hasEnded = true;
        look();
        resolve(exitCode);
      });
    });
  });
  return {
    text,
    screen,
    exit,
    until: (isThere) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const is =
            typeof isThere === "function"
              ? isThere(screen())
              : typeof isThere === "string"
                ? text().includes(isThere)
                : isThere.test(text());
          if (!is && !hasEnded) return;
          waiting.delete(check);
          if (is) resolve();
          else reject(new Error(`It has ended without ${String(isThere)}:\n${text()}`));
        };
        waiting.add(check);
        check();
      }),
    type: (typed) => pty.write(typed),
    resize: (columns, height) => {
      pty.resize(columns, height);
      terminal.resize(columns, height);
    },
    kill: () => pty.kill("SIGKILL"),
  };
}
