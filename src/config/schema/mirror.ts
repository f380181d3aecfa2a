import { byteSize, duration, flag, secret, text } from '../kit/scalars.ts';
import { list, section } from '../kit/setting.ts';
import type { Tree } from '../tree.ts';

const exec = section('or a docker credential helper', {
  command: text('the helper', { example: 'docker-credential-ecr-login' }),
  lifetime: duration()('how long its answer is used; 0 asks every time, left out asks once', {
    example: '1h',
  }),
});

const upstream = section(
  'a registry that is mirrored; a name alone will do for a well-known one',
  {
    name: text('under which its images are known', { required: true, example: 'gcr.io' }),
    urls: list('where it is, or several places with the same content', text('URL', { required: true }), {
      single: true,
      example: ['https://gcr.io'],
    }),
    hosts: list('Host headers that lead here', text('host name', { required: true }), {
      single: true,
      example: ['gcr.mirror.example'],
    }),
    aliases: list('other names of it', text('name', { required: true }), {
      single: true,
      example: ['eu.gcr.io'],
    }),
    username: text('account there', { example: 'me' }),
    password: secret('its password', { example: 'password' }),
    passwordfile: text('or a file that holds it', { example: '/run/secrets/gcr' }),
    exec,
    tagttl: duration()('how long a tag is used without asking', { initial: '10m' }),
    ca: text('PEM certificates that its own is checked with', { example: '/etc/ssl/own.pem' }),
    insecure: flag('take any certificate', { initial: 'false' }),
    allow: list('patterns of repositories that may be fetched', text('pattern', { required: true }), {
      initial: ['**'],
    }),
  },
  { expand: (name: string): Tree => ({ name }) },
);

export const mirror = section('upstreams whose content is fetched and kept (not in distribution)', {
  upstreams: list('what is mirrored, as [docker.io, quay.io]', upstream),
  default: text(
    'where a bare name goes that is not hosted; left out: docker.io where listed, else the first',
    {
      example: 'docker.io',
    },
  ),
  timeouts: section('how long an upstream may take', {
    connect: duration({ positive: true })('to connect', { initial: '5s' }),
    firstbyte: duration({ positive: true })('to begin an answer', { initial: '10s' }),
    tagcheck: duration({ positive: true })('to tell whether a tag has moved, over all its URLs', {
      initial: '5s',
    }),
    stall: duration({ positive: true })('for the next byte', { initial: '10s' }),
    fill: duration({ positive: true })('for the next byte of a fill, over all tries', { initial: '30s' }),
  }),
  spool: section('local room for what is fetched into a bucket', {
    directory: text('where; must be there', { initial: '/tmp' }),
    maxsize: byteSize()('how much', { initial: '10GiB' }),
  }),
  evict: section('what is dropped again; without it nothing', {
    unusedfor: duration({ positive: true })('images not pulled for this long', { example: '168h' }),
    maxsize: byteSize({ from: 1 })('and the longest unused above this size', { example: '200GiB' }),
  }),
});

export const proxy = section('the whole server mirrors one upstream, as in distribution', {
  remoteurl: text('its URL; left out: no proxy', { example: 'https://registry-1.docker.io' }),
  username: text('account there', { example: 'me' }),
  password: secret('its password', { example: 'password' }),
  exec,
  ttl: duration()('how long content is kept; no effect yet: for ever', { initial: '168h' }),
  cachewritetimeout: duration()('for keeping one blob; no effect', { initial: '5m' }),
});
