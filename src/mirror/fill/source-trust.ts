/** Which URLs of an upstream sent bytes that were wrong, as far as that can be told. */
export class SourceTrust<Source> {
  readonly #liars = new Set<Source>();
  /** One of these lies; the first is to be tried alone next. */
  #suspects: Source[] = [];

  /**
   * The sources to fetch from, best first; a single one while it has to be found out who lies, and who does only
   * where there is no other.
   */
  choose(byHealth: readonly Source[]): readonly Source[] {
    const suspect = this.#suspects.find((one) => byHealth.includes(one));
    if (suspect !== undefined) return [suspect];
    const honest = byHealth.filter((one) => !this.#liars.has(one));
    return honest.length > 0 ? honest : byHealth;
  }

  /** All of them: those to fetch from first. */
  order(byHealth: readonly Source[]): readonly Source[] {
    const chosen = this.choose(byHealth);
    return [...chosen, ...byHealth.filter((one) => !chosen.includes(one))];
  }

  /** A digest was right: who sent all of it does not lie. */
  right(sources: ReadonlySet<Source>): void {
    const [only] = sources;
    if (only === undefined || sources.size > 1) return;
    this.#liars.delete(only);
    this.#suspects = this.#suspects.filter((one) => one !== only);
    const [last] = this.#suspects;
    if (last !== undefined && this.#suspects.length === 1) this.#accuse(last);
  }

  /** A digest was wrong. */
  wrong(sources: ReadonlySet<Source>): void {
    const [only] = sources;
    if (only === undefined) return;
    if (sources.size === 1) this.#accuse(only);
    else this.#suspects = [...sources];
  }

  /**
   * It was given up.
   * @param contradicting those that told another size than `sources`, who sent what came
   */
  gaveUp(sources: ReadonlySet<Source>, contradicting: ReadonlySet<Source>): void {
    if (contradicting.size > 0) {
      this.wrong(new Set([...sources, ...contradicting]));
      return;
    }
    const [first, ...others] = this.#suspects;
    // Whoever cannot even be tried alone must not be all that is tried.
    if (first !== undefined && sources.size === 1 && sources.has(first)) this.#suspects = [...others, first];
  }

  #accuse(source: Source): void {
    this.#liars.add(source);
    this.#suspects = [];
  }
}
