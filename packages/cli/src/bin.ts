#!/usr/bin/env node
import module from "node:module";
import { exitCodes } from "./complaint.ts";

// what is imported by name and is not there is an error that nobody can catch
if (typeof module.registerHooks !== "function") {
  console.error(`sluice needs Node 22.15 or later, and this is ${process.version}`);
  process.exit(exitCodes.usage);
}
module.enableCompileCache();
// that node:sqlite is young is no news to those who run a flow
const emitWarning = process.emitWarning.bind(process) as (...args: readonly unknown[]) => void;
process.emitWarning = ((warning: string | Error, ...rest: readonly unknown[]) => {
  if (!/SQLite is an experimental feature/.test(String(warning))) emitWarning(warning, ...rest);
}) as typeof process.emitWarning;

const { installLoader } = await import("./loader/loader.ts");
installLoader();
const { main } = await import("./program/program.ts");
await main(process.argv.splice(2)); // they are not those of the files that it imports
