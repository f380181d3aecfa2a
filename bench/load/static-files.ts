import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../test/support/free-port.ts';
import { startProgram } from '../../test/support/program.ts';
import { toolPath } from '../../test/support/tools.ts';

/** nginx with sendfile on a folder: what the machine gives at best. */
export async function startStaticFiles(
  home: string,
  root: string,
): Promise<AsyncDisposable & { url: string }> {
  const host = `127.0.0.1:${await freePort()}`;
  const url = `http://${host}`;
  await mkdir(home, { recursive: true });
  const configuration = join(home, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; pid ${home}/pid; error_log ${home}/error.log; user root; worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path ${home}/b; proxy_temp_path ${home}/p; fastcgi_temp_path ${home}/f;
  uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  server { listen ${host}; root ${root}; }
}
`,
  );
  const program = await startProgram(toolPath('nginx'), ['-p', home, '-c', configuration], {
    ready: async () => (await fetch(url)).status > 0,
  });
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      await program.stop();
    },
  };
}

/** Where a blob lies below a registry's directory. */
export function blobPath(digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return `/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`;
}
