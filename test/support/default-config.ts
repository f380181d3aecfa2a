import type { Fields, Setting } from '../../src/config/kit/setting.ts';

const HEADER = `# Every key there is, with its default and what it is for. Keys behind a # have no default: what stands there
# is an example. This file is what the server runs with when no other is named.
#
# The names, meanings and defaults are those of the configuration of distribution (registry:2, registry:3), and
# REGISTRY_* variables go over the file as there: REGISTRY_HTTP_ADDR=:5001, REGISTRY_MIRROR_UPSTREAMS='[docker.io]'.
# A variable's steps are the keys, but for these: HEALTH_FILECHECKERS, HEALTH_HTTPCHECKERS, HEALTH_TCPCHECKERS,
# NOTIFICATIONS_EVENTCONFIG and LOG_HOOKS_0_MAILOPTIONS. HTTPS_PROXY, HTTP_PROXY and NO_PROXY hold for what goes out.
#
# What is understood and not built yet is a warning where it is asked for, or an error where leaving it out could hurt.
#
# A duration is written 1h30m, 10s or 500ms (a number alone is nanoseconds, as in distribution), a size 10GiB,
# 5MB or 4096.
`;

const COMMENT_COLUMN = 52;

/** A line of YAML before it is known how deep it lies. */
interface Line {
  readonly depth: number;
  readonly text: string;
  readonly doc: string;
}

/** The text of `config/default.yml` for a table of settings. */
export function renderDefaultConfig(fields: Fields): string {
  return `${HEADER}\n${renderFields(fields, { depth: 0, commented: false }).join('\n')}\n`;
}

/** The same file with every key in force, examples too. */
export function withExamples(defaultConfig: string): string {
  return defaultConfig.replace(/^(\s*)#(?! \S|$)/gm, '$1');
}

interface Place {
  readonly depth: number;
  /** Whether what lies around is commented out already. */
  readonly commented: boolean;
}

function renderFields(fields: Fields, place: Place): string[] {
  return Object.entries(fields).flatMap(([key, setting]) => {
    const inForce = place.commented || hasDefault(setting);
    if (inForce && setting.kind === 'section' && !place.commented) {
      const head = format(
        { depth: place.depth, text: `${key}:`, doc: setting.doc },
        { commentAt: undefined },
      );
      return [head, ...renderFields(setting.fields, { depth: place.depth + 1, commented: false })];
    }
    return lines(key, setting, place.depth).map((line) =>
      format(line, { commentAt: inForce ? undefined : place.depth }),
    );
  });
}

function hasDefault(setting: Setting): boolean {
  switch (setting.kind) {
    case 'leaf':
      return setting.initial !== undefined;
    case 'section':
      return !setting.optional;
    case 'list':
      return setting.initial.length > 0 || (setting.item.kind === 'leaf' && setting.example.length === 0);
    case 'dictionary':
    case 'free':
    case 'obsolete':
      return false;
    default:
      return setting satisfies never;
  }
}

/** A key and all below it, each with its default or else its example. */
function lines(key: string, setting: Setting, depth: number): Line[] {
  const { doc } = setting;
  switch (setting.kind) {
    case 'leaf':
      return [{ depth, text: `${key}: ${setting.initial ?? setting.example ?? ''}`.trimEnd(), doc }];
    case 'section':
      if (setting.aliasOf !== undefined) return [{ depth, text: `${key}: {}`, doc }];
      return [{ depth, text: `${key}:`, doc }, ...below(setting.fields, depth + 1)];
    case 'list': {
      if (setting.item.kind === 'section') {
        const [first, ...rest] = below(setting.item.fields, depth + 2);
        const item =
          first === undefined ? [] : [{ ...first, depth: depth + 1, text: `- ${first.text}` }, ...rest];
        return [{ depth, text: `${key}:`, doc }, ...item];
      }
      const values = (setting.initial.length > 0 ? setting.initial : setting.example).map(quote);
      if (values.length < 5) return [{ depth, text: `${key}: [${values.join(', ')}]`, doc }];
      return [
        { depth, text: `${key}:`, doc },
        ...values.map((value) => ({ depth: depth + 1, text: `- ${value}`, doc: '' })),
      ];
    }
    case 'dictionary':
    case 'free':
      return [{ depth, text: `${key}: ${setting.example}`, doc }];
    case 'obsolete':
      return [];
    default:
      return setting satisfies never;
  }
}

function below(fields: Fields, depth: number): Line[] {
  return Object.entries(fields).flatMap(([key, setting]) => lines(key, setting, depth));
}

function quote(value: string): string {
  return /^[A-Za-z0-9/][A-Za-z0-9/._:-]*$/.test(value) ? value : `'${value}'`;
}

function format({ depth, text, doc }: Line, { commentAt }: { commentAt: number | undefined }): string {
  const line =
    commentAt === undefined
      ? `${'  '.repeat(depth)}${text}`
      : `${'  '.repeat(commentAt)}#${'  '.repeat(depth - commentAt)}${text}`;
  return doc === '' ? line : `${line.padEnd(COMMENT_COLUMN)} # ${doc}`;
}
