import type { Report } from '../problems.ts';

/** Names that may lead to one place each. */
export class Names {
  readonly #kind: string;
  readonly #owners = new Map<string, number>();

  /** @param kind what a person calls such a name: "host" */
  constructor(kind: string) {
    this.#kind = kind;
  }

  /** Reports a name that leads to another already. The same owner may repeat its own. */
  claim(name: string, { by, report }: { by: number; report: Report }): void {
    const owner = this.#owners.get(name);
    if (owner === undefined) this.#owners.set(name, by);
    else if (owner !== by) {
      report.problem(`the ${this.#kind} ${name} leads to mirror.upstreams[${owner}] already`);
    }
  }

  ownerOf(name: string): number | undefined {
    return this.#owners.get(name);
  }

  all(): Iterable<string> {
    return this.#owners.keys();
  }
}
