import { lanePaths } from "../graph/lane-paths.ts";
import type { Closer, FieldLanes, FieldListener } from "../graph/routes.ts";
import type { EntryOf } from "./entry.ts";
import type { Fan } from "./fan.ts";
import { rootLane } from "./lane.ts";

/** A field of a reply, and the fan-outs of that reply. */
export interface ReplyPlace {
  readonly entry: Pick<EntryOf<unknown, "field:complete">, "lane" | "replyId" | "field">;
  /** The fan-out over an array, made when it is not there. */
  readonly fan: (id: string, lane: string, source: string) => Fan;
  /** The lane of an item, made when it is not there. */
  readonly item: (fan: Fan, index: number) => string;
}

/** The listeners of a field by the lane that they hear it in: they may differ in the lanes that their wildcards open. */
export function byLane(
  place: ReplyPlace,
  listeners: readonly FieldListener[],
): ReadonlyMap<string, readonly FieldListener[]> {
  const groups = new Map<string, FieldListener[]>();
  for (const listener of listeners) {
    const lane = laneOf(place, listener.lanes);
    const group = groups.get(lane);
    if (group === undefined) groups.set(lane, [listener]);
    else group.push(listener);
  }
  return groups;
}

/** An array is complete. One without items has had no fan-out until now. @returns the id of the fan-out over it */
export function endOf(place: ReplyPlace, { above, fan }: Closer): string {
  const lane = laneOf(place, above);
  const id = fanId(lane, place, place.entry.field, lanePaths(place.entry.field, above.fansOut).at(-1) ?? "");
  place.fan(id, lane, fan);
  return id;
}

/** The lane of a field: a fan-out belongs to the reply, so all who listen to item i share its lane. */
function laneOf(place: ReplyPlace, { fansOut, fans }: FieldLanes): string {
  const { entry } = place;
  if (fans.length === 0) return entry.lane;
  let lane = entry.lane;
  let before = "";
  for (const [depth, path] of lanePaths(entry.field, fansOut).entries()) {
    const bracket = path.lastIndexOf("[");
    const fan = place.fan(fanId(lane, place, path.slice(0, bracket), before), lane, fans[depth] ?? "");
    lane = place.item(fan, Number(path.slice(bracket + 1, -1)));
    before = path;
  }
  return lane;
}

/** `/triage@a1:items` at the root of a reply, `/triage@a1:items[2]/tags` below an item. */
function fanId(lane: string, { entry: { lane: base, replyId } }: ReplyPlace, array: string, before: string): string {
  const rest = before === "" ? array : array.slice(before.length).replace(/^\./, "");
  if (lane !== base) return `${lane}/${rest}`;
  return `${lane === rootLane ? "" : lane}/${replyId}:${rest}`;
}
