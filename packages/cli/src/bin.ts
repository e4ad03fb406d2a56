#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { installLoader } from "./loader/loader.ts";

enableCompileCache();
// Flows say how they were loaded when something fails; that node:sqlite is young is no news to them.
const emitWarning = process.emitWarning.bind(process) as (...args: readonly unknown[]) => void;
process.emitWarning = ((warning: string | Error, ...rest: readonly unknown[]) => {
  if (!/SQLite is an experimental feature/.test(String(warning))) emitWarning(warning, ...rest);
}) as typeof process.emitWarning;

installLoader();
const { main } = await import("./program/program.ts");
await main(process.argv);
