import type { Caller } from './caller.ts';
import type { CopyRules } from './copies.ts';
import type { LeaseContext } from './lease.ts';
import type { Multiparts } from './multiparts.ts';
import type { PartBuffers } from './part-buffers.ts';

/** What uploads work with. */
export interface UploadContext extends LeaseContext {
  readonly caller: Caller;
  readonly multiparts: Multiparts;
  readonly buffers: PartBuffers;
  /** Bytes of the part with this index, counted from 0 over the whole object. */
  readonly partSize: (index: number) => number;
  readonly copies: CopyRules;
  /** Goes on in the background; the driver waits for it when it closes. Failures only leave litter. */
  readonly later: (work: Promise<unknown>) => void;
}
