/**
 * What can be taken back among the causes of a signal: ids of the fields of open replies, of these replies, and of what
 * was gathered of them.
 */
export type Claims = readonly string[];

/** What is taken back: whoever has one of its ids among its causes goes. */
export type IsTakenBack = (claims: Claims | undefined) => boolean;

/** The claims of what follows from several things; undefined when nothing of them can be taken back. */
export function unionOf(several: Iterable<Claims | undefined>): Claims | undefined {
  let first: Claims | undefined;
  let all: Set<string> | undefined;
  for (const claims of several) {
    if (claims === undefined || claims === first) continue;
    if (first === undefined) first = claims;
    else for (const id of claims) (all ??= new Set(first)).add(id);
  }
  return all === undefined ? first : [...all];
}
