import { relative } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { messageOf } from "@sluice/core";
import { Complaint } from "../complaint.ts";
import { placeOf } from "./place-of.ts";

/** Says why a file could not be imported, in words for those who wrote it. */
export function unloadable(error: unknown, path: string, folder: string): Complaint {
  // swc adds a trace of its own insides
  const [message = ""] = stripVTControlCharacters(messageOf(error)).trim().split("\n\nCaused by:");
  const missing = /Cannot find (?:package|module) '([^']+)'/.exec(message)?.[1];
  const notExported = /module '([^']+)' does not provide an export named '([^']+)'/.exec(message);
  const place = placeOf(error) ?? path;
  if (missing !== undefined) {
    const name = missing.startsWith("/") ? relative("", missing) : missing;
    const mend =
      /^[./]/.test(name) || missing.startsWith("/")
        ? "Look at the import's path"
        : `Install it: npm install ${name} (in ${relative("", folder) || "."})`;
    return new Complaint({ what: `"${name}" is imported, and is not there`, where: path, mend, cause: error });
  }
  if (notExported !== null) {
    return new Complaint({
      what: `"${notExported[2]}" is imported from "${notExported[1]}", which does not export it`,
      where: place,
      mend: `If it is a type, say so: import { type ${notExported[2]} } from "${notExported[1]}"`,
      cause: error,
    });
  }
  return new Complaint({
    what: `The file could not be loaded: ${message.trimEnd().replaceAll(`${process.cwd()}/`, "")}`,
    where: place,
    cause: error,
  });
}
