// A flow in a real browser: the page of examples/browser, in headless Chromium.
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ServedPage, serveBrowserExample } from "../../scripts/serve-browser.ts";
import { describeInChromium } from "./in-chromium.ts";

describeInChromium("a flow in a page", (current) => {
  let served: ServedPage;

  beforeAll(async () => {
    served = await serveBrowserExample();
  });
  afterAll(() => served?.[Symbol.asyncDispose]());

  /** Opens the page, gives the model no pause, and fills in the form. */
  const open = async ({ host = "127.0.0.1", reply }: { host?: string; reply?: string } = {}): Promise<void> => {
    const { page } = current();
    await page.goto(`http://${host}:${served.port}/`);
    await page.fill("#guests", "4");
    await page.fill("#pause", "0");
    if (reply !== undefined) await page.fill("#reply", reply);
  };
  const press = (button: string): Promise<void> => current().page.getByRole("button", { name: button }).click();
  /** The text of an output, once it is some. */
  const output = async (id: string): Promise<string> => current().page.locator(`#${id}:not(:empty)`).innerText();

  test("fields of a reply start chunks, events go round, state adds up, and the result comes", async () => {
    const { page, errors } = current();
    await open();
    await press("Start");
    expect(await output("result")).toBe("tomato soup for 4: 1520 g");
    expect(await page.locator("#stream li").allInnerTexts()).toEqual([
      "For tomato soup you need:",
      "1200 g of tomatoes",
      "200 g of onions",
      "120 g of cream",
    ]);
    expect(await output("grams")).toBe("1520 g");
    expect(await output("status")).toBe("completed");
    expect(errors).toEqual([]);
  });

  test("a chunk has run while the reply is still being written, and cancelling stops the model", async () => {
    const { page, errors } = current();
    await open();
    await page.evaluate(pauseAtTheFirstItem);
    await press("Start");
    expect(await page.locator("#stream li").first().innerText()).toBe("For tomato soup you need:");
    expect(await output("status")).toBe("running");
    await press("Cancel");
    expect(await output("model")).toBe("the model has stopped");
    expect(await output("result")).toContain("cancelled: the reader has had enough");
    expect(await output("status")).toBe("cancelled");
    expect(await page.locator("#stream li").count()).toBe(1);
    expect(errors).toEqual([]);
  });

  test("a reply that does not fit is the execution's error, and none of the page's", async () => {
    const { errors } = current();
    await open({ reply: '{"title": "air", "ingredients": []}' });
    await press("Start");
    expect(await output("result")).toMatch(/^SluiceError: .*ingredients/);
    expect(await output("status")).toBe("failed");
    expect(errors).toEqual([]);
  });

  test("it runs on a page that came without HTTPS, where browsers hold parts of their API back", async () => {
    const { page, errors } = current();
    await open({ host: "flows.test" });
    expect(await page.evaluate("isSecureContext")).toBe(false);
    await press("Start");
    expect(await output("result")).toBe("tomato soup for 4: 1520 g");
    expect(errors).toEqual([]);
  });
});

/** Runs in the page: from the first item on, the model pauses for an hour. */
const pauseAtTheFirstItem = `
  new MutationObserver(() => (document.querySelector("#pause").value = 3_600_000))
    .observe(document.querySelector("#stream"), { childList: true });
`;
