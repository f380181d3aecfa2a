import { createHash, type Hash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { HashReply, HashRequest, HashWorkerData } from './hash-messages.ts';

/* What runs in a worker thread of the hasher pool. */

const { memory }: HashWorkerData = workerData;
const bytes = new Uint8Array(memory);
const hashes = new Map<number, Hash>();

function answer(request: HashRequest): HashReply | undefined {
  const hash = hashes.get(request.id);
  switch (request.kind) {
    case 'update': {
      const running = hash ?? createHash(request.algorithm);
      running.update(bytes.subarray(request.offset, request.offset + request.length));
      hashes.set(request.id, running);
      return { kind: 'updated', offset: request.offset };
    }
    case 'digest':
      hashes.delete(request.id);
      return { kind: 'digest', id: request.id, hex: hash?.digest('hex') ?? '' };
    case 'dispose':
      hashes.delete(request.id);
      return undefined;
    default:
      return request satisfies never;
  }
}

parentPort?.on('message', (request: HashRequest) => {
  const reply = answer(request);
  if (reply !== undefined) parentPort?.postMessage(reply);
});
