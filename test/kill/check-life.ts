import type { Life } from "./life.ts";
import { type Logs, type Stored, textOf } from "./logs.ts";
import { type Line, canonical } from "./witness.ts";

/** What was done for good, as stored logs tell. */
interface Deeds {
  readonly completed: ReadonlySet<string>;
  readonly compensated: ReadonlySet<string>;
  readonly steps: ReadonlyMap<string, unknown>;
  readonly replies: ReadonlySet<string>;
}

function deedsOf({ entries }: Logs): Deeds {
  const [completed, compensated, replies] = [new Set<string>(), new Set<string>(), new Set<string>()];
  const steps = new Map<string, unknown>();
  for (const entry of [...entries.values()].flat()) {
    if (entry.type === "chunk:complete") completed.add(entry.key);
    else if (entry.type === "chunk:compensated" && entry.error === undefined) compensated.add(entry.key);
    else if (entry.type === "reply:complete") replies.add(entry.key);
    else if (entry.type === "step:complete") steps.set(`${entry.key} ${entry.name}`, entry.value);
  }
  return { completed, compensated, steps, replies };
}

/** What a life has done that it must not, by what was stored before it and after it. */
export function checkLife(
  lines: readonly Line[],
  before: Logs,
  after: Logs,
  { durability, stops }: Pick<Life, "durability" | "stops">,
): readonly string[] {
  const [old, now] = [deedsOf(before), deedsOf(after)];
  const isSync = durability === "sync";
  const logOf = (key: string): readonly Stored[] => after.entries.get(key.split("/")[0] ?? "") ?? [];
  const complaintOf = (line: Line): string | undefined => {
    switch (line.what) {
      case "begin":
        if (old.completed.has(line.key)) return "a completed chunk runs again";
        if (isSync && line.cause > logOf(line.key).length) return "a chunk runs whose cause is not stored";
        return undefined;
      case "undo":
        if (old.compensated.has(line.key)) return "a chunk is undone again";
        if (isSync && !now.completed.has(line.key)) return "a chunk is undone that is not stored as completed";
        return undefined;
      case "step":
        return old.steps.has(`${line.key} ${line.step}`) ? "a finished step is called again" : undefined;
      case "got": {
        const step = `${line.key} ${line.step}`;
        if (old.steps.has(step) && old.steps.get(step) !== line.value) return "a finished step has another value";
        return isSync && now.steps.get(step) !== line.value ? "the value of a step is not stored" : undefined;
      }
      case "model":
        return old.replies.has(line.key) ? "a model is asked again for a complete reply" : undefined;
      case "seen": {
        if (durability === "exit") return undefined; // what was seen may be taken back
        const entry = after.entries.get(line.execution)?.[line.seq - 1];
        if (entry === undefined) return "an entry is lost that was seen";
        return textOf(entry) === line.text ? undefined : `an entry is another than was seen: ${textOf(entry)}`;
      }
      case "stored": {
        const isThere = after.entries
          .get(line.execution)
          ?.some((entry) =>
            line.event === "answer"
              ? entry.type === "interrupt:answered" && entry.interrupt.id === line.id
              : entry.type === "signal" && entry.event === line.event && canonical(entry.payload) === line.id,
          );
        return isThere === true ? undefined : "what was acknowledged as stored is lost";
      }
      case "result": {
        if (line.code !== undefined && ["execution-released", ...stops].includes(line.code)) return undefined;
        const last = after.entries.get(line.execution)?.at(-1);
        if (last?.type === "flow:completed") {
          return (JSON.stringify(last.result) ?? "") === line.value
            ? undefined
            : "another result is stored than was seen";
        }
        return last?.type === "flow:failed" && line.code !== undefined ? undefined : "an end is lost that was seen";
      }
      case "fault":
        return "a fault";
      default:
        return undefined;
    }
  };
  return [...rewritten(before, after), ...lines.flatMap((line) => told(complaintOf(line), line))];
}

function told(complaint: string | undefined, line: Line): readonly string[] {
  return complaint === undefined ? [] : [`${complaint}: ${JSON.stringify(line)}`];
}

/** Entries that were stored and are not there any more, or are others. */
function rewritten(before: Logs, after: Logs): readonly string[] {
  return [...before.texts].flatMap(([id, texts]) => {
    const now = after.texts.get(id) ?? [];
    const at = now === texts ? -1 : texts.findIndex((text, index) => text !== now[index]);
    return at < 0 ? [] : [`entry ${at + 1} of ${id} was stored, and is lost or another one: ${texts[at]}`];
  });
}
