import { choice, duration, flag, integer, secret, text } from '../kit/scalars.ts';
import { dictionary, free, list, optionalSection, section } from '../kit/setting.ts';

const level = choice(['error', 'warn', 'info', 'debug'], { normalise: (written) => written.toLowerCase() });

export const loglevel = level('older name of log.level', { example: 'info' });

export const log = section('logging', {
  accesslog: section('a line for every request', { disabled: flag('do without', { initial: 'false' }) }),
  level: level('error, warn, info (the default) or debug', { example: 'info' }),
  formatter: choice(['text', 'json', 'logstash'])('text, json or logstash', { initial: 'text' }),
  fields: dictionary('go on every line', free('any value'), { example: '{ service: registry }' }),
  hooks: list(
    'mails about what is logged',
    section('a hook', {
      disabled: flag('leave it out', { initial: 'false' }),
      type: text('mail', { example: 'mail' }),
      levels: list('for these levels', text('level', { required: true }), { example: ['error'] }),
      options: section(
        'how',
        {
          smtp: section('the mail server', {
            addr: text('HOST:PORT', { example: 'mail.example.com:25' }),
            username: text('account there', { example: 'me' }),
            password: secret('its password', { example: 'password' }),
            insecure: flag('take any certificate', { initial: 'false' }),
          }),
          from: text('sender', { example: 'registry@example.com' }),
          to: list('receivers', text('address', { required: true }), { example: ['me@example.com'] }),
        },
        { env: 'MAILOPTIONS' },
      ),
    }),
  ),
  reportcaller: flag('name the place in the source', { initial: 'false' }),
});

const headers = dictionary(
  'headers to send, each with a list of values',
  list('values', secret('value', { required: true })),
  {
    example: '{ Authorization: [Bearer abc] }',
  },
);
const timeout = duration()('for an answer; 0 is ten seconds', { initial: '0s' });
const interval = duration()('this often', { initial: '10s' });
const threshold = integer({ from: 0 })('failures in a row until it counts', { initial: '0' });

export const health = section('checks; while one fails every request is 503', {
  file: list(
    'unhealthy while the file exists',
    section('a file', {
      file: text('its path', { required: true, example: '/run/drain' }),
      interval,
      threshold,
    }),
    { env: 'FILECHECKERS' },
  ),
  http: list(
    'unhealthy while a URL does not answer as it should',
    section('a URL', {
      uri: text('the URL', { required: true, example: 'http://localhost:8080/' }),
      headers,
      statuscode: integer({ from: 100, to: 599 })('what it should answer', { initial: '200' }),
      timeout,
      interval,
      threshold,
    }),
    { env: 'HTTPCHECKERS' },
  ),
  tcp: list(
    'unhealthy while an address cannot be connected to',
    section('an address', {
      addr: text('HOST:PORT', { required: true, example: 'db.example.com:6379' }),
      timeout,
      interval,
      threshold,
    }),
    { env: 'TCPCHECKERS' },
  ),
  storagedriver: section('unhealthy while the storage does not answer', {
    enabled: flag('check it', { initial: 'false' }),
    interval,
    threshold,
  }),
});

export const notifications = section('events to other servers', {
  events: section(
    'what is in them',
    { includereferences: flag('what a manifest refers to', { initial: 'false' }) },
    { env: 'EVENTCONFIG' },
  ),
  endpoints: list(
    'who gets them',
    section('an endpoint', {
      name: text('its name', { required: true, example: 'audit' }),
      disabled: flag('leave it out', { initial: 'false' }),
      url: text('where events are posted', { required: true, example: 'https://audit.example.com/events' }),
      headers,
      timeout: duration()('for an answer', { initial: '1s' }),
      threshold: integer({ from: 0 })('failures in a row until it backs off', { initial: '10' }),
      backoff: duration()('for how long', { initial: '1s' }),
      ignoredmediatypes: list('media types that are left out', text('media type', { required: true }), {
        example: ['application/octet-stream'],
      }),
      ignore: section('events that are left out', {
        mediatypes: list('by media type', text('media type', { required: true }), {
          example: ['application/octet-stream'],
        }),
        actions: list('by action', text('action', { required: true }), { example: ['pull'] }),
      }),
    }),
  ),
});

const middleware = list(
  'what is put in',
  section('a middleware', {
    name: text('its name', { required: true, example: 'cloudfront' }),
    disabled: flag('leave it out', { initial: 'false' }),
    options: free('its options', { secret: true }),
  }),
);

export const middlewares = section('additions of distribution', {
  registry: middleware,
  repository: middleware,
  storage: middleware,
});

export const redis = optionalSection('a cache that distribution can use', {
  addrs: list('servers', text('HOST:PORT', { required: true }), { example: ['localhost:6379'] }),
  clientname: text('name to go by', { example: 'registry' }),
  db: integer()('database', { initial: '0' }),
  protocol: integer()('RESP version', { initial: '0' }),
  username: text('account', { example: 'me' }),
  password: secret('its password', { example: 'password' }),
  sentinelusername: text('account at the sentinel', { example: 'me' }),
  sentinelpassword: secret('its password', { example: 'password' }),
  maxretries: integer()('tries', { initial: '0' }),
  minretrybackoff: duration()('pause between tries, least', { initial: '0s' }),
  maxretrybackoff: duration()('pause between tries, most', { initial: '0s' }),
  dialtimeout: duration()('to connect', { initial: '0s' }),
  readtimeout: duration()('to read', { initial: '0s' }),
  writetimeout: duration()('to write', { initial: '0s' }),
  contexttimeoutenabled: flag('time limits of requests hold', { initial: 'false' }),
  poolfifo: flag('oldest connection first', { initial: 'false' }),
  poolsize: integer()('connections', { initial: '0' }),
  pooltimeout: duration()('for a free connection', { initial: '0s' }),
  minidleconns: integer()('idle connections, least', { initial: '0' }),
  maxidleconns: integer()('idle connections, most', { initial: '0' }),
  maxactiveconns: integer()('connections, most', { initial: '0' }),
  connmaxidletime: duration()('life of an idle connection', { initial: '0s' }),
  connmaxlifetime: duration()('life of a connection', { initial: '0s' }),
  maxredirects: integer()('redirects in a cluster', { initial: '0' }),
  readonly: flag('read from replicas', { initial: 'false' }),
  routebylatency: flag('to the nearest node', { initial: 'false' }),
  routerandomly: flag('to any node', { initial: 'false' }),
  mastername: text('master by sentinel', { example: 'registry' }),
  disableidentity: flag('send no client name', { initial: 'false' }),
  identitysuffix: text('added to it', { example: 'one' }),
  unstableresp3: flag('features that are not final', { initial: 'false' }),
  tls: section('TLS to it', {
    certificate: text('path of a PEM certificate', { example: '/etc/ssl/redis.pem' }),
    key: text('path of its key', { example: '/etc/ssl/redis.key' }),
    rootcas: list('paths of PEM authorities', text('path', { required: true }), {
      example: ['/etc/ssl/ca.pem'],
    }),
    enabled: flag('of distribution 2', { initial: 'false' }),
  }),
  addr: text('of distribution 2; addrs since', { example: 'localhost:6379' }),
  pool: free('of distribution 2; poolsize, maxidleconns and connmaxidletime since'),
});
