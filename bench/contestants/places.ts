/** The places of a list: what is spread over activations, and what goes through a stream. */
export function places(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place);
}

/** What is done with each place of a list. */
export async function double(place: number): Promise<number> {
  return place * 2;
}

/** What joins the doubled places. It depends on their order. */
export function join(doubled: readonly number[]): number {
  return doubled.reduce((joined, one) => (joined * 31 + one) % 1_000_003, doubled.length);
}

/** What a join of `count` doubled places has to give. */
export function joined(count: number): number {
  return join(places(count).map((place) => place * 2));
}
