import { SluiceError } from "../error/sluice-error.ts";

/** A place in the log: after `seq` durable entries, and `live` live ones behind the last of them. */
export interface Position {
  readonly seq: number;
  readonly live: number;
}

/** A position as text: `12` for a durable entry, `12.3` for the third live entry behind it. */
export function positionOf({ seq, live }: Position): string {
  return live === 0 ? String(seq) : `${seq}.${live}`;
}

/**
 * Reads a position: `12`, `"12"` or `"12.3"`.
 *
 * @throws SluiceError `position-invalid`
 */
export function parsePosition(text: string | number): Position {
  const match = /^(\d{1,15})(?:\.(\d{1,15}))?$/.exec(String(text));
  if (match === null) {
    throw new SluiceError("position-invalid", {
      what: `${JSON.stringify(text)} is not a position in the log`,
      mend: "Give the position of an entry, such as 12 or 12.3",
    });
  }
  return { seq: Number(match[1]), live: Number(match[2] ?? 0) };
}

/** Negative, zero or positive: `a` is before, at, or behind `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.seq - b.seq || a.live - b.live;
}
