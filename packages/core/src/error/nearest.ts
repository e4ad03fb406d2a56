/**
 * The name that is most like `wanted`, if one is close enough to be what was meant: Levenshtein distance at most 3 and
 * under half of the name.
 *
 * @see V. I. Levenshtein, "Binary codes capable of correcting deletions, insertions, and reversals", 1966
 */
export function nearest(wanted: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.min(4, Math.ceil(wanted.length / 2) + 1);
  for (const name of names) {
    const far = distance(wanted, name, least);
    if (far < least) [best, least] = [name, far];
  }
  return best;
}

/** "Did you mean …?", or the names there are. */
export function suggest(wanted: string, names: readonly string[]): string {
  const name = nearest(wanted, names);
  if (name !== undefined) return `Did you mean "${name}"?`;
  return names.length === 0 ? "There are none" : `There are: ${names.map((one) => `"${one}"`).join(", ")}`;
}

function distance(a: string, b: string, enough: number): number {
  if (Math.abs(a.length - b.length) >= enough) return enough;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? enough;
}
