import { once } from 'node:events';
import { createServer } from 'node:http';
import { expect, it } from 'vitest';
import { withAccessLog } from '../../../src/operations/access-log.ts';
import { collectLog } from '../../support/collected-log.ts';

it('names no account that a client tells a token server', async () => {
  const log = collectLog();
  const logger = { ...log, child: () => logger };
  const handler = withAccessLog((_req, res) => void res.end(), { logger, address: () => '127.0.0.1' });
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const path = '/auth/token?account=hubuser&scope=repository%3Anginx%3Apull&service=x';
  await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } })).text();
  server.close();
  await once(server, 'close');
  expect(log.lines.map(({ fields }) => fields.target)).toEqual([
    '/auth/token?account=…&scope=repository%3Anginx%3Apull&service=x',
  ]);
});
