import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startProgram } from './program.ts';
import { toolPath } from './tools.ts';

/** nginx before several servers, which takes them in turn for every request. */
export interface RoundRobin extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly url: string;
}

/** @param hosts `127.0.0.1:PORT` of each server */
export async function startRoundRobin(folder: string, hosts: readonly string[]): Promise<RoundRobin> {
  const port = await freePort();
  const home = join(folder, `nginx-${port}`);
  await mkdir(home, { recursive: true });
  const configuration = join(home, 'nginx.conf');
  await writeFile(
    configuration,
    `daemon off; pid ${home}/pid; error_log ${home}/error.log; worker_processes 1;
events { worker_connections 1024; }
http {
  access_log off; client_max_body_size 0; client_body_temp_path ${home}/body; proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/f; uwsgi_temp_path ${home}/u; scgi_temp_path ${home}/s;
  upstream registries { ${hosts.map((host) => `server ${host} max_fails=0;`).join(' ')} }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://registries; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto http;
      proxy_request_buffering off; proxy_buffering off; proxy_read_timeout 120s; proxy_next_upstream off;
    }
  }
}
`,
  );
  const url = `http://127.0.0.1:${port}`;
  const program = await startProgram(toolPath('nginx'), ['-p', home, '-c', configuration], {
    ready: async () => (await fetch(`${url}/v2/`)).status < 500,
  });
  return {
    host: `127.0.0.1:${port}`,
    url,
    [Symbol.asyncDispose]: async () => {
      await program.stop();
    },
  };
}
