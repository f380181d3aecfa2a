import { byteSize, choice, duration, flag, integer, secret, text } from '../kit/scalars.ts';
import { dictionary, list, section } from '../kit/setting.ts';

/** Go's names of the suites that distribution's `http.tls.ciphersuites` knows and TLS libraries of today have. */
const CIPHER_SUITES = [
  'TLS_RSA_WITH_AES_128_CBC_SHA',
  'TLS_RSA_WITH_AES_256_CBC_SHA',
  'TLS_RSA_WITH_AES_128_CBC_SHA256',
  'TLS_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
  'TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305',
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
] as const;

const BROKEN_CIPHER_SUITES = [
  'TLS_RSA_WITH_RC4_128_SHA',
  'TLS_RSA_WITH_3DES_EDE_CBC_SHA',
  'TLS_ECDHE_ECDSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_RC4_128_SHA',
  'TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA',
] as const;

const DEFAULT_CIPHER_SUITES = [
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_AES_128_GCM_SHA256',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_256_GCM_SHA384',
];

const cipherSuite = choice([...CIPHER_SUITES, ...BROKEN_CIPHER_SUITES]);

export function isBrokenCipherSuite(name: string): boolean {
  return BROKEN_CIPHER_SUITES.some((broken) => broken === name);
}

const clientAuth = choice([
  'request-client-cert',
  'require-any-client-cert',
  'verify-client-cert-if-given',
  'require-and-verify-client-cert',
]);

const minimumTls = choice(['tls1.0', 'tls1.1', 'tls1.2', 'tls1.3']);

const tls = section('TLS; on where there is a certificate', {
  certificate: text('path of the PEM certificate, with its chain', { example: '/etc/ssl/registry.pem' }),
  key: text('path of its PEM key', { example: '/etc/ssl/registry.key' }),
  clientcas: list(
    'paths of PEM authorities for certificates of clients',
    text('path of a PEM file', { required: true }),
    {
      example: ['/etc/ssl/clients.pem'],
    },
  ),
  clientauth: clientAuth('what clients must bring; without clientcas nothing', {
    initial: 'require-and-verify-client-cert',
  }),
  minimumtls: minimumTls('lowest version, tls1.0 to tls1.3', { initial: 'tls1.2' }),
  ciphersuites: list("cipher suites by Go's names", cipherSuite('suite', { required: true }), {
    initial: DEFAULT_CIPHER_SUITES,
    emptyIsInitial: true,
  }),
  letsencrypt: section("certificates from Let's Encrypt", {
    cachefile: text('where they are kept', { example: '/var/lib/letsencrypt' }),
    email: text('address for the account', { example: 'me@example.com' }),
    hosts: list('names to ask certificates for', text('host', { required: true }), {
      example: ['registry.example.com'],
    }),
    directoryurl: text("another authority than Let's Encrypt", {
      example: 'https://acme.example.com/directory',
    }),
  }),
});

const limits = section('what one server lets through (not in distribution)', {
  connections: integer({ from: 1 })('open connections', { initial: '32768' }),
  uploads: integer({ from: 1 })('uploads that receive bytes at the same time; more wait', {
    initial: '1024',
  }),
  manifestsize: byteSize({ from: 1 })('largest manifest', { initial: '4608KiB' }),
  headersize: byteSize({ from: 1024 })('largest head of a request', { initial: '64KiB' }),
  headertimeout: duration({ positive: true })('for the head of a request to arrive', { initial: '30s' }),
  idletimeout: duration({ positive: true })('for the next request on an idle connection', { initial: '2m' }),
  bodytimeout: duration({ positive: true })('for the next byte of a request body; its session stays', {
    initial: '1m',
  }),
  stalltimeout: duration({ positive: true })('for a client to take the next byte of an answer', {
    initial: '5m',
  }),
  discard: section('what is still read, and dropped, of a body whose answer was given before its end', {
    size: byteSize()('this much', { initial: '1GiB' }),
    timeout: duration()('for this long', { initial: '1m' }),
    idletimeout: duration()('and without a new byte for this long', { initial: '5s' }),
  }),
});

export const http = section('the HTTP interface', {
  addr: text('where to listen: HOST:PORT, or a path where net is unix', { initial: ':5000' }),
  net: choice(['tcp', 'unix'])('tcp or unix', { initial: 'tcp' }),
  host: text('what generated URLs begin with; left out: as asked', {
    example: 'https://registry.example.com',
  }),
  prefix: text('path in front of /v2/', { example: '/registry/' }),
  secret: secret('kept for distribution; no state that needs it is given to clients here', {
    example: 'random',
  }),
  relativeurls: flag('Location without scheme and host', { initial: 'false' }),
  draintimeout: duration()('for requests under way when the server is told to stop; 0 cuts at once', {
    initial: '8s',
  }),
  tls,
  headers: dictionary(
    'headers for every answer, each with a list of values',
    list('values', text('value', { required: true })),
    {
      example: '{ X-Content-Type-Options: [nosniff] }',
    },
  ),
  debug: section('a second listener for metrics and health; on where there is an address', {
    addr: text('where to listen: HOST:PORT', { example: 'localhost:5001' }),
    prometheus: section('metrics', {
      enabled: flag('serve them', { initial: 'false' }),
      path: text('where', { initial: '/metrics' }),
    }),
  }),
  http2: section('HTTP/2 over TLS', { disabled: flag('speak HTTP/1.1 alone', { initial: 'false' }) }),
  h2c: section('HTTP/2 without TLS', { enabled: flag('speak it', { initial: 'false' }) }),
  trustedproxies: list(
    'networks whose X-Forwarded-For counts (not in distribution)',
    text('network, as 10.0.0.0/8', { required: true }),
    { example: ['10.0.0.0/8'] },
  ),
  limits,
});
