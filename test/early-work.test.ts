import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { holds } from "../bench/bar.ts";
import { early } from "../bench/early.ts";
import { earliestEnd } from "../bench/early/earliest-end.ts";
import { arrivalsOf, paces, recordingOf, sizes, verdicts } from "../bench/early/recordings.ts";
import { written } from "../bench/page.ts";
import type { Recording } from "@sluice/testing";

const { bars, pages = [] } = await early();

test.each(pages)("$file says of early work what the benchmark gives: npm run bench -- --only early", (page) => {
  const text = readFileSync(new URL(`../${page.file}`, import.meta.url), "utf8");
  expect(text).toBe(written(page, text));
});

test.each(bars)("$what is at most $limit", (bar) => {
  expect(bar.limit).toBe(1.05);
  expect(bar).toSatisfy(holds);
});

const files = paces.flatMap((pace) =>
  verdicts.flatMap((verdict) => sizes.map((size) => ({ size, file: recordingOf(pace, verdict, size) }))),
);
test.each(files)("$file has $size steps, and a piece for each token", ({ size, file }) => {
  const { steps, tokens, modelEnd } = arrivalsOf(file);
  const { calls } = JSON.parse(readFileSync(file, "utf8")) as Recording;
  const pieces = calls.flatMap((call) => call.pieces);
  expect(steps).toHaveLength(size);
  expect(pieces.filter((piece) => "text" in piece)).toHaveLength(tokens);
  expect(steps.at(-1)).toBeLessThan(modelEnd);
});

test("the earliest end is that of the model, or of a look-up that had to wait for its step or for a place", () => {
  const arrivals = { steps: [100, 150, 200], modelEnd: 450, tokens: 9 };
  expect(earliestEnd(arrivals)).toBe(500);
  expect(earliestEnd({ ...arrivals, modelEnd: 900 })).toBe(900);
  expect(earliestEnd(arrivals, 2)).toBe(700);
  expect(earliestEnd(arrivals, 1)).toBe(1_000);
});

test("a part of a page that is not marked is told", () => {
  expect(() => written({ file: "README.md", part: "gone", text: "" }, "<!-- bench: gone -->")).toThrow(
    "README.md has no part between",
  );
});
