import { RegistryError } from '../oci/errors.ts';
import type { RegistryApi } from './registry-api.ts';

/**
 * @param allow the methods that are left
 * @throws RegistryError UNSUPPORTED, which the specification has for a registry that deletes nothing
 */
export function refuseWhenDeleteIsOff(api: RegistryApi, allow: string): void {
  if (api.settings.deleteEnabled) return;
  throw new RegistryError('UNSUPPORTED', {
    message: 'deleting is switched off here: the operator can set storage.delete.enabled to true',
    headers: { allow },
  });
}

/**
 * @param allow the methods that are left
 * @throws RegistryError UNSUPPORTED, as distribution has it for its read-only mode
 */
export function refuseWhenReadOnly(api: RegistryApi, allow: string): void {
  if (!api.settings.readOnly) return;
  throw new RegistryError('UNSUPPORTED', {
    message: 'the registry is read-only for now: storage.maintenance.readonly is set',
    headers: { allow },
  });
}
