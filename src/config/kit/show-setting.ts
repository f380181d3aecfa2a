import { HIDDEN } from '../secret.ts';
import type { Section, Setting } from './setting.ts';

/** What was read by a setting, in the shape and the words of the file; undefined where there is nothing to show. */
export function showSetting(setting: Setting, value: unknown): unknown {
  if (value === undefined) return undefined;
  switch (setting.kind) {
    case 'leaf':
      return setting.secret ? HIDDEN : setting.show(value);
    case 'section':
      return showSection(setting, value);
    case 'list':
      return Array.isArray(value) ? value.map((item: unknown) => showSetting(setting.item, item)) : undefined;
    case 'dictionary':
      return showEntries(value, () => setting.item);
    case 'free':
      return setting.secret ? HIDDEN : value;
    case 'obsolete':
      return undefined;
    default:
      return setting satisfies never;
  }
}

/** A mapping in which nothing is said is left out, unless it says something by being there. */
function showSection(section: Section, value: unknown): unknown {
  const shown = showEntries(value, (key) => section.fields[key]);
  return section.optional || Object.keys(shown).length > 0 ? shown : undefined;
}

function showEntries(
  value: unknown,
  settingOf: (key: string) => Setting | undefined,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value ?? {})) {
    const setting = settingOf(key);
    const entry = setting === undefined ? undefined : showSetting(setting, item);
    if (entry !== undefined) shown[key] = entry;
  }
  return shown;
}
