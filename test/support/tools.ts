import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Where `go install` puts programs. Behind the system's own in every PATH: see `systemPath`. */
export const goBin = process.env.GOBIN ?? join(homedir(), 'go', 'bin');

/**
 * For the old docker daemon, which takes the shim that comes first and cannot run containers with the new one.
 */
export const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

const go = (program: string) => [join(goBin, program)];
const system = (program: string) => systemPath.split(':').map((folder) => join(folder, program));

/** The real programs that tests run, and where each may lie. `root` is no program but the right to mount. */
const candidates = {
  busybox: system('busybox'),
  containerd: go('containerd'),
  'containerd-classic': ['/usr/bin/containerd'],
  cosign: go('cosign'),
  crane: go('crane'),
  ctr: go('ctr'),
  debootstrap: system('debootstrap'),
  distribution: go('registry'),
  docker: system('docker'),
  'docker-registry': system('docker-registry'),
  'dockerd-classic': ['/usr/sbin/dockerd'],
  'dockerd-engine': go('dockerd'),
  helm: go('helm'),
  htpasswd: system('htpasswd'),
  minio: go('minio'),
  nginx: system('nginx'),
  podman: system('podman'),
  rclone: system('rclone'),
  regctl: go('regctl'),
  root: [],
  skopeo: system('skopeo'),
  toxiproxy: go('server'),
  versitygw: go('versitygw'),
} as const satisfies Record<string, readonly string[]>;

export type Tool = keyof typeof candidates;

/** The path of a program. @throws Error that says how to install it */
export function toolPath(tool: Tool): string {
  const path = candidates[tool].find(isExecutable);
  if (path === undefined) throw new Error(`${tool} is missing; .ci/install-tools installs it`);
  return path;
}

/** Those of the tools that are not here. */
export function missingTools(tools: readonly Tool[]): Tool[] {
  return tools.filter((tool) =>
    tool === 'root' ? process.getuid?.() !== 0 : !candidates[tool].some(isExecutable),
  );
}

/** A PATH in which the programs of `go install` come first. */
export const goFirstPath = [goBin, systemPath].join(delimiter);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
