import { type Entry, isFinal, matchesPath, parsePosition } from "@sluice/core";

/** What of an execution's log a client wants to see. */
export interface Wanted {
  /** Only entries behind this position: what a client has had. Goes before `from`. */
  readonly after?: string | undefined;
  /** Only entries from this position on. */
  readonly from?: string | undefined;
  /** Begin with a snapshot of where the execution stands, and go on from there; not with `after` or `from`. */
  readonly snapshot: boolean;
  /** Which entries; undefined for all. The end always is, and gaps are always told. */
  readonly select?: ((entry: Entry) => boolean) | undefined;
}

/**
 * What a request asks to see: `after`, `from`, `snapshot`; and of the entries those whose type is one of `types`, which
 * tell of one of `fields` (a reply and a path, as in `triage:summary,triage:steps[*].name`; a reply alone is all of it), or
 * which are items of the runtime stream (`items`). Several of these add up; none means all.
 *
 * @param had what a client that connects again says it has had last; goes before what its address says
 * @throws SluiceError `position-invalid`, `path-invalid`
 */
export function wantedOf(query: Readonly<Record<string, string | undefined>>, had?: string): Wanted {
  const { after: given, from: begin, snapshot, types, fields, items } = query;
  const after = had !== undefined && had !== "" ? had : given;
  const from = after === undefined ? begin : undefined;
  for (const position of [after, from]) if (position !== undefined) parsePosition(position);
  const isPlaced = after !== undefined || from !== undefined;
  return { after, from, snapshot: snapshot !== undefined && !isPlaced, select: selection(types, fields, items) };
}

function selection(types = "", fields = "", items?: string): Wanted["select"] {
  const named = new Set<string>(types.split(",").filter((type) => type !== ""));
  const shown = fields
    .split(/,(?![^[]*\])/)
    .filter((field) => field !== "")
    .map(fieldTest);
  if (items !== undefined) named.add("stream:item").add("stream:stop");
  if (shown.length > 0) named.add("chunk:reset"); // what was shown of that attempt is void
  if (named.size === 0) return undefined;
  return (entry) => {
    if (named.has(entry.type) || isFinal(entry)) return true;
    return "reply" in entry && shown.some((isShown) => isShown(entry));
  };
}

/** A test of entries about a reply, from `reply` or `reply:path`. */
function fieldTest(text: string): (entry: { readonly reply: string; readonly field?: string }) => boolean {
  const colon = text.indexOf(":");
  if (colon < 0) return ({ reply }) => reply === text;
  const name = text.slice(0, colon);
  const fits = matchesPath(text.slice(colon + 1));
  return ({ reply, field }) => reply === name && field !== undefined && fits(field);
}
