import { choice, flag, integer, text } from '../kit/scalars.ts';
import { list, obsolete, section, type ValueOf } from '../kit/setting.ts';
import { auth } from './auth.ts';
import { http } from './http.ts';
import { mirror, proxy } from './mirror.ts';
import { health, log, loglevel, middlewares, notifications, redis } from './operations.ts';
import { storage } from './storage.ts';

const expression = text('regular expression', { required: true });

const validation = section('what is looked at when a manifest is pushed', {
  enabled: flag('older opposite of disabled', { initial: 'false' }),
  disabled: flag('take manifests whose config, layers or children are not here', { initial: 'false' }),
  manifests: section('manifests', {
    urls: section('URLs of layers that lie elsewhere', {
      allow: list('expressions one of which must match; none: all are allowed', expression, {
        example: ['^https?://([^/]+\\.)*example\\.com/'],
      }),
      deny: list('expressions none of which may match', expression, {
        example: ['^https?://www\\.example\\.com/'],
      }),
    }),
    indexes: section('indexes', {
      platforms: choice(['all', 'none', 'list'], { normalise: (written) => written.toLowerCase() })(
        'whose images must be here: all, none or those of platformlist',
        { initial: 'all' },
      ),
      platformlist: list(
        'these',
        section('a platform', {
          os: text('as linux', { example: 'linux' }),
          architecture: text('as amd64', { example: 'amd64' }),
        }),
      ),
    }),
  }),
});

/** Every key there is: distribution's, with its names, meanings and defaults, and the ones added here. */
export const schema = section('', {
  version: choice(['0.1'])('of this format', { initial: '0.1' }),
  log,
  loglevel,
  storage,
  auth,
  middleware: middlewares,
  http,
  notifications,
  redis,
  health,
  catalog: section('the list of repositories', {
    maxentries: integer()('names on one page', { initial: '1000' }),
  }),
  tags: section('the list of tags', {
    maxtags: integer({ from: 0 })('tags on one page', { initial: '1000' }),
  }),
  proxy,
  validation,
  policy: section('policies', {
    repository: section('of repositories', {
      classes: list('classes of content that may be pushed', text('class', { required: true }), {
        example: ['image'],
      }),
    }),
  }),
  mirror,
  reporting: obsolete('Bugsnag and New Relic went with distribution 2'),
  compatibility: obsolete('Docker schema 1 is not taken any more'),
});

/** The configuration in the shape of the file, every default filled in. */
export type Settings = ValueOf<typeof schema>;
