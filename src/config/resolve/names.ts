import type { Report } from '../problems.ts';

/** Names that may lead to one place each. */
export class Names {
  readonly #kind: string;
  readonly #owners = new Map<string, number>();

  /** @param kind what a person calls such a name: "host" */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /**
   * Reports a name that leads to another already. The same owner may repeat its own.
   * @returns whether the name is the claimer's
   */
  claim(name: string, { by, report }: { by: number; report: Report }): boolean {
    const owner = this.#owners.get(name) ?? by;
    if (owner !== by) report.problem(`the ${this.#kind} ${name} leads to mirror.upstreams[${owner}] already`);
    else this.#owners.set(name, by);
    return owner === by;
  }

  ownerOf(name: string): number | undefined {
    return this.#owners.get(name);
  }

  all(): Iterable<string> {
    return this.#owners.keys();
  }
}
