/** The import directions between the rooms; ARCHITECTURE.md draws them. */
const rooms = [
  'main',
  'cli',
  'server',
  'app',
  'registry',
  'mirror',
  'auth',
  'ui',
  'storage',
  'operations',
  'config',
  'oci',
];

/** What each room may import of the others. */
const allowed = {
  main: ['cli'],
  cli: ['server', 'app', 'config', 'auth', 'mirror', 'storage', 'operations', 'oci'],
  server: ['app', 'config', 'registry', 'mirror', 'auth', 'ui', 'storage', 'operations', 'oci'],
  app: ['registry', 'mirror', 'auth', 'ui', 'storage', 'operations', 'oci'],
  registry: ['storage', 'operations', 'oci'],
  mirror: ['storage', 'operations', 'oci'],
  auth: ['storage', 'operations', 'oci'],
  ui: ['storage', 'operations', 'oci'],
  storage: ['oci'],
  operations: ['oci'],
  config: ['oci'],
  oci: [],
};

const path = (room) => `^src/${room}(/|\\.ts$)`;

const directions = rooms.map((room) => ({
  name: `${room}-imports-only-what-it-may`,
  severity: 'error',
  from: { path: path(room) },
  to: { path: '^src/', pathNot: [room, ...allowed[room]].map(path) },
}));

const onlyIn = (name, modules, folder) => ({
  name: `${name}-only-in-its-room`,
  severity: 'error',
  from: { pathNot: folder },
  to: { path: `node_modules/(${modules})/` },
});

module.exports = {
  forbidden: [
    ...directions,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, pathNot: '\\.d\\.ts$' }, to: {} },
    {
      name: 'oci-imports-only-node',
      severity: 'error',
      from: { path: '^src/oci/' },
      to: { path: 'node_modules' },
    },
    onlyIn('aws-sdk', '@aws-sdk|@smithy', '^src/storage/s3/'),
    onlyIn('jsonwebtoken-and-bcrypt', 'jsonwebtoken|bcrypt', '^src/auth/'),
    onlyIn('undici', 'undici', '^src/mirror/'),
    onlyIn('koa-router', '@koa/router', '^src/(app\\.ts|registry/|auth/|ui/)'),
    onlyIn('yaml', 'yaml', '^src/config/'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
