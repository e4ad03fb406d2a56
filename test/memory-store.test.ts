// The conformance suite of stores, on the store in memory.
import { memoryStore } from "@sluice/core";
import { storeCases } from "@sluice/testing";
import { describe, expect, test } from "vitest";

describe("memoryStore", () => {
  test.each(storeCases({ open: memoryStore }))("$name", async ({ run }) => {
    await expect(run()).resolves.toBeUndefined();
  });
});
