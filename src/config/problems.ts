/** One thing that is wrong, or strange, and where. */
export interface Remark {
  /** The key in the file (`http.addr`, `mirror.upstreams[1].urls`), a variable or a file. */
  readonly path: string;
  readonly message: string;
}

export function formatRemark({ path, message }: Remark): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** The configuration cannot be used: every problem, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly Remark[];
  /** What is strange beside them, and may be the same slip: a variable that names no key. */
  readonly warnings: readonly Remark[];

  constructor(problems: readonly Remark[], warnings: readonly Remark[] = []) {
    super(problems.map(formatRemark).join('\n'));
    this.problems = problems;
    this.warnings = warnings;
  }
}

/** Collects problems and warnings for one place of the configuration. */
export class Report {
  readonly problems: Remark[];
  readonly warnings: Remark[];
  readonly path: string;

  constructor(path = '', lists: { problems: Remark[]; warnings: Remark[] } = { problems: [], warnings: [] }) {
    this.path = path;
    this.problems = lists.problems;
    this.warnings = lists.warnings;
  }

  problem(message: string): void {
    this.problems.push({ path: this.path, message });
  }

  warning(message: string): void {
    this.warnings.push({ path: this.path, message });
  }

  /** The same lists, one key further down; a number is an index. */
  at(step: string | number): Report {
    const path =
      typeof step === 'number' ? `${this.path}[${step}]` : this.path === '' ? step : `${this.path}.${step}`;
    return new Report(path, this);
  }
}
