import { ACCOUNT } from '../access-pattern.ts';
import { choice, duration, flag, integer, text } from '../kit/scalars.ts';
import { dictionary, list, optionalList, optionalSection, section } from '../kit/setting.ts';
import { SIGNING_ALGORITHMS } from '../types/auth.ts';

const algorithm = choice(SIGNING_ALGORITHMS);
const action = choice(['pull', 'push', 'delete', '*']);

export const auth = section(
  'who may do what: none, or one of htpasswd, token and builtin',
  {
    none: optionalSection('everybody may do everything (the default)', {}),
    silly: optionalSection('refused: it lets everybody in who sends any Authorization header', {
      realm: text('realm', { example: 'silly-realm' }),
      service: text('service', { example: 'silly-service' }),
    }),
    htpasswd: optionalSection('Basic, with users in a file, all of whom may do everything', {
      realm: text('realm', { required: true, example: 'registry' }),
      path: text('htpasswd file; bcrypt', { required: true, example: '/etc/fairlead/htpasswd' }),
    }),
    token: optionalSection('tokens of a service elsewhere', {
      realm: text('URL of that service', { required: true, example: 'https://auth.example.com/token' }),
      service: text('what this server is called there', { required: true, example: 'registry.example.com' }),
      issuer: text('what its tokens say in iss', { required: true, example: 'auth.example.com' }),
      rootcertbundle: text('PEM certificates that its tokens are checked with', {
        example: '/etc/ssl/token.pem',
      }),
      jwks: text('or a JSON Web Key Set', { example: '/etc/ssl/token.jwks' }),
      autoredirect: flag('work the realm out from the Host asked', { initial: 'false' }),
      autoredirectpath: text('its path then', { initial: '/auth/token/' }),
      signingalgorithms: list('what may sign', algorithm('algorithm', { required: true }), {
        initial: SIGNING_ALGORITHMS,
        emptyIsInitial: true,
      }),
    }),
    builtin: optionalSection('tokens of this server (not in distribution)', {
      users: text('htpasswd file; bcrypt; `fairlead user add` writes it', {
        required: true,
        example: '/etc/fairlead/users',
      }),
      realm: text('URL of the token endpoint; left out: worked out from the request', {
        example: 'https://registry.example.com/auth/token',
      }),
      service: text('left out: the host asked', { example: 'registry.example.com' }),
      issuer: text('what tokens say in iss', { initial: 'fairlead' }),
      key: list(
        'PEM key, or several: the first signs, all verify; left out: made, and kept in the storage',
        text('path of a PEM key', { required: true }),
        { single: true, example: ['/etc/fairlead/token.pem'] },
      ),
      expiration: duration({ positive: true })('life of a token', { initial: '5m' }),
      throttle: section('wrong passwords that are taken', {
        account: integer({ from: 1 })('for one account from one address', { initial: '5' }),
        address: integer({ from: 1 })('for any accounts from one address', { initial: '20' }),
        window: duration({ positive: true })('within this time', { initial: '1m' }),
      }),
      groups: dictionary('accounts by group', list('members', text('account', { required: true })), {
        example: '{ admins: [root] }',
      }),
      access: optionalList(
        'first match wins; left out: admins all, everybody below their own name, mirrored pulls for all',
        section('a rule', {
          account: text("a name, '*' for any that logged in, anonymous for everybody", { example: "'*'" }),
          group: text('or the members of a group', { example: 'admins' }),
          repository: text(`pattern: * in one component, ** any number, ${ACCOUNT} the name`, {
            required: true,
            example: `'${ACCOUNT}/**'`,
          }),
          actions: list('pull, push, delete, *; none shuts', action('action', { required: true }), {
            example: ['pull', 'push', 'delete'],
          }),
        }),
      ),
    }),
  },
  { expand: (mode) => ({ [mode.toLowerCase() === 'none' ? 'none' : mode]: null }) },
);
