/** Ends the process with a message for people: what went wrong, where, and how to mend it. The stack only on request. */
export function exitWith(error: unknown, debug: boolean): never {
  if (debug) console.error(error);
  else console.error(`\n${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}
