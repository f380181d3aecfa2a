#!/usr/bin/env node
// In a clone this runs the sources as they are; in a published package, where Node does not strip types, the build.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { fileURLToPath } from 'node:url';

const sources = new URL('../src/main.ts', import.meta.url);
const build = new URL('../dist/main.js', import.meta.url);
const ownNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

// An ES module that imports node:http evaluates what loads all of Node's undici there: a tenth of the start.
const http = process.getBuiltinModule?.('node:http');
for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) Reflect.deleteProperty(http ?? {}, name);

// What was compiled once starts in half the time; where the folder cannot be written, it is compiled again.
module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/fairlead', import.meta.url)));

if (!existsSync(sources)) {
  await import(build.href);
} else if (process.features.typescript) {
  await import(sources.href);
} else if (existsSync(ownNode)) {
  const [, script, ...args] = process.argv;
  const child = spawn(ownNode, [script, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  process.stderr.write(`fairlead needs Node 22.18 or newer; this is ${process.version}. Run npm ci first.\n`);
  process.exitCode = 1;
}
