import { existsSync, readFileSync, statSync } from "node:fs";
import { messageOf } from "@sluice/core";
import { misused } from "../complaint.ts";

/**
 * A value that was given on the command line: `-` is standard input, the path of a file stands for what is in it, anything
 * else for itself. What is JSON is read as such; other text is a text.
 *
 * @throws Complaint for what begins like JSON and is none
 */
export function givenValue(given: string, option: string): unknown {
  const [text, from] = textOf(given, option);
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!/^\s*[[{"]/.test(text)) return text.replace(/\r?\n$/, "");
    throw misused(
      `${from} is not JSON: ${messageOf(error)}`,
      `Give JSON in single quotes: ${option} '{"key":"value"}'`,
    );
  }
}

function textOf(given: string, option: string): readonly [text: string, from: string] {
  if (given === "-") return [readFileSync(0, "utf8"), "What came from standard input"];
  if (given.length < 1_000 && existsSync(given) && statSync(given).isFile())
    return [readFileSync(given, "utf8"), given];
  if (/^[^{["\s]\S*\.(json|txt|md)$/.test(given))
    throw misused(`There is no file ${given}`, `Give ${option} a file that is there, or the value itself`);
  return [given, `What was given to ${option}`];
}
