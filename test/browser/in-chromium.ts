import { type Browser, type ConsoleMessage, type Page, chromium } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe } from "vitest";
import { findChromium } from "../../scripts/chromium.ts";

/** A page of a test, and what went wrong in it. */
export interface TestPage {
  readonly page: Page;
  readonly errors: readonly string[];
}

const executablePath = findChromium();
const required = process.env["SLUICE_CHROMIUM"] === "required" || process.env["CI"] === "true";

/** Tests in headless Chromium, each in a page of its own; skipped where there is none, unless it is required. */
export function describeInChromium(name: string, tests: (current: () => TestPage) => void): void {
  describe.skipIf(executablePath === undefined && !required)(`${name} (needs Chromium)`, () => {
    let browser: Browser;
    let current: { readonly page: Page; readonly errors: string[] };

    beforeAll(async () => {
      if (executablePath === undefined) throw new Error("There is no Chromium: install one, or set CHROMIUM_PATH");
      const args = ["--no-sandbox", "--host-resolver-rules=MAP flows.test 127.0.0.1"]; // root has no sandbox
      browser = await chromium.launch({ executablePath, args });
    });
    afterAll(() => browser?.close());
    beforeEach(async () => {
      const errors: string[] = [];
      const page = await browser.newPage();
      page.setDefaultTimeout(15_000);
      page.on("pageerror", (error) => errors.push(error.message));
      page.on("console", (message: ConsoleMessage) => message.type() === "error" && errors.push(message.text()));
      current = { page, errors };
    });
    afterEach(() => current.page.close());

    tests(() => current);
  });
}
