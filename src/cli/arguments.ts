import { type ParseArgsConfig, parseArgs } from 'node:util';
import { UsageError } from './command.ts';

type OptionsConfig = NonNullable<ParseArgsConfig['options']>;

interface ParseOptions<O extends OptionsConfig> {
  readonly options: O;
  /** Arguments without a dash, at most. */
  readonly most: number;
}

/** The arguments of a command. @throws UsageError */
export function parseArguments<const O extends OptionsConfig>(
  args: readonly string[],
  { options, most }: ParseOptions<O>,
) {
  const parsed = parse(args, options);
  const extra = parsed.positionals[most];
  if (extra !== undefined) throw new UsageError(`unexpected argument ${JSON.stringify(extra)}`);
  return parsed;
}

function parse<const O extends OptionsConfig>(args: readonly string[], options: O) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // The other errors of parseArgs are about `options`, not about the arguments.
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  }
}
