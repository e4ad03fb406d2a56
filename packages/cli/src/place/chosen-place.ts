import { misused } from "../complaint.ts";
import type { Place } from "./place.ts";
import { type ServerPlace, serverPlace } from "./server-place.ts";
import { storePlace } from "./store-place.ts";

/** Where a command is to look. */
export interface PlaceOptions {
  /** Path of a SQLite file. */
  readonly store?: string;
  /** Address of a server. */
  readonly server?: string;
}

/** The place that was named, as a store or as a server. @throws Complaint where none was, or both */
export function chosenPlace({ store, server }: PlaceOptions, { mayWrite = false } = {}): Place {
  if (store !== undefined && server !== undefined)
    throw misused("Executions are looked for in one place", "Give --store or --server");
  if (store !== undefined) return storePlace(store, { mayWrite });
  return chosenServer(server);
}

/** @throws Complaint where none was named */
export function chosenServer(server: string | undefined): ServerPlace {
  if (server === undefined) {
    throw misused(
      "It is not said where executions are",
      "Give --store executions.db or --server http://…, or set SLUICE_STORE or SLUICE_SERVER",
    );
  }
  return serverPlace(server, process.env["SLUICE_TOKEN"]);
}
