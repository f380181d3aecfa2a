import { createFilesystemDriver } from '../../src/storage/filesystem/filesystem-driver.ts';

/*
 * A process that holds an upload: node upload-holder.ts <root> <folder> <append | commit | drop | sleep> <target>.
 * It appends `held`, says so, and when it gets a line on its standard input does what it was told, and says what
 * came of it: `done`, or the name of the error.
 */

const [rootDirectory = '', folder = '', action = 'sleep', target = ''] = process.argv.slice(2);
const driver = await createFilesystemDriver({ rootDirectory });
const writer = await driver.uploads.create(folder);
await writer.append(Buffer.from('held'));
console.log('holding');

for await (const _line of process.stdin) {
  try {
    if (action === 'append') await writer.append(Buffer.from('late'));
    if (action === 'commit') await writer.commit(target);
    if (action === 'drop') await writer.drop();
    console.log('done');
  } catch (error) {
    console.log(error instanceof Error ? error.name : 'unknown');
  }
}
