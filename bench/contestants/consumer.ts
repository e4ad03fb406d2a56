/** Who listens to a stream of numbers, and adds them up. */
export interface Consumer {
  readonly consume: (item: number) => void;
  readonly total: () => number;
}

export function consumersOf(count: number): readonly Consumer[] {
  return Array.from({ length: count }, () => {
    let total = 0;
    return { consume: (item: number): void => void (total += item), total: () => total };
  });
}

/** What all of them have heard. */
export function totalOf(consumers: readonly Consumer[]): number {
  return consumers.reduce((all, { total }) => all + total(), 0);
}

/** What `consumers` of a stream of the first `count` numbers have heard. */
export function heardBy(consumers: number, count: number): number {
  return (consumers * count * (count - 1)) / 2;
}
