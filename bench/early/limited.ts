/** The same work, at most `atOnce` at a time; who comes first goes first. */
export function limited<T, R>(atOnce: number, work: (input: T) => Promise<R>): (input: T) => Promise<R> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (input) => {
    if (running < atOnce) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve)); // takes over the place of who leaves
    try {
      return await work(input);
    } finally {
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
