import type { HealthConfig } from '../config/types/operations.ts';
import { fileCheck, type HealthCheck, httpCheck, tcpCheck } from '../operations/health-checks.ts';
import type { StorageDriver } from '../storage/driver.ts';
import { registryFolder } from '../storage/layout.ts';

/** The checks of distribution's `health`. */
export function healthChecks(config: HealthConfig, driver: StorageDriver): readonly HealthCheck[] {
  const { storageDriver, files, http, tcp } = config;
  const storage: readonly HealthCheck[] =
    storageDriver === undefined
      ? []
      : [
          {
            ...storageDriver,
            name: `storagedriver_${driver.name}`,
            run: async (signal) => void (await driver.list(registryFolder, { limit: 1, signal })),
          },
        ];
  return [
    ...storage,
    ...files.map(({ file, ...pace }) => fileCheck(file, pace)),
    ...http.map(({ uri, statusCode, headers, ...rest }) =>
      httpCheck(uri, {
        ...rest,
        status: statusCode,
        headers: Object.fromEntries(
          Object.entries(headers).map(([name, values]) => [name, values.map((value) => value.reveal())]),
        ),
      }),
    ),
    ...tcp.map(({ host, port, ...rest }) => tcpCheck({ host, port }, rest)),
  ];
}
