/** Memory that fills share: `inAll` of them all together, for each one no more and no less than it can use. */
export interface SharedMemory {
  readonly inAll: number;
  readonly least: number;
  readonly most: number;
}

/** What each of so many has, in the unit of `memory`. */
export function shareOf({ inAll, least, most }: SharedMemory, sharers: number): number {
  return Math.min(Math.max(inAll / sharers, least), most);
}
