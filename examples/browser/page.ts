import { run } from "@sluice/core";
import { Recipe } from "./recipe.ts";

const form = element("form", HTMLFormElement);
const cancel = element("#cancel", HTMLButtonElement);
const list = element("#stream", HTMLOListElement);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.replaceChildren();
  for (const name of ["#result", "#model"]) show(name, "");
  const reply = element("#reply", HTMLTextAreaElement).value;
  const execution = run(Recipe, { guests: number("#guests") }, { create: () => new Recipe(writer(reply)) });
  execution.stream$.subscribe({
    next: (line) => list.append(Object.assign(document.createElement("li"), { textContent: line })),
    error: () => {}, // the result tells it
  });
  execution.state$.subscribe({ next: ({ grams }) => show("#grams", `${grams} g`), error: () => {} });
  execution.status$.subscribe((status) => show("#status", status));
  execution.result.then(
    (result) => show("#result", result),
    (error: unknown) => show("#result", String(error)),
  );
  cancel.onclick = () => execution.cancel("the reader has had enough");
});

/** Stands in for a model: it writes the text of the form, some characters at a time, until nobody wants it any more. */
function writer(reply: string) {
  return async function* (abortSignal: AbortSignal): AsyncGenerator<string> {
    abortSignal.addEventListener("abort", () => show("#model", "the model has stopped"));
    for (const token of reply.match(/.{1,4}/gs) ?? []) {
      yield token;
      await pause(number("#pause"), abortSignal);
    }
  };
}

/** Rejects with the signal's reason as soon as it aborts. */
function pause(ms: number, abortSignal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    abortSignal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(abortSignal.reason as Error);
    });
  });
}

function number(selector: string): number {
  return element(selector, HTMLInputElement).valueAsNumber;
}

function show(selector: string, text: string): void {
  element(selector, HTMLOutputElement).value = text;
}

/** @throws Error when the page has no such element */
function element<T extends Element>(selector: string, kind: abstract new () => T): T {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} at ${selector}`);
  return found;
}
